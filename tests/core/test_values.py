"""The values that rooms hand to each other survive their trip through JSON; the clock and the events nest."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.core import events, faults
from framework.core.clock import at_run_time, run_time
from framework.core.plan import FileInput, FilesInput, RunPlan, TableInput
from framework.core.report import Failure, OutputReport, RunReport, SourceReport

MOMENTS = st.datetimes(timezones=st.just(UTC))
FILES = st.builds(
    FileInput,
    modified=MOMENTS,
    path=st.text(max_size=9).map(lambda t: t.encode(errors="ignore").decode()),
    size=st.integers(0),
    etag=st.sampled_from([None, "e"]),
    changed=st.booleans(),
)
INPUTS = st.one_of(
    st.builds(FilesInput, files=st.lists(FILES, max_size=3).map(tuple)),
    st.builds(TableInput, table=st.just("a/b"), version=st.integers(0), since=st.sampled_from([None, 0, 3])),
)


@given(inputs=st.dictionaries(st.text("abc", min_size=1), INPUTS), moment=MOMENTS, waiting=st.sampled_from([None, 4]))
def test_run_plan_survives_its_json(inputs, moment, waiting):
    plan = RunPlan(
        "retail.x", 3, "full", "id", moment, "f", inputs, {"since": "2024", "n": [1]}, waiting_version=waiting
    )
    content = plan.to_json()
    assert RunPlan.from_json(content) == plan
    assert RunPlan.from_json(content).to_json() == content
    assert json.loads(content)["schema_version"] == 1


def test_run_plan_writes_times_in_utc():
    moment = datetime(2024, 1, 5, 1, tzinfo=timezone(timedelta(hours=2)))
    plan = RunPlan("x", 1, "full", "id", moment, "f", {})
    assert json.loads(plan.to_json())["planned_at"] == "2024-01-04T23:00:00+00:00"
    assert RunPlan.from_json(plan.to_json()) == plan


def test_run_plan_holds_nothing_that_json_cannot():
    with pytest.raises(TypeError, match=r"^a run plan cannot hold \{1\}$"):
        RunPlan("x", 1, "full", "id", datetime(2024, 1, 1, tzinfo=UTC), "f", {}, {"a": {1}}).to_json()


def test_files_are_ordered_by_time_then_path():
    early, late = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
    files = [FileInput(late, "a", 1), FileInput(early, "z", 9), FileInput(early, "b", 1)]
    assert [f.path for f in sorted(files)] == ["b", "z", "a"]


@pytest.mark.parametrize("failure", [None, Failure("data", "SourceError", "no", retryable=True)])
def test_run_report_survives_its_json(failure):
    report = RunReport(
        "id", "retail.x", "FAILED" if failure else "SUCCESS",
        sources={"s": SourceReport(3, 1, 1, {"invalid": 1}, reasons={"a": 1})},
        outputs={"o": OutputReport("a/b", 1, 2, 3, 4, 5, 6)},
        failure=failure,
    )  # fmt: skip
    assert RunReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_run_time_is_fixed_within_its_block_and_free_outside():
    moment = datetime(2024, 1, 5, tzinfo=UTC)
    with at_run_time(moment):
        assert run_time() == moment
        with at_run_time(moment + timedelta(1)):
            assert run_time() == moment + timedelta(1)
        assert run_time() == moment
    assert run_time() > moment
    assert run_time().tzinfo is UTC


def test_events_reach_the_listener_with_their_context():
    heard = []
    events.emit("nobody.listens", "lost")
    with events.listening(heard.append), events.context(run="r", step="outer"):
        with events.context(step="inner"):
            events.emit("a", "first", step="own", rows=3)
            events.emit("b", "second", level="ERROR")
        events.emit("c", "third")
    events.emit("d", "lost")
    assert [(e.name, e.message, e.level, e.fields) for e in heard] == [
        ("a", "first", "INFO", {"run": "r", "step": "own", "rows": 3}),
        ("b", "second", "ERROR", {"run": "r", "step": "inner"}),
        ("c", "third", "INFO", {"run": "r", "step": "outer"}),
    ]


def test_listener_is_not_heard_by_other_threads():
    heard = []
    with events.listening(heard.append):
        thread = threading.Thread(target=events.emit, args=("a", "elsewhere"))
        thread.start()
        thread.join()
    assert heard == []


def test_fault_acts_on_the_named_passage_only(monkeypatch):
    monkeypatch.setattr(faults, "_hits", type(faults._hits)())
    monkeypatch.setenv("SLUICE_FAULT", "commit.before:raise:2")
    faults.fault("commit.before")
    faults.fault("commit.after")
    with pytest.raises(OSError, match=r"^fault injected at commit\.before$"):
        faults.fault("commit.before")
    faults.fault("commit.before")
    monkeypatch.delenv("SLUICE_FAULT")
    faults.fault("commit.before")
