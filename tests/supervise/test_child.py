"""The parts of the child that can be seen from inside."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from framework.core.events import Event
from framework.core.policy import Policy, Retry
from framework.core.report import Failure, OutputReport, RunReport, SourceReport
from framework.run.request import RunRequest
from framework.supervise.messages import (
    Begun,
    Happened,
    Job,
    Ready,
    Refused,
    Reported,
    Selected,
    Split,
    Task,
    decode,
    encode,
    to_line,
)
from framework.supervise.process import limit_memory, peak_memory_mb, reset_peak_memory

ROOT = Path(__file__).parents[2]
POLICY = Policy(Retry(3, within="1m"), ("api",), deadline="30m", on_failure="stop")
REPORT = RunReport(
    "r1",
    "a.b",
    "FAILED",
    sources={"s": SourceReport(2, 1, 1, {"duplicate": 1})},
    outputs={"t": OutputReport("t", 1, 2, 3, 4, 5, 6)},
    failure=Failure("data", "SourceError", "line\nbreak"),
)


@pytest.mark.parametrize(
    "message",
    [
        Ready("/p", "sqlite:///x", "/logs", secrets=("a", "b"), workers=3, pools={"api": 2}),
        Selected({"a.b": (), "c.d": ("a.b",)}, policies={"a.b": POLICY}),
        Begun(Task("a.b", "slow", 2, apart=True)),
        Happened(Event("n", "m", "WARNING", {"x": [1]}, datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC))),
        Reported(REPORT, "trace"),
        Refused(Failure("definition", "DefinitionError", "x")),
        Split({"a": (), "b": ("a",)}),
    ],
    ids=lambda m: type(m).__name__,
)
def test_a_message_arrives_as_it_was_sent(message):
    assert decode(to_line(encode(message))) == message


def test_a_job_arrives_as_it_was_sent():
    request = RunRequest(full=True, parameters={"top": "5"}, sample=0.1)
    job = Job("/p", ("a.b",), request, path=("/x",), supervisor=7, workers=2)
    assert Job.from_json(job.to_json()) == job
    task = Task("a.b", "slow", attempt=2, apart=True)
    assert Task.from_json(task.to_json()) == task


def test_values_that_json_does_not_know_do_not_break_a_line():
    odd = {"path": Path("x"), "set": {2, 1}, "at": datetime(2026, 1, 1, tzinfo=UTC), "half": "\udc80"}
    line = to_line({"type": "Happened", "event": {"name": "n", "message": "m", "level": "INFO", "fields": odd}})
    assert line.count(b"\n") == 1
    assert b'"path": "x"' in line
    assert b'"set": [1, 2]' in line


def test_limits_for_polars_come_from_the_memory_setting(monkeypatch):
    for name in ("POLARS_OOC_MEMORY_BUDGET_MB", "POLARS_OOMKILL_THRESHOLD_MB"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    limit_memory(None)
    assert "POLARS_OOC_MEMORY_BUDGET_MB" not in os.environ
    limit_memory(1000)
    assert os.environ["POLARS_OOC_MEMORY_BUDGET_MB"] == "500"
    assert os.environ["POLARS_OOMKILL_THRESHOLD_MB"] == "950"


def test_peak_memory_counts_from_the_last_reset():
    block = b"x" * (200 << 20)
    high = peak_memory_mb()
    del block
    reset_peak_memory()
    assert high - peak_memory_mb() > 100


def test_the_settings_are_read_before_anything_heavy_is_imported():
    code = (
        "import sys, framework.supervise.child, framework.settings;"
        "print(sorted({'polars', 'pandera', 'deltalake', 'sqlalchemy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
