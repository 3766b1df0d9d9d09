"""The mask for secrets: every spelling of a secret is found, nothing else is touched."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from framework.observe.redact import Redactor, secrets_of
from framework.settings import S3Settings, Settings

SECRET = 'pä$$/w"o\\rd+=?1'


def in_base64(prefix):
    return base64.b64encode(f"{prefix}{SECRET}:tail".encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"password={SECRET};",
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps({"key": SECRET}),
        json.dumps({"key": SECRET}, ensure_ascii=False),
        repr({"key": SECRET}),
    ],
    ids=["bare", "in words", "quoted", "quoted whole", "form", "JSON", "JSON in UTF-8", "Python"],
)
def test_a_secret_is_masked_in_every_spelling(text):
    masked = Redactor([SECRET]).text(text)
    assert "***" in masked
    for spelling in (SECRET, quote(SECRET), quote_plus(SECRET), json.dumps(SECRET)[1:-1], repr(SECRET)[1:-1]):
        assert spelling not in masked


@pytest.mark.parametrize("prefix", ["", "u", "us", "user:"])
def test_a_secret_is_masked_inside_base64_at_any_offset(prefix):
    masked = Redactor([SECRET]).text(f"Authorization: Basic {in_base64(prefix)}")
    assert "***" in masked
    assert len(masked) < len(in_base64(prefix)) + 10


@given(st.text(min_size=8, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_survives_in_plain_or_json_text(secret, before, after):
    redactor = Redactor([secret])
    assert secret not in redactor.text(f"{before}{secret}{after}").replace("***", "") or "***" in secret
    document = json.dumps(redactor.data({"deep": [{"text": f"{before}{secret}{after}"}]}))
    assert json.dumps(secret)[1:-1] not in document.replace("***", "")


def test_a_short_secret_is_masked_as_a_word_only():
    assert Redactor(["test"]).text("password test, tests/run, latest: test.") == "password ***, tests/run, latest: ***."


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://me:hidden@db:5432/x", "postgresql://me:***@db:5432/x"),
        ("at https://:tok@host, then", "at https://:***@host, then"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("mail me@example.org: soon", "mail me@example.org: soon"),
    ],
)
def test_passwords_in_urls_are_masked_without_being_known(text, masked):
    assert Redactor().text(text) == masked


def test_data_keeps_its_shape_and_its_short_keys():
    data = {"state": ["state", 1, None, 2.5, True], "long-secret-1": {"x": ("long-secret-1",)}}
    masked = Redactor(["state", "long-secret-1"]).data(data)
    assert masked == {"state": ["***", 1, None, 2.5, True], "***": {"x": ["***"]}}


def test_secrets_come_from_settings_urls_and_the_environment():
    settings = Settings(
        ledger="postgresql://me:p%40ss@db/x",
        s3=S3Settings(secret_access_key=SecretStr("key-1"), session_token=SecretStr("token-1")),
    )
    environment = {"AWS_SECRET_ACCESS_KEY": "key-2", "SLUICE_LEDGER": "postgresql://me:other@db/x", "PATH": "/bin"}
    assert secrets_of(settings, environment) == ("key-1", "key-2", "other", "p%40ss", "p@ss", "token-1")
