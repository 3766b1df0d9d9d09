"""The recorder: events in, rows out; nothing before something is worth it, nothing lost while the database is away."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from framework.core.events import Event
from framework.core.report import Failure, RunReport
from framework.ledger.audit import entries, verify
from framework.ledger.invocations import request_cancel, running
from framework.ledger.recorder import Recorder
from framework.ledger.runs import get, open_existing, open_ledger, recent
from framework.ledger.tables import invocations
from framework.ledger.tasks import asked_for

REPORT = RunReport("ab12cd", "shop.orders", "SUCCESS", seq=3, started_at="2026-11-20T08:15:00+00:00", duration_s=1.5)


def event(name, **fields):
    return Event(name, "what happened", fields=fields)


def begun(*tasks):
    request = {"full": False, "parameters": {"token": "hidden-1"}}
    return event("invocation.begun", selection=["shop"], request=request, project="/p", tasks=list(tasks))


def task(name, state, **more):
    pipeline, _, stage = name.partition(":")
    return event("task.state", task=name, pipeline=pipeline, stage=stage or None, state=state, attempt=1, **more)


def planned(run_id="ab12cd", pipeline="shop.orders", attempt=1):
    return event("run.planned", run_id=run_id, pipeline=pipeline, seq=3, attempt=attempt)


def reported(report):
    return event("run.reported", state=report.state, pipeline=report.pipeline, report=report.to_dict())


def tell(recorder, *events):
    for one in events:
        recorder(one)


def masked(value):
    return json.loads(json.dumps(value, default=str).replace("hidden-1", "***"))


def states_of(address, invocation="inv-1"):
    found = asked_for(open_ledger(address), invocation)
    return found.invocation["state"], {row["task"]: row["state"] for row in found.tasks}


def test_the_story_of_an_invocation_is_told_by_its_rows(address):
    recorder = Recorder(address, "inv-1", pytest.fail, masked)
    tell(recorder, begun("shop.orders", "shop.totals"), task("shop.orders", "QUEUED"))
    tell(recorder, task("shop.orders", "RUNNING", worker=1), planned())
    assert states_of(address) == ("RUNNING", {"shop.orders": "RUNNING", "shop.totals": "PENDING"})
    tell(recorder, task("shop.orders:net", "QUEUED"), task("shop.orders:net", "RUNNING", worker=2))
    tell(recorder, task("shop.orders:net", "SUCCESS"), reported(REPORT), task("shop.orders", "SUCCESS"))
    tell(recorder, task("shop.totals", "SKIPPED", reason="enough"), event("invocation.ended", state="SUCCESS"))
    done = {"shop.orders": "SUCCESS", "shop.orders:net": "SUCCESS", "shop.totals": "SKIPPED"}
    assert states_of(address) == ("SUCCESS", done)
    found = asked_for(open_ledger(address), "ab12cd")
    assert (found.selection, found.request) == (("shop",), {"full": False, "parameters": {"token": "***"}})
    orders, net, totals = found.tasks
    assert (orders["run_id"], orders["worker"], orders["attempts"]) == ("ab12cd", "1", 1)
    assert (net["pipeline"], net["stage"], totals["reason"]) == ("shop.orders", "net", "enough")
    assert orders["queued_at"] <= orders["started_at"] <= orders["finished_at"]
    trail = [(entry.action, entry.subject) for entry in entries(open_ledger(address))][1:]
    assert trail == [("invocation.begun", "inv-1"), ("run.ended", "shop.orders"), ("invocation.ended", "inv-1")]
    assert verify(open_ledger(address)).breaks == ()


def test_an_invocation_with_nothing_new_opens_no_ledger(tmp_path):
    recorder = Recorder(f"sqlite:///{tmp_path}/ledger.db", "inv-1", pytest.fail)
    tell(recorder, begun("shop.orders"), task("shop.orders", "QUEUED"), task("shop.orders", "RUNNING"))
    assert recorder.beat() is False
    tell(recorder, reported(replace(REPORT, state="UNCHANGED")), task("shop.orders", "UNCHANGED"))
    tell(recorder, event("invocation.ended", state="UNCHANGED"))
    assert list(tmp_path.iterdir()) == []


def test_a_failure_before_any_plan_is_worth_recording(address):
    recorder = Recorder(address, "inv-1", pytest.fail)
    tell(recorder, begun("shop.orders"), task("shop.orders", "RUNNING"))
    failed = replace(REPORT, state="FAILED", failure=Failure("data", "SourceError", "a null\0 byte"))
    tell(recorder, reported(failed), task("shop.orders", "FAILED"), event("invocation.ended", state="FAILED"))
    assert states_of(address) == ("FAILED", {"shop.orders": "FAILED"})
    assert get(open_ledger(address), "ab12cd")["failure_message"] == "a null byte"
    assert json.loads(entries(open_ledger(address))[-2].details)["kind"] == "data"


def test_times_are_those_of_the_events_although_they_were_kept_back(address):
    recorder = Recorder(address, "inv-1", pytest.fail)
    first, second = begun("shop.orders"), task("shop.orders", "QUEUED")
    first, second = (replace(one, at=one.at - timedelta(minutes=ago)) for one, ago in ((first, 10), (second, 5)))
    tell(recorder, first, second, planned())
    found = asked_for(open_ledger(address), "inv-1")
    heartbeat = found.invocation["heartbeat_at"]
    assert heartbeat - found.invocation["started_at"] >= timedelta(minutes=9)
    assert timedelta(minutes=4) <= found.tasks[0]["queued_at"] - found.invocation["started_at"] <= timedelta(minutes=6)


def test_a_run_that_is_tried_again_says_so(address):
    recorder = Recorder(address, "inv-1", pytest.fail)
    tell(recorder, planned(), event("run.retry", pipeline="shop.orders", kind="transient"))
    assert get(open_ledger(address), "ab12cd")["state"] == "RETRYING"
    tell(recorder, planned(attempt=2))
    row = get(open_ledger(address), "ab12cd")
    assert (row["state"], row["attempts"]) == ("RUNNING", 2)
    tell(recorder, reported(replace(REPORT, attempts=2)))
    assert get(open_ledger(address), "ab12cd")["state"] == "SUCCESS"


def test_a_run_whose_next_attempt_finds_nothing_new_had_succeeded(address):
    recorder = Recorder(address, "inv-1", pytest.fail)
    tell(recorder, planned(), event("run.retry", pipeline="shop.orders"))
    tell(recorder, reported(replace(REPORT, run_id="", state="UNCHANGED")))
    assert get(open_ledger(address), "ab12cd")["state"] == "SUCCESS"


def test_a_plan_that_is_given_up_is_in_the_audit_trail(address):
    tell(Recorder(address, "inv-1", pytest.fail), event("run.given_up", pipeline="shop.orders"))
    last = entries(open_ledger(address))[-1]
    assert (last.action, last.subject, last.details) == ("run.given_up", "shop.orders", '{"why":"what happened"}')


def test_a_state_that_cannot_follow_is_said_once_and_the_rest_is_recorded(address):
    warned = []
    recorder = Recorder(address, "inv-1", warned.append)
    tell(
        recorder, begun("a.b", "a.c"), planned(), task("a.b", "SUCCESS"), task("a.c", "SUCCESS"), task("a.b", "QUEUED")
    )
    assert warned == [
        (
            "the ledger refuses what this run says: task a.b of invocation inv-1 cannot become SUCCESS: it is PENDING;"
            " expected QUEUED or RUNNING or RETRYING or UNCHANGED or FAILED or SKIPPED or CANCELLED"
        )
    ]
    assert states_of(address)[1] == {"a.b": "QUEUED", "a.c": "PENDING"}


def test_what_the_database_can_never_take_is_left_out_and_the_rest_is_recorded(address):
    warned = []
    recorder = Recorder(address, "inv-1", warned.append)
    tell(recorder, begun("shop.orders"), planned("x" * 30), planned(None), planned("other", "shop.other"))
    ids = {row["run_id"] for row in recent(open_ledger(address))}
    assert ids == {"x" * 30, "other"}
    assert len([line for line in warned if line.startswith("the ledger cannot be written")]) == 1


def test_what_was_not_written_while_the_database_was_away_is_written_at_the_end(tmp_path):
    (tmp_path / "folder").touch()
    warned = []
    recorder = Recorder(f"sqlite:///{tmp_path}/folder/ledger.db", "inv-1", warned.append)
    tell(recorder, begun("shop.orders"), task("shop.orders", "RUNNING"), planned())
    assert not recorder.beat()
    (tmp_path / "folder").unlink()
    tell(recorder, reported(REPORT), task("shop.orders", "SUCCESS"))
    assert open_existing(f"sqlite:///{tmp_path}/folder/ledger.db") is None
    tell(recorder, event("invocation.ended", state="SUCCESS"))
    address = f"sqlite:///{tmp_path}/folder/ledger.db"
    assert states_of(address) == ("SUCCESS", {"shop.orders": "SUCCESS"})
    assert get(open_ledger(address), "ab12cd")["state"] == "SUCCESS"
    assert [line.partition(":")[0] for line in warned] == [
        "the ledger cannot be written, so `sluice runs` will not show this run",
        "the ledger can be written again; what it was not told meanwhile is recorded",
    ]


def test_a_beat_is_a_sign_of_life_and_tells_of_a_request_to_cancel(address):
    recorder = Recorder(address, "inv-1", pytest.fail)
    tell(recorder, begun("shop.orders"), planned())
    ledger = open_ledger(address)
    before = running(ledger)[0]["heartbeat_at"]
    assert recorder.beat() is False
    assert running(ledger)[0]["heartbeat_at"] > before
    assert request_cancel(ledger, "inv-1")
    assert recorder.beat() is True
    assert request_cancel(ledger, "inv-1")
    tell(recorder, reported(replace(REPORT, state="CANCELLED")), event("invocation.ended", state="CANCELLED"))
    assert states_of(address)[0] == "CANCELLED"
    assert not request_cancel(ledger, "inv-1")
    assert [entry.action for entry in entries(ledger)].count("invocation.cancel_requested") == 1


def test_a_beat_never_raises(tmp_path):
    warned = []
    recorder = Recorder(f"sqlite:///{tmp_path}/ledger.db", "inv-1", warned.append)
    tell(recorder, begun("shop.orders"), planned())
    with open_ledger(recorder.address).engine.begin() as connection:
        connection.execute(text("DROP TABLE sluice_invocations"))
    assert recorder.beat() is False
    assert recorder.beat() is False
    assert len(warned) == 1


def test_once_somebody_closed_the_invocation_nothing_of_it_is_written(address):
    warned = []
    recorder = Recorder(address, "inv-1", warned.append)
    tell(recorder, begun("shop.orders"), planned())
    ledger = open_ledger(address)
    with ledger.engine.begin() as connection:
        connection.execute(update(invocations).values(state="FAILED", version=2))
        (heartbeat,) = connection.execute(select(invocations.c.heartbeat_at)).scalars()
    tell(recorder, planned("later", "shop.later"), reported(REPORT), event("invocation.ended", state="SUCCESS"))
    assert recorder.beat() is False
    assert warned == [
        (
            "the ledger no longer records this run; `sluice doctor --rebuild-ledger` enters what it publishes:"
            " invocation inv-1 was decided by somebody else since: it was given up, or another process has taken it up;"
            " nothing was written"
        )
    ]
    assert {row["run_id"]: row["state"] for row in recent(ledger)} == {"ab12cd": "RUNNING"}
    with ledger.engine.begin() as connection:
        assert connection.scalar(select(invocations.c.heartbeat_at)) == heartbeat


def test_a_pipeline_that_finishes_an_earlier_sequence_first_closes_both(address):
    recorder = Recorder(address, "inv-1", pytest.fail)
    tell(recorder, planned("earlier"), planned(), reported(REPORT))
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
