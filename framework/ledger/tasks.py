"""Tasks: what an invocation is to do, one row per pipeline and per stage of one, and where each stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from framework.errors import SelectionError
from framework.ledger import states
from framework.ledger.invocations import TIMES as INVOCATION_TIMES
from framework.ledger.invocations import plain
from framework.ledger.states import Standing
from framework.ledger.tables import invocations, runs, tasks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from framework.ledger.opening import Ledger

TIMES = ("queued_at", "started_at", "finished_at")


def add(connection: Connection, invocation_id: str, names: Iterable[str]) -> dict[str, Standing]:
    """Record tasks that wait: `pipeline`, or `pipeline:stage`. Gives the standing of each."""
    rows = [_new(invocation_id, name) for name in names]
    if rows:
        connection.execute(insert(tasks), rows)
    return {row["task"]: Standing(states.PENDING, 1) for row in rows}


def move(
    connection: Connection, key: tuple[str, str], known: Standing, state: str, *, at: datetime, **details: Any
) -> Standing:
    """Bring a task to another state; in the same state, only its details change.

    Args:
        connection: A connection with its transaction.
        key: The task's invocation, and its name.
        known: Where it stands, as far as the writer knows.
        state: Where it shall stand.
        at: Since when.
        details: `attempts`, `reason`, `worker`, `run_id`; what is not there stays.

    Raises:
        LedgerError: when the state cannot follow, or somebody else has written the row since.
    """
    invocation_id, task = key
    what = f"task {task} of invocation {invocation_id}"
    following = Standing(state, known.version + 1) if state == known.state else states.after(known, state, what=what)
    values = {**details, **_time_of(state, at), "state": state, "version": following.version}
    mine = (tasks.c.invocation_id == invocation_id) & (tasks.c.task == task) & (tasks.c.version == known.version)
    if not connection.execute(update(tasks).where(mine).values(values)).rowcount:
        raise states.fenced(what)
    return following


@dataclass(frozen=True)
class Asked:
    """An invocation with its tasks: what `sluice retry` needs to ask for it again."""

    invocation: dict[str, Any]
    tasks: tuple[dict[str, Any], ...]

    @property
    def selection(self) -> tuple[str, ...]:
        """What was selected."""
        return tuple(self.invocation["selection"] or ())

    @property
    def request(self) -> dict[str, Any]:
        """How it was to run."""
        return dict(self.invocation["request"] or {})

    def in_states(self, *wanted: str) -> tuple[str, ...]:
        """The names of the tasks that stand so."""
        return tuple(task["task"] for task in self.tasks if task["state"] in wanted)


def asked_for(ledger: Ledger, name: str) -> Asked:
    """What was asked for, by the id of an invocation or of one of its runs, or the beginning of it.

    Raises:
        SelectionError: when nothing or more than one invocation begins so, or it was not recorded.
    """
    with ledger.engine.begin() as connection:
        found = _ids(connection, name)
        if len(found) > 1:
            raise SelectionError(f"'{name}' is the beginning of several: {', '.join(sorted(found))}")
        known = select(invocations).where(invocations.c.invocation_id.in_(found))
        row = connection.execute(known).one_or_none()
        if row is None:
            raise SelectionError(_why_unknown(name, is_run=bool(found)))
        return Asked(plain(row, INVOCATION_TIMES), tuple(_of(connection, [row.invocation_id])))


def of_invocations(ledger: Ledger, ids: Iterable[str]) -> list[dict[str, Any]]:
    """The tasks of invocations, each with its state, by invocation and name."""
    with ledger.engine.begin() as connection:
        return _of(connection, list(ids))


def _of(connection: Connection, ids: list[str]) -> list[dict[str, Any]]:
    query = select(tasks).where(tasks.c.invocation_id.in_(ids)).order_by(tasks.c.invocation_id, tasks.c.task)
    return [plain(row, TIMES) for row in connection.execute(query)]


def _why_unknown(name: str, *, is_run: bool) -> str:
    if is_run:
        return f"what was asked for with run {name} is not on record; name its pipelines instead"
    return f"no invocation and no run of one begins with '{name}'; `sluice runs` lists the runs"


def _ids(connection: Connection, name: str) -> set[str]:
    """The invocations that are called so, or one of whose runs is; a whole id means no other that begins with it."""
    for column, owner in ((invocations.c.invocation_id, invocations), (runs.c.run_id, runs)):
        exact = connection.scalar(select(owner.c.invocation_id).where(column == name))
        if exact:
            return {str(exact)}
    found: set[str] = set()
    for column, owner in ((invocations.c.invocation_id, invocations), (runs.c.run_id, runs)):
        query = select(owner.c.invocation_id).where(column.startswith(name, autoescape=True)).distinct().limit(10)
        found |= set(connection.execute(query).scalars())
    return found


def _new(invocation_id: str, name: str) -> dict[str, Any]:
    pipeline, _, stage = name.partition(":")
    fresh = {"state": states.PENDING, "version": 1, "attempts": 0}
    return {"invocation_id": invocation_id, "task": name, "pipeline": pipeline, "stage": stage or None, **fresh}


def _time_of(state: str, at: datetime) -> dict[str, datetime]:
    """The time that a state marks. A task that is tried again keeps the start of its latest attempt."""
    if state in states.ENDS:
        return {"finished_at": at}
    column = {states.QUEUED: "queued_at", states.RUNNING: "started_at"}.get(state)
    return {column: at} if column else {}
