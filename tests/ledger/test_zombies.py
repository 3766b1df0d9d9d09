"""What nobody works at any more is closed, and a process that wakes up after that overwrites nothing."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from framework.core.events import Event
from framework.ledger.audit import entries
from framework.ledger.clock import now
from framework.ledger.invocations import DEAD_AFTER_S
from framework.ledger.processes import Owner, is_gone, is_visible, this_process
from framework.ledger.recorder import Recorder
from framework.ledger.runs import get, record_started
from framework.ledger.tables import invocations
from framework.ledger.tasks import asked_for
from framework.ledger.zombies import NEVER_BEGUN, SILENT, mark_abandoned

ROOT = Path(__file__).parents[2]

# A supervisor on another machine: it begins, is silent until it is told to go on, and then reports.
SUPERVISOR = """
import socket, sys
socket.gethostname = lambda: "elsewhere"
from framework.core.events import Event
from framework.core.report import RunReport
from framework.ledger.recorder import Recorder

recorder = Recorder(sys.argv[1], "inv-1", lambda text: print(text, flush=True))
for name, fields in (
    ("invocation.begun", {"tasks": ["shop.orders", "shop.totals"]}),
    ("task.state", {"task": "shop.orders", "state": "RUNNING"}),
    ("run.planned", {"run_id": "ab12cd", "pipeline": "shop.orders"}),
):
    recorder(Event(name, "", fields=fields))
print("begun", flush=True)
sys.stdin.readline()
print("cancel" if recorder.beat() else "no cancel", flush=True)
report = RunReport("ab12cd", "shop.orders", "SUCCESS").to_dict()
recorder(Event("run.reported", "", fields={"state": "SUCCESS", "report": report}))
recorder(Event("task.state", "", fields={"task": "shop.orders", "state": "SUCCESS"}))
recorder(Event("invocation.ended", "", fields={"state": "SUCCESS"}))
"""


@pytest.fixture
def elsewhere(address):
    """A supervisor that calls itself another host, at a run."""
    pipe = subprocess.PIPE
    call = [sys.executable, "-c", SUPERVISOR, address]
    process = subprocess.Popen(call, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout.readline() == "begun\n", process.stderr.read()
    yield process
    if process.poll() is None:
        process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()
    process.wait()


def silent_for(ledger, seconds, **more):
    """Let the last heartbeat be so long ago, by the clock of the ledger."""
    with ledger.engine.begin() as connection:
        past = now(connection) - timedelta(seconds=seconds)
        connection.execute(update(invocations).values(heartbeat_at=past, **more))


def test_a_heartbeat_keeps_an_invocation_of_another_host_alive(elsewhere, ledger):
    silent_for(ledger, DEAD_AFTER_S - 10)
    assert mark_abandoned(ledger) == []
    said, errors = elsewhere.communicate("go on\n", timeout=60)
    assert (said, errors) == ("no cancel\n", "")
    assert get(ledger, "ab12cd")["state"] == "SUCCESS"
    found = asked_for(ledger, "inv-1")
    assert (found.invocation["state"], found.in_states("SUCCESS")) == ("SUCCESS", ("shop.orders",))


def test_a_silent_invocation_is_closed_and_overwrites_nothing_when_it_wakes_up(elsewhere, ledger):
    silent_for(ledger, DEAD_AFTER_S + 10)
    assert mark_abandoned(ledger) == ["ab12cd"]
    record_started(ledger, "ab12cd", pipeline="shop.orders", invocation_id="inv-2", plan={"seq": 3})
    said, errors = elsewhere.communicate("go on\n", timeout=60)
    assert errors == ""
    first, rest = said.split("\n", 1)
    assert first.startswith("the ledger no longer records this run; ")
    assert rest == "no cancel\n"
    row = get(ledger, "ab12cd")
    assert (row["state"], row["invocation_id"]) == ("RUNNING", "inv-2")
    found = asked_for(ledger, "inv-1")
    assert (found.invocation["state"], found.in_states("FAILED")) == ("FAILED", ("shop.orders",))
    assert {task["task"]: task["reason"] for task in found.tasks} == {"shop.orders": SILENT, "shop.totals": NEVER_BEGUN}
    assert found.in_states("SKIPPED") == ("shop.totals",)
    abandoned = [(entry.action, entry.subject) for entry in entries(ledger) if "abandoned" in entry.action]
    assert abandoned == [("invocation.abandoned", "inv-1"), ("run.abandoned", "shop.orders")]


def test_a_killed_supervisor_of_this_host_is_noticed_at_once(address, ledger):
    call = [sys.executable, "-c", SUPERVISOR.replace('socket.gethostname = lambda: "elsewhere"', ""), address]
    with subprocess.Popen(call, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        assert mark_abandoned(ledger) == []
        process.kill()
    assert mark_abandoned(ledger) == ["ab12cd"]
    row = get(ledger, "ab12cd")
    assert (row["state"], row["failure_kind"]) == ("FAILED", "killed")
    assert asked_for(ledger, "inv-1").invocation["state"] == "FAILED"
    assert mark_abandoned(ledger) == []


def test_a_living_process_of_this_host_is_not_given_up_however_long_it_is_silent(address, ledger):
    recorder = Recorder(address, "inv-1", pytest.fail)
    for name, fields in (("invocation.begun", {}), ("run.planned", {"run_id": "ab12cd", "pipeline": "shop.orders"})):
        recorder(Event(name, "", fields=fields))
    silent_for(ledger, 10 * DEAD_AFTER_S)
    assert mark_abandoned(ledger) == []
    assert recorder.beat() is False
    assert get(ledger, "ab12cd")["state"] == "RUNNING"


def test_a_container_of_the_same_name_is_judged_by_its_heartbeat(address, ledger):
    recorder = Recorder(address, "inv-1", pytest.fail)
    for name, fields in (("invocation.begun", {}), ("run.planned", {"run_id": "ab12cd", "pipeline": "shop.orders"})):
        recorder(Event(name, "", fields=fields))
    other = {"owner_pid": 1 << 22, "owner_start": "boot:7@pid:[1]"}
    silent_for(ledger, DEAD_AFTER_S - 10, **other)
    assert mark_abandoned(ledger) == []
    silent_for(ledger, DEAD_AFTER_S + 10, **other)
    assert mark_abandoned(ledger) == ["ab12cd"]


def test_only_processes_of_the_same_container_are_looked_up():
    mine = this_process()
    assert is_visible(mine)
    assert is_visible(Owner(mine.host, 1, "boot:7"))
    assert not is_visible(Owner(mine.host, 1, "boot:7@pid:[1]"))
    assert not is_gone(Owner(mine.host, 1 << 22, "boot:7@pid:[1]"))


def test_a_process_is_told_from_a_later_one_with_its_number():
    mine = this_process()
    assert not is_gone(mine)
    assert is_gone(Owner(mine.host, mine.pid, "another boot:1"))
    assert not is_gone(Owner("another-host", 1 << 22, ""))
