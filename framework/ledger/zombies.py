"""What nobody works at any more is closed by whoever looks: the process is gone, or its heartbeat has stopped."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from framework.ledger import states
from framework.ledger.chain import append
from framework.ledger.clock import now, utc
from framework.ledger.invocations import DEAD_AFTER_S
from framework.ledger.processes import Owner, is_gone, is_visible
from framework.ledger.tables import invocations, runs, tasks

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from framework.ledger.opening import Ledger

KILLED = "the process that kept it going has ended without a word: killed, or the machine went down"
SILENT = f"its heartbeat stopped more than {DEAD_AFTER_S} s ago: killed, or its machine or its network went down"
NEVER_BEGUN = "its invocation ended before it began"


def mark_abandoned(ledger: Ledger) -> list[str]:
    """Close the invocations whose supervisor no longer lives, and the runs of such: FAILED, kind `killed`.

    Gives the ids of the runs.
    """
    with ledger.engine.begin() as connection:
        at = now(connection)
        closed: list[tuple[str, str, dict[str, Any]]] = []
        abandoned: list[str] = []
        for row in connection.execute(select(invocations).where(invocations.c.state == states.RUNNING)).all():
            why = _why_dead(row, at)
            if why and _close_invocation(connection, row, why, at):
                details = {"before": row.state, "after": states.FAILED, "why": why}
                closed.append(("invocation.abandoned", row.invocation_id, details))
        for row, why in _abandoned_runs(connection):
            if _close_run(connection, row, why, at):
                abandoned.append(row.run_id)
                details = {"run_id": row.run_id, "before": row.state}
                closed.append(("run.abandoned", row.pipeline, details | {"after": states.FAILED, "why": why}))
        for action, subject, told in closed:
            append(connection, action, subject, told)
    return abandoned


def _why_dead(row: Row[Any], at: datetime) -> str:
    """Why nobody keeps an invocation going; empty when somebody does, or may."""
    owner = Owner(row.owner_host, row.owner_pid, row.owner_start)
    if is_visible(owner):
        return KILLED if is_gone(owner) else ""
    return SILENT if at - utc(row.heartbeat_at) > timedelta(seconds=DEAD_AFTER_S) else ""


def _close_invocation(connection: Connection, row: Row[Any], why: str, at: datetime) -> bool:
    """Close an invocation and its tasks, unless it has given a sign of life since it was looked at."""
    same = (
        (invocations.c.invocation_id == row.invocation_id)
        & (invocations.c.version == row.version)
        & (invocations.c.heartbeat_at == row.heartbeat_at)
    )
    values = {"state": states.FAILED, "version": row.version + 1, "finished_at": at}
    if not connection.execute(update(invocations).where(same).values(values)).rowcount:
        return False
    mine = tasks.c.invocation_id == row.invocation_id
    raised = {"version": tasks.c.version + 1, "finished_at": at}
    at_work, waiting = sorted(states.AT_WORK), (states.PENDING, states.QUEUED)
    begun = update(tasks).where(mine & tasks.c.state.in_(at_work))
    connection.execute(begun.values(state=states.FAILED, reason=why, **raised))
    rest = update(tasks).where(mine & tasks.c.state.in_(waiting))
    connection.execute(rest.values(state=states.SKIPPED, reason=NEVER_BEGUN, **raised))
    return True


def _abandoned_runs(connection: Connection) -> list[tuple[Row[Any], str]]:
    """Runs that are at work in the ledger only: their invocation has ended, or has no row and its process is gone."""
    its = invocations.c.invocation_id == runs.c.invocation_id
    query = select(runs, invocations.c.state.label("invocation_state")).outerjoin(invocations, its)
    found = []
    for row in connection.execute(query.where(runs.c.state.in_(sorted(states.AT_WORK)))).all():
        owner = Owner(row.owner_host, row.owner_pid, row.owner_start)
        if row.invocation_state not in {None, states.RUNNING}:
            found.append((row, KILLED if is_visible(owner) else SILENT))
        elif row.invocation_state is None and is_gone(owner):
            found.append((row, KILLED))
    return found


def _close_run(connection: Connection, row: Row[Any], why: str, at: datetime) -> bool:
    same = (runs.c.run_id == row.run_id) & (runs.c.version == row.version)
    values = {
        "state": states.FAILED,
        "version": row.version + 1,
        "failure_kind": "killed",
        "failure_error": "Abandoned",
        "failure_message": why,
        "finished_at": at,
    }
    return connection.execute(update(runs).where(same).values(values)).rowcount == 1
