"""`sluice cancel` asks, and a supervisor that looks at its heartbeat stops; `sluice runs list --active` shows both."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from framework.core.events import Event
from framework.core.report import RunReport
from framework.ledger.recorder import Recorder
from framework.ledger.runs import open_ledger, record_finished
from tests.cli.calling import ROOT

# A supervisor at a run, that looks until somebody asks it to stop.
SUPERVISOR = """
import sys
from framework.core.events import Event
from framework.ledger.recorder import Recorder

recorder = Recorder(sys.argv[1], "9f3a00", sys.exit)
for name, fields in (
    ("invocation.begun", {"tasks": ["shop.orders", "shop.totals"], "selection": ["shop"]}),
    ("task.state", {"task": "shop.orders", "state": "RUNNING", "attempt": 1, "worker": 1}),
    ("run.planned", {"run_id": "ab12cd", "pipeline": "shop.orders"}),
    ("task.state", {"task": "shop.orders:net", "state": "QUEUED"}),
):
    recorder(Event(name, "", fields=fields))
print("begun", flush=True)
while not recorder.beat():
    pass
for task, state in (("shop.orders:net", "SKIPPED"), ("shop.orders", "CANCELLED"), ("shop.totals", "SKIPPED")):
    recorder(Event("task.state", "", fields={"task": task, "state": state}))
recorder(Event("invocation.ended", "", fields={"state": "CANCELLED"}))
"""


@pytest.fixture
def at_work(project):
    """A project at which a supervisor is at work."""
    call = [sys.executable, "-c", SUPERVISOR, f"sqlite:///{project}/data/ledger.db"]
    process = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n", process.stderr.read()
    yield project
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_what_is_going_on_is_shown_task_by_task(sluice, at_work):
    done = sluice("runs", "list", "--active", cwd=at_work)
    first, head, *lines = done.stdout.splitlines()
    assert first.startswith("invocation 9f3a00: ")
    assert head.split() == ["task", "state", "attempt", "since", "worker", "run", "reason"]
    assert [line.split()[:2] for line in lines] == [
        ["shop.orders", "RUNNING"],
        ["shop.orders:net", "QUEUED"],
        ["shop.totals", "PENDING"],
    ]
    assert done.stderr == "next: sluice cancel 9f3a00\n"
    assert sluice("runs", "list", "other", "--active", cwd=at_work).stdout == "nothing is running\n"
    (found,) = json.loads(sluice("runs", "list", "shop", "--active", "--json", cwd=at_work).stdout)["invocations"]
    assert [task["state"] for task in found["tasks"]] == ["RUNNING", "QUEUED", "PENDING"]


@pytest.mark.parametrize("word", ["ab12cd", "ab", "9f3", "shop.orders", "shop.totals"])
def test_a_run_is_asked_to_stop_by_any_of_its_names(sluice, at_work, word):
    done = sluice("cancel", word, "--wait", cwd=at_work)
    asked, run, rest, ended = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert asked.startswith("asked invocation 9f3a00 to stop: ")
    assert run == "    run ab12cd of shop.orders: what is published stays, the next run takes up the rest"
    assert (rest, ended) == ("    1 pipeline not begun: skipped", "it has ended: CANCELLED")
    assert sluice("runs", "list", "--active", cwd=at_work).stdout == "nothing is running\n"
    (entry,) = json.loads(
        sluice("audit", "list", "--action", "invocation.cancel_requested", "--json", cwd=at_work).stdout
    )["entries"]
    assert entry["subject"] == "9f3a00"


def test_a_word_that_means_nothing_gets_the_nearest(sluice, at_work):
    done = sluice("cancel", "shop.order", cwd=at_work)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: nothing that is running is called 'shop.order'; did you mean 'shop.orders'")


def test_what_has_ended_or_never_was_is_said(sluice, project):
    assert sluice("cancel", "ab", cwd=project).stderr == (
        "error: nothing that is running is called 'ab': nothing has run yet\n"
    )
    address = f"sqlite:///{project}/data/ledger.db"
    record_finished(open_ledger(address), RunReport("ab12cd", "shop.orders", "SUCCESS"), invocation_id="i")
    assert sluice("cancel", "ab", cwd=project).stderr == (
        "error: nothing that is running is called 'ab': run ab12cd ended as SUCCESS;"
        " nothing is running that can be asked to stop\n"
    )


def test_several_that_are_meant_are_named(sluice, project):
    for invocation in ("9f01", "9f02"):
        recorder = Recorder(f"sqlite:///{project}/data/ledger.db", invocation, pytest.fail)
        for name, fields in (
            ("invocation.begun", {}),
            ("run.planned", {"run_id": invocation[::-1], "pipeline": "a.b"}),
        ):
            recorder(Event(name, "", fields=fields))
    done = sluice("cancel", "a.b", cwd=project)
    assert done.stderr == "error: 'a.b' means several that are running, name one of them: 9f01, 9f02\n"
    assert sluice("cancel", "9f02", cwd=project).stderr == "next: sluice runs list --active\n"
    out = sluice("runs", "list", "--active", cwd=project).stdout
    assert out.count("asked to stop by ") == 1
