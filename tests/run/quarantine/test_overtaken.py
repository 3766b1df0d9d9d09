"""Rows that are mended or queued while a run judges them: none is lost, none judged twice."""

import json
from importlib import import_module

import pytest

from framework.core.events import listening
from framework.core.faults import POINTS
from framework.errors import ConfigurationError
from framework.lake.quarantine import Selection
from framework.run.flow import run_plan
from framework.run.planning import fix_plan
from framework.run.position import find_position
from framework.run.quarantine.replay import discard
from framework.run.request import RunRequest


def planned(shop):
    return fix_plan(shop.pipeline, shop.space, RunRequest(), find_position(shop.pipeline, shop.space))


def test_a_row_is_not_mended_while_a_run_judges_it(refused):
    refused.mend(3, quantity="2")
    refused.queue(states=("mended",))
    planned(refused)
    row = refused.id_of(3)
    with pytest.raises(ConfigurationError) as caught:
        refused.mend(3, quantity="3")
    assert str(caught.value) == (
        f"1 problem in t.sales; nothing was changed:\n"
        f"  - row {row}: it is being judged again by sequence 2, which is not finished; try again after it"
    )
    with pytest.raises(ConfigurationError, match="sequence 2, which is not finished"):
        discard(refused.desk(), Selection(ids=(row,)), by="bob")
    refused.mend(4, quantity="4")  # not part of it
    refused.run()
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2)]
    assert refused.states()[1] == ("sales/a.csv", 4, "mended")


def test_a_mend_between_plan_and_commit_survives_a_run_that_does_not_judge_the_row(refused, monkeypatch):
    refused.deliver("b", "8,pear,8,", "9,pear,0,")
    between(monkeypatch, "commit.before", lambda: refused.mend(3, quantity="2"))
    refused.run()
    assert refused.table() == [("1", "apple", 1), ("8", "pear", 8)]
    assert ("sales/a.csv", 3, "mended") in refused.states()
    assert ("sales/b.csv", 3, "open") in refused.states()


def between(monkeypatch, point: str, act) -> None:
    """Do something at the first passage of a named point."""
    assert point in POINTS
    todo = [act]

    def passing(at: str) -> None:
        if at == point and todo:
            todo.pop()()

    publish = import_module("framework.lake.publish")  # the package has a function by that name
    monkeypatch.setattr(publish, "fault", passing)


def overtake(shop, monkeypatch, **cells):
    """Change the waiting row after the plan was fixed, as somebody would who looked a moment before."""
    monkeypatch.setattr("framework.run.quarantine.mending.require_not_in_flight", lambda *_: None)
    between(monkeypatch, "commit.before", lambda: shop.mend(5, **cells))


def test_a_row_that_was_changed_too_late_is_released_as_it_was_judged(refused, monkeypatch):

    refused.know("plum")
    overtake(refused, monkeypatch, quantity="40")
    told = []
    with listening(told.append):
        refused.run()
    assert refused.table() == [("1", "apple", 1), ("4", "plum", 4)]
    row = refused.held(ids=(refused.id_of(5),))[0]
    assert (row["state"], row["mended"]) == ("released", None)
    assert [json.loads(entry)["did"] for entry in row["trail"]] == ["mended", "released"]
    assert json.loads(row["trail"][0])["set"] == {"quantity": "40"}
    words = [event.message for event in told if event.name == "quarantine.overtaken"]
    assert words == [
        f"1 row changed while this run judged what was there before, released as judged: {row['id']} by ann"
    ]
    refused.run(full=True)
    assert refused.table() == [("1", "apple", 1), ("4", "plum", 4)]


def test_a_row_that_was_changed_while_it_was_refused_again_keeps_the_change(refused, monkeypatch):
    refused.mend(3, quantity="2")
    refused.queue(states=("mended",))
    overtake(refused, monkeypatch, product="pear")
    refused.run()
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2)]
    assert refused.states() == [
        ("sales/a.csv", 3, "released"),
        ("sales/a.csv", 4, "open"),
        ("sales/a.csv", 5, "mended"),
    ]
    refused.replay(states=("mended",))
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2), ("4", "pear", 4)]


def test_a_row_that_was_mended_and_queued_again_meanwhile_is_not_judged_twice(refused, monkeypatch):
    refused.mend(3, quantity="2")
    refused.queue(states=("mended",))

    def again():
        refused.mend(3, quantity="20", by="bob")
        refused.queue(states=("mended",), by="bob")

    for module in ("mending", "replay"):
        monkeypatch.setattr(f"framework.run.quarantine.{module}.require_not_in_flight", lambda *_: None)
    between(monkeypatch, "commit.before", again)
    refused.run()
    row = refused.held(ids=(refused.id_of(3),))[0]
    assert (row["state"], json.loads(row["mended"])["quantity"]) == ("released", "2")
    assert [json.loads(entry)["by"] for entry in row["trail"]][2:4] == ["bob", "bob"]
    assert refused.run().state == "UNCHANGED"
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2)]


def test_a_plan_of_earlier_is_carried_out_as_it_was_fixed(refused):
    """A plan was fixed before the rows were queued: it does not take them, the sequence after it does."""
    refused.deliver("b", "8,pear,8,")
    plan = planned(refused)
    refused.mend(3, quantity="2")
    refused.queue(states=("mended",))
    run_plan(refused.pipeline, plan, refused.space)
    assert refused.table() == [("1", "apple", 1), ("8", "pear", 8)]
    refused.run()
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2), ("8", "pear", 8)]
