"""The ledger on SQLite and on PostgreSQL: the same functions, the same answers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from sqlalchemy import update

from framework.core.events import Event
from framework.core.report import Failure, RunReport, SourceReport
from framework.errors import ConfigurationError, SelectionError
from framework.ledger.processes import Owner, is_gone, this_process
from framework.ledger.recorder import Recorder
from framework.ledger.runs import (
    KILLED,
    get,
    mark_abandoned,
    open_existing,
    open_ledger,
    recent,
    record_finished,
    record_started,
)
from framework.ledger.tables import runs

ROOT = Path(__file__).parents[2]
REPORT = RunReport(
    "ab12cd",
    "shop.orders",
    "SUCCESS",
    seq=3,
    reason="2 new files",
    started_at="2026-11-20T08:15:00+00:00",
    duration_s=1.5,
    peak_memory_mb=210.5,
    sources={"orders": SourceReport(10, 9, 1, reasons={"quantity: must be > 0": 1})},
)


def start(ledger, run_id="ab12cd", pipeline="shop.orders"):
    plan = {"seq": 3, "mode": "incremental", "reason": "2 new files"}
    record_started(ledger, run_id, pipeline=pipeline, invocation_id="inv-1", plan=plan)


def test_a_run_is_running_from_its_start_until_its_report(ledger):
    start(ledger)
    row = get(ledger, "ab12cd")
    assert (row["state"], row["seq"], row["finished_at"]) == ("RUNNING", 3, None)
    assert (row["owner_host"], row["owner_pid"]) == (this_process().host, this_process().pid)
    record_finished(ledger, REPORT, invocation_id="inv-1")
    row = get(ledger, "ab12cd")
    assert (row["state"], row["duration_s"], row["peak_memory_mb"]) == ("SUCCESS", 1.5, 210.5)
    assert row["started_at"].isoformat() == "2026-11-20T08:15:00+00:00"
    assert row["finished_at"].tzinfo is UTC
    assert RunReport.from_dict(row["report"]) == REPORT


def test_a_failure_is_kept_with_its_class(ledger):
    failed = replace(REPORT, state="FAILED", failure=Failure("data", "SourceError", "orders.csv cannot be read"))
    record_finished(ledger, failed, invocation_id="inv-1")
    row = get(ledger, "ab12cd")
    assert (row["failure_kind"], row["failure_error"]) == ("data", "SourceError")
    assert row["failure_message"] == "orders.csv cannot be read"


def test_a_run_taken_up_again_keeps_one_row_and_forgets_the_failure(ledger):
    record_finished(
        ledger, replace(REPORT, state="FAILED", failure=Failure("killed", "SIGKILL", "x")), invocation_id="1"
    )
    start(ledger)
    row = get(ledger, "ab12cd")
    assert (row["state"], row["failure_kind"], row["report"]) == ("RUNNING", None, None)
    assert len(recent(ledger)) == 1


def test_recent_runs_come_newest_first_and_by_domain(ledger):
    for second, pipeline in enumerate(["shop.orders", "shop.totals", "shopping.list"]):
        at = f"2026-11-20T08:15:0{second}+00:00"
        record_finished(
            ledger, replace(REPORT, run_id=f"run{second}", pipeline=pipeline, started_at=at), invocation_id="1"
        )
    assert [row["run_id"] for row in recent(ledger)] == ["run2", "run1", "run0"]
    assert [row["run_id"] for row in recent(ledger, pipeline="shop")] == ["run1", "run0"]
    assert [row["run_id"] for row in recent(ledger, limit=1)] == ["run2"]


def test_a_run_is_found_by_the_beginning_of_its_id(ledger):
    for run_id in ("ab12cd", "ab99", "ab"):
        start(ledger, run_id)
    assert get(ledger, "ab1")["run_id"] == "ab12cd"
    assert get(ledger, "ab")["run_id"] == "ab"
    with pytest.raises(SelectionError, match=r"^no run begins with 'x%'; `sluice runs` lists them$"):
        get(ledger, "x%")
    with pytest.raises(SelectionError, match=r"^'a' is the beginning of several runs: ab, ab12cd, ab99$"):
        get(ledger, "a")


def test_runs_of_dead_supervisors_are_closed_and_others_left(ledger):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for run_id in ("mine", "dead", "elsewhere", "reused"):
        start(ledger, run_id)
    changes = {
        "dead": {"owner_pid": dead.pid},
        "elsewhere": {"owner_host": "another-host", "owner_pid": dead.pid},
        "reused": {"owner_start": "another boot:1"},
    }
    with ledger.engine.begin() as connection:
        for run_id, values in changes.items():
            connection.execute(update(runs).where(runs.c.run_id == run_id).values(values))
    assert sorted(mark_abandoned(ledger)) == ["dead", "reused"]
    row = get(ledger, "dead")
    assert (row["state"], row["failure_kind"], row["failure_message"]) == ("FAILED", "killed", KILLED)
    assert {row["run_id"] for row in recent(ledger) if row["state"] == "RUNNING"} == {"mine", "elsewhere"}
    assert mark_abandoned(ledger) == []


WRITER = """
import sys
from framework.core.report import RunReport
from framework.ledger.runs import open_ledger, record_finished, record_started
ledger = open_ledger(sys.argv[1])
for number in range(20):
    run_id = f"{sys.argv[2]}-{number}"
    record_started(ledger, run_id, pipeline="a.b", invocation_id="i", plan={})
    record_started(ledger, "shared", pipeline="a.b", invocation_id="i", plan={})
    record_finished(ledger, RunReport(run_id, "a.b", "SUCCESS"), invocation_id="i")
