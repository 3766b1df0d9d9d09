"""Invocations: one `sluice run` each, with its heartbeat, and the request to cancel it.

Whoever writes for an invocation touches its row first, in the same transaction. That is the fence: once somebody has
closed the row, because its heartbeat had stopped, a process that wakes up writes nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from framework.ledger import states
from framework.ledger.chain import append
from framework.ledger.clock import now, utc
from framework.ledger.processes import actor, this_process, user_name
from framework.ledger.states import Standing
from framework.ledger.tables import invocations

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from framework.ledger.opening import Ledger

DEAD_AFTER_S = 60
"""An invocation on another host whose heartbeat is older than this is dead."""
TIMES = ("started_at", "finished_at", "heartbeat_at", "cancel_requested_at")


@dataclass(frozen=True)
class Request:
    """What an invocation was asked to do, as plain data, so that it can be asked again."""

    project: str = ""
    selection: tuple[str, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)


def begin(connection: Connection, invocation_id: str, asked: Request, *, at: datetime) -> Standing:
    """Record that this process has begun an invocation, and lives."""
    owner = this_process()
    values = {
        "invocation_id": invocation_id,
        "project": asked.project,
        "user_name": user_name(),
        "selection": list(asked.selection),
        "request": dict(asked.request),
        "state": states.RUNNING,
        "version": 1,
        "started_at": at,
        "heartbeat_at": now(connection),
        "owner_host": owner.host,
        "owner_pid": owner.pid,
        "owner_start": owner.start,
    }
    connection.execute(insert(invocations).values(values))
    return Standing(states.RUNNING, 1)


def touch(connection: Connection, invocation_id: str, known: Standing) -> bool:
    """Write the heartbeat and say whether somebody asked to cancel.

    Raises:
        LedgerError: when somebody else has closed the invocation.
    """
    mine = _as_known(invocation_id, known)
    if not connection.execute(update(invocations).where(mine).values(heartbeat_at=now(connection))).rowcount:
        raise states.fenced(f"invocation {invocation_id}")
    return connection.scalar(select(invocations.c.cancel_requested_at).where(mine)) is not None


def end(connection: Connection, invocation_id: str, known: Standing, state: str) -> Standing:
    """Close an invocation.

    Raises:
        LedgerError: when somebody else has closed it, or the state is no end.
    """
    following = states.after(known, state, what=f"invocation {invocation_id}")
    values = {"state": state, "version": following.version, "finished_at": now(connection)}
    if not connection.execute(update(invocations).where(_as_known(invocation_id, known)).values(values)).rowcount:
        raise states.fenced(f"invocation {invocation_id}")
    return following


def request_cancel(ledger: Ledger, invocation_id: str) -> bool:
    """Ask an invocation to stop; its supervisor sees that with its next heartbeat. False when it has ended already."""
    by = actor()
    with ledger.engine.begin() as connection:
        open_one = (invocations.c.invocation_id == invocation_id) & (invocations.c.state == states.RUNNING)
        first = open_one & invocations.c.cancel_requested_at.is_(None)
        values = {"cancel_requested_at": now(connection), "cancel_requested_by": by}
        if connection.execute(update(invocations).where(first).values(values)).rowcount:
            append(connection, "invocation.cancel_requested", invocation_id)
            return True
        return connection.scalar(select(invocations.c.state).where(open_one)) is not None


def running(ledger: Ledger) -> list[dict[str, Any]]:
    """The invocations that are at work, oldest first."""
    query = select(invocations).where(invocations.c.state == states.RUNNING).order_by(invocations.c.started_at)
    with ledger.engine.begin() as connection:
        return [plain(row, TIMES) for row in connection.execute(query)]


def plain(row: Row[Any], times: tuple[str, ...]) -> dict[str, Any]:
    """A row as plain data; times in UTC."""
    found = dict(row._mapping)  # noqa: SLF001 - the public name of SQLAlchemy's row as a mapping
    return found | {name: utc(found[name]) for name in times if found[name] is not None}


def _as_known(invocation_id: str, known: Standing) -> Any:
    return (invocations.c.invocation_id == invocation_id) & (invocations.c.version == known.version)
