"""Tasks in the database: every write is compared with what its writer knows, so that nobody overwrites a decision."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from framework.errors import LedgerError, SelectionError
from framework.ledger.invocations import Request, begin
from framework.ledger.run_rows import claim
from framework.ledger.runs import get
from framework.ledger.states import ENDS, NEXT, STATES, Standing
from framework.ledger.tables import tasks
from framework.ledger.tasks import add, asked_for, move, of_invocations

AT = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)


def begun(ledger, *names, invocation=None):
    invocation = invocation or uuid.uuid4().hex[:12]
    with ledger.engine.begin() as connection:
        begin(connection, invocation, Request("/p", ("shop",), {"full": True}), at=AT)
        return invocation, add(connection, invocation, names)


def moved(ledger, key, known, state, **details):
    with ledger.engine.begin() as connection:
        return move(connection, key, known, state, at=AT, **details)


def row_of(ledger, invocation, task):
    with ledger.engine.begin() as connection:
        query = select(tasks).where(tasks.c.invocation_id == invocation, tasks.c.task == task)
        return dict(connection.execute(query).mappings().one())


def test_a_task_goes_its_way_and_keeps_when_why_and_by_whom(ledger):
    invocation, known = begun(ledger, "shop.orders", "shop.orders:totals")
    key = (invocation, "shop.orders:totals")
    standing = moved(ledger, key, known[key[1]], "QUEUED")
    standing = moved(ledger, key, standing, "RUNNING", attempts=1, worker="2")
    standing = moved(ledger, key, standing, "RETRYING", reason="transient: gone")
    standing = moved(ledger, key, standing, "RUNNING", attempts=2)
    assert moved(ledger, key, standing, "SUCCESS") == Standing("SUCCESS", 6)
    waits, done = of_invocations(ledger, [invocation])
    assert (waits["task"], waits["pipeline"], waits["stage"], waits["state"]) == ("shop.orders",) * 2 + (
        None,
        "PENDING",
    )
    assert (done["pipeline"], done["stage"], done["state"], done["attempts"]) == ("shop.orders", "totals", "SUCCESS", 2)
    assert (done["worker"], done["reason"]) == ("2", "transient: gone")
    assert done["queued_at"] == done["started_at"] == done["finished_at"] == AT


def test_what_somebody_else_decided_is_not_overwritten(ledger):
    invocation, known = begun(ledger, "shop.orders")
    key = (invocation, "shop.orders")
    running = moved(ledger, key, known["shop.orders"], "RUNNING")
    moved(ledger, key, running, "FAILED", reason="given up")
    with pytest.raises(LedgerError) as caught:
        moved(ledger, key, running, "SUCCESS")
    assert str(caught.value) == (
        f"task shop.orders of invocation {invocation} was decided by somebody else since: it was given up, or another"
        " process has taken it up; nothing was written"
    )
    assert row_of(ledger, *key)["state"] == "FAILED"


acts = st.lists(
    st.tuples(st.sampled_from(["first", "second"]), st.sampled_from([*STATES, "look"])), min_size=1, max_size=15
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts)
def test_of_two_writers_each_write_is_as_if_the_other_waited(ledger, done):
    invocation, known = begun(ledger, "shop.orders")
    key, real = (invocation, "shop.orders"), known["shop.orders"]
    knows = {"first": real, "second": real}
    for writer, state in done:
        if state == "look":
            row = row_of(ledger, *key)
            knows[writer] = Standing(row["state"], row["version"])
            continue
        may = state == knows[writer].state or state in NEXT[knows[writer].state]
        if may and knows[writer] == real:
            knows[writer] = real = moved(ledger, key, knows[writer], state)
        else:
            with pytest.raises(LedgerError):
                moved(ledger, key, knows[writer], state)
        row = row_of(ledger, *key)
        assert Standing(row["state"], row["version"]) == real
    assert (row_of(ledger, *key)["finished_at"] is not None) == (real.state in ENDS)


def test_what_was_asked_for_is_found_by_an_invocation_or_one_of_its_runs(ledger):
    _, known = begun(ledger, "shop.orders", "shop.totals", invocation="inv-1")
    begun(ledger, invocation="inv-2")
    moved(ledger, ("inv-1", "shop.orders"), known["shop.orders"], "FAILED")
    with ledger.engine.begin() as connection:
        claim(connection, "ab12cd", pipeline="shop.orders", invocation_id="inv-1", plan={})
    assert get(ledger, "ab12cd")["invocation_id"] == "inv-1"
    for name in ("inv-1", "ab12cd", "ab"):
        found = asked_for(ledger, name)
        assert (found.invocation["invocation_id"], found.selection, found.request) == (
            "inv-1",
            ("shop",),
            {"full": True},
        )
        assert found.in_states("FAILED") == ("shop.orders",)
        assert found.in_states("PENDING", "QUEUED") == ("shop.totals",)
    with pytest.raises(SelectionError, match=r"^'inv-' is the beginning of several: inv-1, inv-2$"):
        asked_for(ledger, "inv-")
    with ledger.engine.begin() as connection:
        claim(connection, "cd34", pipeline="shop.orders", invocation_id="before-invocations", plan={})
    with pytest.raises(SelectionError, match=r"^what was asked for with run cd34 is not on record; name its pipelines"):
        asked_for(ledger, "cd34")
    with pytest.raises(SelectionError, match=r"^no invocation and no run of one begins with 'zz'; `sluice runs` lists"):
        asked_for(ledger, "zz")
