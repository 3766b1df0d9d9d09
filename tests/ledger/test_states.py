"""Which state follows which: the table, and what is said of what may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import LedgerError
from framework.ledger.states import ENDS, NEXT, STATES, Standing, after


def test_every_state_can_end_and_an_end_is_followed_by_nothing():
    assert {"SUCCESS", "UNCHANGED", "FAILED", "SKIPPED", "CANCELLED"} == ENDS
    assert all(NEXT[end] == frozenset() for end in ENDS)
    assert all(NEXT[state] & ENDS for state in STATES if state not in ENDS)


@pytest.mark.parametrize(
    ("before", "state", "message"),
    [
        ("SUCCESS", "RUNNING", "task a cannot become RUNNING: it is SUCCESS; that is an end, nothing follows it"),
        ("QUEUED", "SUCCESS", "task a cannot become SUCCESS: it is QUEUED; expected RUNNING or UNCHANGED or FAILED or"),
        ("RUNNING", "DONE", "task a: there is no state DONE; expected one of PENDING, QUEUED, RUNNING"),
    ],
)
def test_what_may_not_follow_is_refused_with_what_may(before, state, message):
    with pytest.raises(LedgerError) as caught:
        after(Standing(before, 1), state, what="task a")
    assert str(caught.value).startswith(message)


@given(st.lists(st.sampled_from(STATES), max_size=12))
def test_whatever_is_tried_success_was_running_before_and_versions_count_the_writes(tried):
    known, history = Standing("PENDING", 1), ["PENDING"]
    for state in tried:
        try:
            known = after(known, state, what="task a")
        except LedgerError:
            assert state not in NEXT[known.state]
            continue
        history.append(state)
    assert known.version == len(history)
    assert "SUCCESS" not in history or history[history.index("SUCCESS") - 1] == "RUNNING"
    assert [state for state in history[:-1] if state in ENDS] == []
