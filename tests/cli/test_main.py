"""Global flags, help, exit codes and streams."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"polars", "pandera", "deltalake", "sqlalchemy", "pydantic", "pydantic_settings", "pyarrow", "loguru", "fsspec"}


def test_help_names_every_command_and_imports_nothing_heavy(environment):
    code = (
        "import sys; from framework.cli.main import main; main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in ("init", "sample", "check", "plan", "run", "show", "table", "quarantine", "runs", "logs", "doctor"):
        assert re.search(rf"│ {name} ", done.stdout), name
    assert {name for name in HEAVY if f"'{name}'" in done.stderr} == set()


@pytest.mark.parametrize(
    "path",
    [
        "init",
        "sample",
        "check",
        "plan",
        "run",
        "show",
        "runs",
        "logs",
        "doctor",
        "table list",
        "table history",
        "quarantine show",
    ],
)
def test_every_command_has_help(sluice, path):
    done = sluice(*path.split(), "--help")
    assert done.returncode == 0
    assert f"Usage: sluice {path}" in done.stdout


def test_version(sluice):
    done = sluice("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sluice ")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["rnu"], 2, 'error: Unknown command "rnu". Did you mean "run"?'),
        (["run", "--bogus"], 2, "error: Unknown option: --bogus; `sluice --help` lists commands and flags"),
        (["run", "--sample", "2"], 2, "error: --sample 2.0: expected a fraction above 0 and up to 1, such as 0.1"),
        (["run", "--param", "top"], 2, "error: --param top: expected name=value"),
        (["run", "--attempts", "0"], 2, "error: --attempts 0: expected 1 or more"),
        (["-C", "nowhere", "run"], 2, "error: --project nowhere: there is no such folder"),
        (["run", "shop.ordres"], 4, "error: no pipeline is called 'shop.ordres'; did you mean 'shop.orders'?"),
        (["check", "shpo"], 4, "error: no pipeline is called 'shpo'; did you mean 'shop'"),
        (
            ["table", "show", "shop/ordres"],
            4,
            "error: no table is called 'shop/ordres'; the lake is empty; `sluice run` fills it",
        ),
        (
            ["quarantine", "show", "nobody"],
            4,
            "error: no pipeline is called 'nobody'; known: shop.daily_totals, shop.orders",
        ),
        (["logs"], 4, "error: no run has a log in "),
        (["sample", "retail"], 4, "error: no sample for 'retail': there is no pipelines/retail/sample;"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_each_mistake_has_its_exit_code_and_message(sluice, project, arguments, code, message):
    done = sluice(*arguments, cwd=project)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


def test_an_error_is_one_document_with_json(sluice, project):
    done = sluice("run", "nobody", "--json", cwd=project)
    document = json.loads(done.stdout)
    assert done.returncode == 4
    assert (document["schema_version"], document["state"], document["runs"]) == (1, "FAILED", [])
    assert document["error"]["error"] == "SelectionError"
    done = sluice("--json", "table", "show", "nothing", cwd=project)
    assert json.loads(done.stdout)["error"]["kind"] == "configuration"


def test_definition_problems_are_reported_together(sluice, project):
    for name in ("one", "two"):
        (project / f"pipelines/shop/{name}.py").write_text(f"import {name}_is_missing\n")
    for arguments in (["check"], ["run"]):
        done = sluice(*arguments, cwd=project)
        assert done.returncode == 2
        assert "one_is_missing" in done.stderr
        assert "two_is_missing" in done.stderr


@pytest.mark.parametrize("arguments", [["runs"], ["run"], ["doctor"]])
def test_wrong_settings_are_named(sluice, project, arguments):
    done = sluice(*arguments, cwd=project, SLUICE_MEMORY_MB="12")
    assert done.returncode == 2
    assert done.stderr.startswith("error: settings cannot be used (sluice.toml or SLUICE_* variables):\n  - memory_mb:")


def test_a_bug_is_saved_to_a_file_and_shown_only_with_debug(sluice, project):
    broken = project / "pipelines/shop/sample.py"
    broken.write_text("def generate(out, **given):\n    raise RuntimeError('key is hidden-key-1')\n")
    done = sluice("sample", "shop", cwd=project, SLUICE_S3__SECRET_ACCESS_KEY="hidden-key-1")
    assert done.returncode == 70
    found = re.fullmatch(r"error: this is a bug: RuntimeError: key is \*\*\*; traceback: (.+)\n", done.stderr)
    text = Path(found[1]).read_text()
    assert "in generate" in text
    assert "hidden-key-1" not in text
    done = sluice("sample", "shop", "--debug", cwd=project)
    assert "Traceback (most recent call last)" in done.stderr


def test_a_reader_that_leaves_early_is_no_error(start, ran):
    writer = start("table", "list", cwd=ran)
    writer.stdout.close()
    assert (writer.wait(timeout=60), writer.stderr.read()) == (0, "")


def test_global_flags_work_in_any_position(sluice, ran):
    before = sluice("--json", "-C", ran, "table", "list")
    after = sluice("table", "list", "--json", "--project", ran)
    assert json.loads(before.stdout) == json.loads(after.stdout)
    assert before.stderr == after.stderr == ""


def test_no_escape_codes_reach_a_pipe(sluice, ran):
    for arguments in (["table", "show", "shop/orders"], ["run"], ["--help"]):
        done = sluice(*arguments, cwd=ran, FORCE_COLOR="")
        assert "\x1b" not in done.stdout + done.stderr


def test_quiet_leaves_only_the_result(sluice, project):
    done = sluice("run", "-q", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 succeeded" in done.stdout


def test_interrupting_a_command_exits_130(start, project):
    (project / "pipelines/shop/sample.py").write_text(
        # A signal that comes just before one long sleep would be noticed after it.
        "import time\ndef generate(out, **given):\n    print('ready', flush=True)\n    while True: time.sleep(0.05)\n"
    )
    process = start("sample", "shop", cwd=project)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130


def test_the_entry_point_returns_its_code_in_process(monkeypatch, capsys, tmp_path):
    from framework.cli.main import main

    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("SLUICE_")]:
        monkeypatch.delenv(name)
    assert main(["table", "list"]) == 0
    assert capsys.readouterr() == ("the lake holds no tables yet\n", "next: sluice run\n")
