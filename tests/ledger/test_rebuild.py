"""Runs entered anew from what the lake keeps of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from framework.core.report import Failure, RunReport
from framework.ledger.audit import entries
from framework.ledger.clock import now
from framework.ledger.rebuild import Rebuilt, published, rebuild
from framework.ledger.runs import get, open_ledger, recent, record_finished, record_started

REPORTS = [
    RunReport(
        f"run{seq}", "shop.orders", "SUCCESS", seq=seq, started_at=f"2024-11-2{seq}T08:15:00+00:00", duration_s=90
    )
    for seq in (1, 2, 3)
]


def test_runs_are_entered_once_with_their_reports_and_times(ledger, address):
    assert published(ledger) == set()
    assert rebuild(ledger, REPORTS) == Rebuilt(added=3)
    assert [row["run_id"] for row in recent(ledger)] == ["run3", "run2", "run1"]
    row = get(open_ledger(address), "run1")
    assert (row["state"], row["invocation_id"], row["seq"]) == ("SUCCESS", "rebuilt", 1)
    assert row["finished_at"].isoformat() == "2024-11-21T08:16:30+00:00"
    assert RunReport.from_dict(row["report"]) == REPORTS[0]
    assert published(ledger) == {("shop.orders", seq) for seq in (1, 2, 3)}
    assert rebuild(ledger, REPORTS) == Rebuilt(known=3)
    assert [entry.action for entry in entries(ledger)] == ["ledger.created", "ledger.rebuilt"]
    assert json.loads(entries(ledger)[-1].details) == {
        "added": 3,
        "corrected": 0,
        "known": 0,
        "trail": f"what was done before {entries(ledger)[0].at} is lost",
    }


def test_a_run_that_published_before_it_was_killed_is_corrected_and_one_at_work_left(ledger):
    killed = replace(REPORTS[0], state="FAILED", failure=Failure("killed", "Abandoned", "gone"))
    record_finished(ledger, killed, invocation_id="inv-1")
    record_started(ledger, "run2", pipeline="shop.orders", invocation_id="inv-1", plan={"seq": 2})
    record_finished(ledger, REPORTS[2], invocation_id="inv-1")
    assert published(ledger) == {("shop.orders", 2), ("shop.orders", 3)}
    assert rebuild(ledger, REPORTS) == Rebuilt(corrected=1, known=2)
    row = get(ledger, "run1")
    assert (row["state"], row["failure_kind"]) == ("SUCCESS", None)
    assert get(ledger, "run2")["state"] == "RUNNING"


def test_a_trail_that_is_older_than_the_runs_is_not_said_to_be_lost(ledger):
    later = now_plus_a_day(ledger)
    assert rebuild(ledger, [replace(REPORTS[0], started_at=later)]) == Rebuilt(added=1)
    assert json.loads(entries(ledger)[-1].details) == {"added": 1, "corrected": 0, "known": 0}


def now_plus_a_day(ledger):
    with ledger.engine.begin() as connection:
        return (now(connection) + timedelta(days=1)).isoformat()
