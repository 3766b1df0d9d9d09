"""The runs of one invocation: what one `sluice run` did, pipeline by pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from framework.errors import SelectionError
from framework.ledger.clock import utc
from framework.ledger.tables import runs

if TYPE_CHECKING:
    from framework.ledger.opening import Ledger

TIMES = ("started_at", "finished_at")
LIMIT = 10_000
"""Runs of one invocation that are looked at: a project has fewer pipelines."""


def runs_of(ledger: Ledger, invocation: str) -> list[dict[str, Any]]:
    """The runs of an invocation, by its id or the beginning of it, in the order in which they started; times in UTC.

    Raises:
        SelectionError: when no invocation or more than one begins so.
    """
    begins = runs.c.invocation_id.startswith(invocation, autoescape=True)
    query = select(runs).where(begins).order_by(runs.c.started_at, runs.c.run_id).limit(LIMIT)
    with ledger.engine.begin() as connection:
        found = [dict(row) for row in connection.execute(query).mappings()]
    exact = [row for row in found if row["invocation_id"] == invocation] or found
    ids = sorted({row["invocation_id"] for row in exact})
    if not ids:
        raise SelectionError(f"no run or invocation begins with '{invocation}'; `sluice runs` lists runs")
    if len(ids) > 1:
        raise SelectionError(f"'{invocation}' is the beginning of several invocations: {', '.join(ids[:LIMIT])}")
    return [{**row, **{name: utc(row[name]) for name in TIMES if row[name] is not None}} for row in exact]
