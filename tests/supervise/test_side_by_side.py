"""Several workers at once: what may run side by side, what may not, and how each is stopped, tried again or skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from framework.supervise import shift
from framework.supervise.board import Board
from framework.supervise.current import Tries
from framework.supervise.memory import memory_limit_mb
from framework.supervise.messages import Selected
from tests.supervise.invoking import invoke, report_of, states

pytestmark = pytest.mark.drawn(2)


def moves(events, task):
    """The states that a task went through."""
    return [e.fields["state"] for e in events if e.name == "task.state" and e.fields["task"] == task]


def ends(events):
    return [event.fields["pipeline"] for event in events if event.name == "run.reported"]


def test_pipelines_that_do_not_need_each_other_run_at_once(tmp_path):
    done, events = invoke(tmp_path, "a.meet", "b.meet", "c.ok<a.meet<b.meet", workers=2)
    assert states(done) == {"a.meet": "SUCCESS", "b.meet": "SUCCESS", "c.ok": "SUCCESS"}
    assert (tmp_path / "a.meet.pid").read_text() != (tmp_path / "b.meet.pid").read_text()
    assert ends(events)[-1] == "c.ok"
    assert moves(events, "c.ok") == ["QUEUED", "RUNNING", "SUCCESS"]


def test_a_second_worker_is_not_hired_to_look_for_input(tmp_path):
    done, events = invoke(tmp_path, "a.unchanged", "b.unchanged", "c.unchanged", workers=3)
    assert set(states(done).values()) == {"UNCHANGED"}
    assert {e.fields["worker"] for e in events if e.name == "task.state" and "worker" in e.fields} == {1}


def test_users_of_a_pool_never_meet_and_others_pass_them(tmp_path):
    names = [f"api.alone-{number}" for number in range(4)]
    done, events = invoke(tmp_path, *names, "a.meet", "b.meet", workers=3)
    assert set(states(done).values()) == {"SUCCESS"}
    held = [e.fields.get("reason") for e in events if e.name == "task.state" and e.fields["state"] == "QUEUED"]
    assert "waits for api" in held


def test_a_pool_may_have_more_slots(tmp_path):
    (tmp_path / "sluice.toml").write_text("[pools]\napi = 2\n")
    done, _ = invoke(tmp_path, "api.meet-1", "api.meet-2", workers=2)
    assert set(states(done).values()) == {"SUCCESS"}


def test_a_pool_without_a_slot_is_refused(tmp_path):
    (tmp_path / "sluice.toml").write_text("[pools]\napi = 0\n")
    done, _ = invoke(tmp_path, "api.ok")
    assert (done.refusal.error, "pools.api" in done.refusal.message) == ("ConfigurationError", True)


def test_the_death_of_one_worker_is_not_felt_by_another(tmp_path):
    done, events = invoke(tmp_path, "a.meet_and_die", "b.meet", "c.ok<b.meet", attempts=1, workers=2)
    assert states(done) == {"a.meet_and_die": "FAILED", "b.meet": "SUCCESS", "c.ok": "SUCCESS"}
    assert report_of(done, "a.meet_and_die").failure.error == "SIGKILL"
    assert report_of(done, "b.meet").attempts == 1
    assert moves(events, "a.meet_and_die") == ["QUEUED", "RUNNING", "FAILED"]


def test_a_worker_that_dies_while_it_loads_costs_what_it_came_for_an_attempt(tmp_path):
    entry = "stub_work:dying_in_the_second_worker"
    done, events = invoke(tmp_path, "a.data", "b.ok", "c.ok<a.data", entry=entry)
    assert states(done) == {"a.data": "FAILED", "b.ok": "FAILED", "c.ok": "SKIPPED"}
    assert (report_of(done, "b.ok").attempts, report_of(done, "b.ok").failure.error) == (2, "SIGKILL")
    assert moves(events, "b.ok") == ["QUEUED", "RETRYING", "FAILED"]


def test_a_deadline_ends_a_run_and_its_worker_and_is_not_tried_again(tmp_path):
    done, events = invoke(tmp_path, "late.sleep", "b.ok<late.sleep", "c.ok")
    assert states(done) == {"late.sleep": "FAILED", "b.ok": "SKIPPED", "c.ok": "SUCCESS"}
    failure = report_of(done, "late.sleep").failure
    assert (failure.kind, failure.error) == ("deadline", "DeadlineExceeded")
    assert failure.message.startswith("stopped, as it had not ended within its deadline of 0:00:02")
    assert report_of(done, "late.sleep").run_id == "run-late.sleep"
    assert "run.retry" not in {event.name for event in events}


def test_what_has_the_longest_chain_behind_it_starts_first(tmp_path):
    _, events = invoke(tmp_path, "a.ok", "b.ok", "c.ok", "d.ok<b.ok", "e.ok<d.ok")
    assert ends(events) == ["b.ok", "d.ok", "a.ok", "c.ok", "e.ok"]


def test_what_takes_longer_than_expected_is_warned_of_while_it_runs_and_says_so_in_its_report(tmp_path):
    done, events = invoke(tmp_path, "slow.alone")
    names = [event.name for event in events if event.name in {"run.overdue", "run.reported"}]
    assert names == ["run.overdue", "run.reported"]
    assert report_of(done, "slow.alone").late_s > 0
    assert done.state == "SUCCESS"


def test_after_a_failure_nothing_else_starts_where_that_is_asked_for(tmp_path):
    done, _ = invoke(tmp_path, "a.data", "b.ok", "c.ok<a.data", fail_fast=True)
    assert states(done) == {"a.data": "FAILED", "b.ok": "SKIPPED", "c.ok": "SKIPPED"}
    assert report_of(done, "b.ok").reason == "a.data failed, after which nothing else is started"


def test_a_pipeline_can_say_that_its_failure_stops_the_others(tmp_path):
    done, _ = invoke(tmp_path, "stop.data", "b.ok", "stop.ok")
    assert states(done) == {"stop.data": "FAILED", "b.ok": "SKIPPED", "stop.ok": "SKIPPED"}


def test_what_is_at_work_when_something_fails_is_let_finish(tmp_path):
    outlives = "b.meet_and_outlive"
    done, _ = invoke(tmp_path, "stop.meet_and_die", outlives, f"c.ok<{outlives}", attempts=1, workers=2)
    assert states(done) == {"stop.meet_and_die": "FAILED", outlives: "SUCCESS", "c.ok": "SKIPPED"}


@pytest.mark.parametrize(("asked", "attempts"), [(None, 3), (1, 1), (2, 2)], ids=str)
def test_a_pipeline_says_how_often_it_is_tried_and_the_command_line_goes_before_it(tmp_path, asked, attempts):
    done, _ = invoke(tmp_path, "keen.storage", tries=Tries(asked=asked))
    assert (states(done), report_of(done, "keen.storage").attempts) == ({"keen.storage": "FAILED"}, attempts)


def test_a_retry_waits_as_the_policy_says_and_tells_how_long(tmp_path):
    done, events = invoke(tmp_path, "patient.storage_once", tries=Tries())
    assert states(done) == {"patient.storage_once": "SUCCESS"}
    (retry,) = [event for event in events if event.name == "run.retry"]
    assert retry.fields["wait_s"] == 1.0
    assert "trying again in 1.0 s: s3://bucket" in retry.message
    assert moves(events, "patient.storage_once") == ["QUEUED", "RUNNING", "RETRYING", "RUNNING", "SUCCESS"]


def test_what_waits_to_be_tried_again_holds_nothing_up():
    board = Board(lambda event: None)
    board.open(Selected({"a": (), "b": (), "c": ("a",)}))
    board.begin(board.entries["a"], 10.0, worker=1)
    board.entries["a"].not_before = 15.0
    board.move(board.entries["a"], "RETRYING")
    assert ([entry.name for entry in board.ready(11.0)], board.next_time(11.0)) == (["b"], 4.0)
    assert [entry.name for entry in board.ready(15.0)] == ["a", "b"]


def test_stages_of_a_run_are_done_at_once_and_then_the_run(tmp_path):
    name = "a.stages-meet_of_1-meet_of_2"
    done, events = invoke(tmp_path, name, f"b.ok<{name}", workers=2)
    assert set(states(done).values()) == {"SUCCESS"}
    assert (tmp_path / f"{name}.whole").exists()
    assert moves(events, f"{name}:meet_of_1") == ["QUEUED", "RUNNING", "SUCCESS"]
    assert moves(events, name) == ["QUEUED", "RUNNING", "QUEUED", "RUNNING", "SUCCESS"]


def test_one_worker_does_the_stages_one_after_another(tmp_path):
    name = "a.stages-ok_of_1-ok_of_2"
    done, events = invoke(tmp_path, name)
    begun = [(e.fields.get("stage"), e.fields["attempt"]) for e in events if e.name == "run.begun"]
    assert begun == [(None, 1), ("ok_of_1", 1), ("ok_of_2", 1), (None, 1)]
    assert states(done) == {name: "SUCCESS"}


def test_a_stage_that_fails_for_a_reason_that_may_pass_is_done_again_and_the_others_are_not(tmp_path):
    name = "a.stages-ok_of_1-storage_once_of_2"
    done, events = invoke(tmp_path, name)
    assert (states(done), report_of(done, name).attempts) == ({name: "SUCCESS"}, 1)
    assert moves(events, f"{name}:storage_once_of_2") == ["QUEUED", "RUNNING", "RETRYING", "RUNNING", "SUCCESS"]
    assert moves(events, f"{name}:ok_of_1") == ["QUEUED", "RUNNING", "SUCCESS"]


def test_the_run_does_itself_what_a_stage_died_of_and_reads_each_file_apart_first(tmp_path):
    name = "a.stages-abort-ok_of_2"
    done, events = invoke(tmp_path, name)
    assert states(done) == {name: "SUCCESS"}
    assert (tmp_path / f"{name}.apart").read_text() == "True"
    assert moves(events, f"{name}:abort") == ["QUEUED", "RUNNING", "FAILED"]
    assert moves(events, f"{name}:ok_of_2") == ["SKIPPED"]


def test_a_stage_that_fails_fails_its_pipeline(tmp_path):
    name = "a.stages-data-ok_of_2"
    done, events = invoke(tmp_path, name, f"b.ok<{name}", "c.ok")
    assert states(done) == {name: "FAILED", "b.ok": "SKIPPED", "c.ok": "SUCCESS"}
    report = report_of(done, name)
    assert (report.failure.error, report.failure.message) == ("SourceError", "orders.csv cannot be read")
    assert moves(events, f"{name}:ok_of_2") == ["SKIPPED"]
    assert not (tmp_path / f"{name}.whole").exists()


class Ledger:
    """Says once that somebody wants an end, after something is at work."""

    def __init__(self, project):
        self.project = project

    def usual(self, pipelines):
        return {}

    def beat(self):
        return "ann@desk" if (self.project / "asleep").exists() else ""


def test_somebody_can_have_an_invocation_ended_through_the_ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(shift, "BEAT_S", 0.01)
    done, events = invoke(tmp_path, "a.sleep", "b.ok<a.sleep", past=Ledger(tmp_path))
    assert states(done) == {"a.sleep": "CANCELLED", "b.ok": "SKIPPED"}
    assert report_of(done, "a.sleep").reason == "cancelled by ann@desk"
    assert (done.state, done.cancelled_by, done.signal) == ("CANCELLED", "ann@desk", None)
    assert events[-1].name == "invocation.ended"


def test_the_least_limit_of_the_control_groups_and_the_machine_holds(tmp_path):
    groups, own, machine = tmp_path / "cgroup", tmp_path / "own", tmp_path / "meminfo"
    machine.write_text("MemTotal:       8388608 kB\nMemFree: 1 kB\n")
    own.write_text("0::/pod/box\n")
    assert memory_limit_mb(groups, machine, own) == 8192
    (groups / "pod/box").mkdir(parents=True)
    (groups / "pod/box/memory.max").write_text("max\n")
    assert memory_limit_mb(groups, machine, own) == 8192
    (groups / "pod/memory.max").write_text(f"{2**30}\n")
    assert memory_limit_mb(groups, machine, own) == 1024


def test_the_limit_of_a_control_group_of_version_1_is_read(tmp_path):
    groups, own = tmp_path / "cgroup", tmp_path / "own"
    own.write_text("5:cpu,cpuacct:/box\n4:memory:/box\n")
    (groups / "memory/box").mkdir(parents=True)
    (groups / "memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    (groups / "memory/box/memory.limit_in_bytes").write_text(f"{512 * 2**20}\n")
    assert memory_limit_mb(groups, tmp_path / "none", own) == 512
    assert memory_limit_mb(tmp_path / "no", tmp_path / "none", tmp_path / "nowhere") is None


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in [n for n in os.environ if n.startswith("SLUICE_")]:
        monkeypatch.delenv(name)


def test_a_step_that_reads_its_input_gets_nothing_and_takes_no_task(tmp_path):
    done, _ = invoke(tmp_path, "a.reads_stdin", "b.ok")
    assert set(states(done).values()) == {"SUCCESS"}
    assert Path(tmp_path, "stdin").read_text() == "[]"
