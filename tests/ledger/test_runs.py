"""The ledger on SQLite and on PostgreSQL: the same functions, the same answers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from sqlalchemy import update

from framework.core.report import Failure, RunReport, SourceReport
from framework.errors import ConfigurationError, LedgerError, SelectionError
from framework.ledger.history import usual, usual_seconds
from framework.ledger.processes import this_process
from framework.ledger.runs import (
    get,
    open_existing,
    open_ledger,
    recent,
    record_finished,
    record_started,
)
from framework.ledger.tables import runs
from framework.ledger.zombies import KILLED, mark_abandoned

pytestmark = pytest.mark.drawn(2)

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
    return record_started(ledger, run_id, pipeline=pipeline, invocation_id="inv-1", plan=plan)


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


def test_whoever_takes_a_run_up_decides_how_it_ends(ledger):
    first, second = start(ledger), start(ledger)
    with pytest.raises(LedgerError, match=r"^run ab12cd was decided by somebody else since: .*; nothing was written$"):
        record_finished(ledger, replace(REPORT, state="FAILED"), invocation_id="inv-1", known=first)
    assert get(ledger, "ab12cd")["state"] == "RUNNING"
    record_finished(ledger, REPORT, invocation_id="inv-1", known=second)
    assert get(ledger, "ab12cd")["state"] == "SUCCESS"


def test_a_run_at_which_another_process_works_is_not_closed(ledger):
    start(ledger)
    with ledger.engine.begin() as connection:
        connection.execute(update(runs).values(owner_host="another-host"))
    with pytest.raises(LedgerError):
        record_finished(ledger, REPORT, invocation_id="inv-2")
    assert get(ledger, "ab12cd")["state"] == "RUNNING"


def test_what_pipelines_usually_take_is_the_median_time_and_the_most_memory_of_the_latest_runs(ledger):
    for number in range(25):
        at = f"2026-11-20T08:15:{number:02}+00:00"
        took = {"duration_s": float(number), "peak_memory_mb": 1000.0 - number, "started_at": at}
        record_finished(ledger, replace(REPORT, run_id=f"run{number}", **took), invocation_id="i")
    failed = replace(REPORT, run_id="f", state="FAILED", duration_s=99.0, started_at="2026-11-21T00:00:00+00:00")
    record_finished(ledger, failed, invocation_id="i")
    record_finished(ledger, replace(REPORT, run_id="t", pipeline="shop.totals"), invocation_id="i")
    found = usual(ledger, ["shop.orders", "shop.totals", "shop.new"])
    assert found == {"shop.orders": (14.5, 995.0), "shop.totals": (1.5, 210.5)}
    assert found["shop.orders"].memory_mb == 995.0
    assert usual_seconds(ledger, ["shop.orders"], of=1) == {"shop.orders": 24.0}


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
