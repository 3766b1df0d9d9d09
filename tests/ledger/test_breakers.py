"""Rows of circuit breakers: writers at once are told apart, and nobody's clock counts but the ledger's."""

from __future__ import annotations

from framework.ledger.breakers import all_breakers, read_breaker, write_breaker
from framework.ledger.runs import open_ledger


def test_a_breaker_that_nobody_wrote_is_closed(ledger):
    found = read_breaker(ledger, "crm_api")
    assert (found.state, found.version, found.window, found.opened_at) == ("closed", 0, [], None)
    assert found.read_at.utcoffset().total_seconds() == 0


def test_what_was_written_is_read_by_everybody_with_the_time_of_the_ledger(ledger, address):
    at = read_breaker(ledger, "crm_api").read_at
    values = {"state": "open", "window": [True, False], "opened_at": at}
    assert write_breaker(ledger, "crm_api", 0, values)
    found = read_breaker(open_ledger(address), "crm_api")
    assert (found.state, found.version, found.window, found.opened_at) == ("open", 1, [True, False], at)
    assert at <= found.changed_at <= found.read_at
    assert write_breaker(ledger, "crm_api", 1, {"state": "half_open"})
    found = read_breaker(ledger, "crm_api")
    assert (found.state, found.version, found.window, found.opened_at) == ("half_open", 2, [True, False], at)


def test_of_two_writers_with_the_same_knowledge_the_second_is_told(ledger):
    assert write_breaker(ledger, "crm_api", 0, {"state": "open"})
    assert not write_breaker(ledger, "crm_api", 0, {"state": "closed"})
    assert write_breaker(ledger, "crm_api", 1, {"state": "half_open"})
    assert not write_breaker(ledger, "crm_api", 1, {"state": "closed"})
    assert read_breaker(ledger, "crm_api").state == "half_open"


def test_breakers_are_listed_by_name(ledger):
    for name in ("b", "a"):
        write_breaker(ledger, name, 0, {})
    assert [(found.name, found.state) for found in all_breakers(ledger)] == [("a", "closed"), ("b", "closed")]