"""


def test_processes_that_write_at_once_lose_nothing(address):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, address, str(n)], cwd=ROOT, stderr=subprocess.PIPE)
        for n in range(4)
    ]
    for writer in writers:
        _, err = writer.communicate(timeout=120)
        assert writer.returncode == 0, err.decode()
    states = [row["state"] for row in recent(open_ledger(address), limit=1000) if row["run_id"] != "shared"]
    assert states == ["SUCCESS"] * 80


def test_reading_creates_no_sqlite_file(tmp_path):
    assert open_existing(f"sqlite:///{tmp_path}/none/ledger.db") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["not a url", "mysql://me@db/x", "sqlite"])
def test_an_address_that_cannot_be_used_says_what_is_expected(address):
    with pytest.raises(ConfigurationError, match=r"expected sqlite:///<file> or postgresql://user@host/database$"):
        open_ledger(address)


def planned(run_id, pipeline="shop.orders"):
    return Event("run.planned", "2 files", fields={"run_id": run_id, "pipeline": pipeline, "seq": 1, "attempt": 1})


def reported(report):
    return Event("run.reported", "done", fields={"state": report.state, "report": report.to_dict()})


def test_the_recorder_follows_a_run_through_its_events(address):
    warned = []
    recorder = Recorder(address, "inv-1", warned.append)
    recorder(planned("ab12cd"))
    assert get(open_ledger(address), "ab12cd")["state"] == "RUNNING"
    recorder(reported(REPORT))
    assert get(open_ledger(address), "ab12cd")["state"] == "SUCCESS"
    assert warned == []


def test_a_pipeline_that_finishes_an_earlier_sequence_first_closes_both(address):
    recorder = Recorder(address, "inv-1", pytest.fail)
    recorder(planned("earlier"))
    recorder(planned("ab12cd"))
    recorder(reported(REPORT))
    assert {row["run_id"]: row["state"] for row in recent(open_ledger(address))} == {
        "earlier": "SUCCESS",
        "ab12cd": "SUCCESS",
    }


def test_a_recorder_that_cannot_write_warns_once(tmp_path):
    (tmp_path / "file").touch()
    warned = []
    recorder = Recorder(f"sqlite:///{tmp_path}/file/ledger.db", "inv-1", warned.append)
    recorder(planned("ab12cd"))
    recorder(reported(REPORT))
    assert len(warned) == 1
    assert warned[0].startswith("the ledger cannot be written, so `sluice runs` will not show this run: ")


def test_nothing_new_opens_no_ledger(tmp_path):
    recorder = Recorder(f"sqlite:///{tmp_path}/ledger.db", "inv-1", pytest.fail)
    recorder(reported(replace(REPORT, state="UNCHANGED")))
    assert list(tmp_path.iterdir()) == []


def test_a_process_is_told_from_a_later_one_with_its_number():
    mine = this_process()
    assert not is_gone(mine)
    assert is_gone(Owner(mine.host, mine.pid, "another boot:1"))
    assert not is_gone(Owner("another-host", 1 << 22, ""))
