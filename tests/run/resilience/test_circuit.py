"""A circuit as a value: a random history is held against what the words closed, open and half open promise."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from framework import Breaker
from framework.errors import DefinitionError
from framework.run.resilience.circuit import CLOSED, Circuit, admit, settle

BREAKER = Breaker("crm", failures=0.5, of_last=4, at_least=2, open_for="1m", probes=2)
OPEN_S = 60.0


class Histories(RuleBasedStateMachine):
    """Calls that begin, end well or badly or never, and time that passes; beside them a slow, plain account."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.circuit = 0.0, CLOSED
        self.outcomes: list[bool] = []
        self.opened_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None and self.now < self.opened_at + OPEN_S

    @rule(seconds=st.sampled_from([0.0, 1.0, 30.0, 59.0, 60.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.opened_at is None)
    @rule(fails=st.booleans())
    def a_call_is_made_while_it_is_closed(self, fails: bool) -> None:
        admitted = admit(BREAKER, self.circuit, self.now)
        assert admitted == self.circuit
        self.circuit = settle(BREAKER, admitted, self.now, "down" if fails else None)
        self.outcomes = [*self.outcomes, fails][-4:]
        if fails and len(self.outcomes) >= 2 and sum(self.outcomes) >= len(self.outcomes) / 2:
            self.opened_at = self.now

    @precondition(lambda self: self.is_open)
    @rule()
    def a_call_is_refused_while_it_is_open(self) -> None:
        assert admit(BREAKER, self.circuit, self.now) is None

    @precondition(lambda self: self.is_open)
    @rule(fails=st.booleans())
    def what_was_under_way_changes_nothing_while_it_is_open(self, fails: bool) -> None:
        assert settle(BREAKER, self.circuit, self.now, "late" if fails else None) == self.circuit

    @precondition(lambda self: self.opened_at is not None and not self.is_open)
    @rule()
    def a_probe_is_lost(self) -> None:
        admitted = admit(BREAKER, self.circuit, self.now)
        out = [began for began in self.circuit.probes if self.now - began < OPEN_S]
        assert (admitted is None) == (len(out) + self.circuit.passed >= 2)
        self.circuit = admitted or self.circuit

    @precondition(lambda self: self.opened_at is not None and not self.is_open)
    @rule(fails=st.booleans())
    def a_probe_ends(self, fails: bool) -> None:
        admitted = admit(BREAKER, self.circuit, self.now)
        if admitted is None:
            return
        passed = admitted.passed
        self.circuit = settle(BREAKER, admitted, self.now, "still down" if fails else None)
        if fails:
            self.opened_at = self.now
        elif passed + 1 >= BREAKER.probes:
            self.opened_at, self.outcomes = None, []

    @invariant()
    def it_is_in_the_phase_that_the_account_gives(self) -> None:
        expected = "closed" if self.opened_at is None else "open" if self.is_open else "half-open"
        assert self.circuit.phase(self.now) == expected

    @invariant()
    def no_more_probes_are_out_than_may_be(self) -> None:
        assert len(self.circuit.probes) + self.circuit.passed <= BREAKER.probes

    @invariant()
    def it_is_the_same_after_a_stay_in_json(self) -> None:
        assert Circuit.from_values(json.loads(json.dumps(self.circuit.to_values()))) == self.circuit


TestHistories = Histories.TestCase


def test_a_lost_probe_keeps_no_circuit_open_for_good():
    half_open = replace(CLOSED, failed=(True, True), opened_at=0.0, open_until=60.0)
    breaker = Breaker("crm", open_for="1m", probes=1)
    probed = admit(breaker, half_open, 60.0)
    assert admit(breaker, probed, 119.0) is None
    assert admit(breaker, probed, 120.0).probes == (120.0,)


def test_one_success_of_two_probes_does_not_close_it():
    half_open = replace(CLOSED, failed=(True, True), opened_at=0.0, open_until=60.0)
    first = settle(BREAKER, admit(BREAKER, half_open, 60.0), 60.0, None)
    assert first.phase(60.0) == "half-open"
    assert settle(BREAKER, admit(BREAKER, first, 61.0), 61.0, None) == CLOSED


def test_a_breaker_that_cannot_be_meant_names_all_that_is_wrong():
    with pytest.raises(DefinitionError) as caught:
        Breaker("", failures=1.5, of_last=3, at_least=4, open_for="soon", probes=0)
    assert [problem.what for problem in caught.value.problems] == [
        "open_for='soon' is no length of time",
        "has no name",
        "failures=1.5 is no share",
        "at_least=4 of of_last=3 calls",
        "probes=0 never closes it again",
    ]
