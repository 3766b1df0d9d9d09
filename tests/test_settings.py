"""Settings: the environment wins over `sluice.toml`, which wins over the defaults; secrets stay secret."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from framework.errors import ConfigurationError
from framework.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "p4ssw0rd-never-to-be-seen"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    for name in [n for n in os.environ if n.upper().startswith("SLUICE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def project(tmp_path):
    def write(text: str) -> Path:
        (tmp_path / "sluice.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def test_defaults_are_those_of_the_documents(tmp_path):
    found = load_settings(tmp_path)
    assert (found.raw, found.lake, found.ledger) == ("data/raw", "data/lake", "sqlite:///data/ledger.db")
    assert (found.log_level, found.log_format, found.packages) == ("INFO", "auto", ("pipelines",))
    assert (found.memory_mb, found.grace_s) == (None, 5.0)


def test_file_wins_over_the_default_and_the_environment_over_the_file(project, monkeypatch):
    folder = project('raw = "from-file"\nlake = "from-file"\nledger = "from-file"\n')
    monkeypatch.setenv("SLUICE_LAKE", "from-environment")
    monkeypatch.setenv("SLUICE_LEDGER", "from-environment")
    found = load_settings(folder, ledger="from-argument")
    assert (found.raw, found.lake, found.ledger, found.logs) == (
        "from-file", "from-environment", "from-argument", "data/logs",
    )  # fmt: skip


def test_nested_settings_are_merged_key_by_key(project, monkeypatch):
    folder = project('[s3]\nendpoint_url = "http://file"\nregion = "eu"\n')
    monkeypatch.setenv("SLUICE_S3__ENDPOINT_URL", "http://environment")
    found = load_settings(folder).s3
    assert (found.endpoint_url, found.region) == ("http://environment", "eu")


def test_only_the_project_s_own_file_is_read(project, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(project('raw = "of-the-current-folder"\n'))
    assert load_settings(elsewhere).raw == "data/raw"
    assert load_settings().raw == "of-the-current-folder"


def test_every_wrong_setting_is_named_at_once(project, monkeypatch):
    folder = project('rwa = "x"\nmemory_mb = 5\n[s3]\nendpoint = "x"\n')
    monkeypatch.setenv("SLUICE_LOG_LEVEL", "LOUD")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(folder)
    head, *lines = str(caught.value).splitlines()
    assert head == "settings cannot be used (sluice.toml or SLUICE_* variables):"
    assert sorted(lines) == [
        "  - log_level: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
        "  - memory_mb: Input should be greater than or equal to 256",
        "  - rwa: Extra inputs are not permitted",
        "  - s3.endpoint: Extra inputs are not permitted",
    ]


@pytest.mark.parametrize("text", ["raw = ", 'raw = "a"\nraw = "b"', "[s3"])
def test_file_that_is_no_toml_is_a_setting_that_cannot_be_used(project, text):
    with pytest.raises(ConfigurationError, match=re.escape("sluice.toml")):
        load_settings(project(text))


def test_list_in_a_variable_is_json_and_anything_else_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_PACKAGES", '["a", "b"]')
    assert load_settings(tmp_path).packages == ("a", "b")
    monkeypatch.setenv("SLUICE_PACKAGES", "a,b")
    with pytest.raises(ConfigurationError, match="packages"):
        load_settings(tmp_path)


def test_secrets_show_nowhere(project, monkeypatch):
    folder = project(f'[s3]\nsecret_access_key = "{SECRET}"\n')
    monkeypatch.setenv("SLUICE_S3__SESSION_TOKEN", SECRET)
    found = load_settings(folder)
    assert SECRET not in repr(found) + str(found) + repr(found.s3) + found.model_dump_json() + str(found.model_dump())
    assert found.s3.secret_access_key.get_secret_value() == SECRET
    assert found.s3.session_token.get_secret_value() == SECRET


def test_wrong_setting_beside_a_secret_does_not_tell_it(project):
    folder = project(f'grace_s = -1\n[s3]\nsecret_access_key = "{SECRET}"\nsecret_key = "{SECRET}"\n')
    with pytest.raises(ConfigurationError) as caught:
        load_settings(folder)
    assert SECRET not in str(caught.value)


def test_settings_cannot_be_changed(tmp_path):
    found = load_settings(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        found.raw = "elsewhere"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("data/raw", "{project}/data/raw"), ("/abs/raw", "/abs/raw"), ("s3://bucket/raw", "s3://bucket/raw")],
)
def test_relative_paths_start_at_the_project(tmp_path, value, expected):
    assert load_settings(tmp_path).path(value) == expected.format(project=tmp_path)


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        ("sqlite:///data/ledger.db", "sqlite:///{project}/data/ledger.db"),
        ("sqlite:////var/ledger.db", "sqlite:////var/ledger.db"),
        ("postgresql://host/db", "postgresql://host/db"),
    ],
)
def test_relative_ledger_starts_at_the_project(tmp_path, ledger, expected):
    assert load_settings(tmp_path, ledger=ledger).ledger_url == expected.format(project=tmp_path)
