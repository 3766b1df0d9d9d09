"""An alternate source in the place of one that cannot be reached: fixed by the plan, and replaced later."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from framework import Breaker, alternate
from framework.core import faults
from framework.errors import CircuitError
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.resilience.calls import Calls
from framework.run.resilience.circuits import Circuits, InMemory
from tests.run.resilience.fake_time import FakeTime
from tests.run.test_alternates import Desk, rates

BREAKER = Breaker("bank", of_last=1, at_least=1, open_for="1m")


class FarDesk(Desk):
    """Rates of which the usual place can be cut off."""

    def __init__(self, root, **more) -> None:
        super().__init__(root, rates(otherwise=alternate("backup", when="unreachable"), breaker=BREAKER, **more))
        self.time = FakeTime()
        circuits = Circuits(InMemory(self.time.timing.now), self.time.timing)
        self.space = replace(self.space, calls=Calls(circuits=circuits, timing=self.time.timing))

    def cut_off(self) -> None:
        self.space.calls.circuits.settle(BREAKER, "timed out")

    def bring_back(self) -> None:
        self.time.wait(60.0)


def usd(desk: Desk) -> list[tuple[float, bool]]:
    """The rates of dollars, and whether the alternate gave them."""
    return [(rate, mark) for currency, rate, _, mark in desk.rates() if currency == "USD"]


@pytest.fixture
def desk(tmp_path) -> FarDesk:
    found = FarDesk(tmp_path)
    found.usual("a", "1.10")
    found.run()
    found.cut_off()
    return found


def test_it_stands_in_while_the_primary_cannot_be_reached_and_gives_way_afterwards(desk):
    desk.usual("b", "1.30", hour=3, currency="USD")  # there, and out of reach
    desk.other("b", 1.2, hour=9, currency="USD")
    report = desk.run()
    assert report.sources["backup"].stands_in == "rates, which could not be reached"
    assert "backup: 1 file in place of rates, which cannot be reached: the circuit of 'bank' is open" in report.reason
    assert usd(desk) == [(1.2, True)]
    desk.bring_back()
    desk.run()
    assert usd(desk) == [(1.3, False)]


def test_what_is_published_in_the_end_is_what_a_rebuild_gives(desk):
    desk.other("b", 1.2, currency="USD")
    desk.run()
    desk.bring_back()
    desk.usual("c", "1.4")
    desk.run()
    then = [row[:3] for row in desk.rates()]
    desk.run(full=True)
    assert [row[:3] for row in desk.rates()] == then


def test_an_attempt_that_could_reach_it_again_keeps_to_the_plan(desk, monkeypatch):
    desk.usual("b", "1.30", hour=3, currency="USD")
    desk.other("b", 1.2, hour=9, currency="USD")
    monkeypatch.setattr(faults, "_hits", Counter())
    monkeypatch.setenv("SLUICE_FAULT", "stage.after:raise")
    with pytest.raises(OSError, match="fault injected"):
        desk.run()
    monkeypatch.delenv("SLUICE_FAULT")
    desk.bring_back()
    report = desk.run()  # the sequence that was planned, and the next one
    assert report.reason.startswith("sequence 2: backup: 1 file in place of rates")
    assert report.reason.endswith("sequence 3: rates: 1 new file")
    assert (report.sources["backup"].accepted, usd(desk)) == (1, [(1.3, False)])


def test_without_a_file_of_the_alternate_the_failure_stands(desk):
    with pytest.raises(CircuitError):
        desk.run()


def test_a_rebuild_waits_for_the_primary(desk):
    desk.other("b", 1.2)
    with pytest.raises(CircuitError):
        desk.run(full=True)
    assert [row[1] for row in desk.rates()] == [1.1]


def test_an_alternate_that_does_not_say_so_does_not_stand_in_for_it(tmp_path):
    desk = FarDesk(tmp_path)
    desk.pipeline = rates(otherwise=alternate("backup"), breaker=BREAKER)
    desk.usual("a", "1.10")
    desk.run()
    desk.cut_off()
    desk.other("b", 1.2)
    with pytest.raises(CircuitError):
        desk.run()


def test_it_stands_in_from_the_first_run_on(tmp_path):
    desk = FarDesk(tmp_path)
    desk.cut_off()
    desk.other("b", 1.2)
    report = run_in(desk.pipeline, desk.space, RunRequest())
    assert report.reason == (
        "first run; backup: 1 file in place of rates, which cannot be reached: the circuit of 'bank' is open since"
        " 1970-01-12 13:46:40 until 13:47:40 UTC; 1 of the last 1 calls failed: timed out"
    )
