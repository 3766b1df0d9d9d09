"""The rows of runs: each is claimed by the process that works at it, and written by nobody else until it ends."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from framework.ledger import states
from framework.ledger.clock import now
from framework.ledger.processes import Owner, this_process
from framework.ledger.states import Standing
from framework.ledger.tables import runs
from framework.ledger.texts import storable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from framework.core.report import RunReport

_UNKNOWN_YET = ("duration_s", "failure_kind", "failure_error", "failure_message", "peak_memory_mb", "report")


def claim(
    connection: Connection, run_id: str, *, pipeline: str, invocation_id: str, plan: Mapping[str, Any], attempt: int = 1
) -> Standing:
    """Record that this process is at a run from now on, whoever was before; give the standing of its row.

    A run is taken up again from any state: that its sequence is not finished the lake says, which is right.
    """
    owner = this_process()
    values = {
        "invocation_id": invocation_id,
        "pipeline": pipeline,
        "seq": plan.get("seq"),
        "mode": plan.get("mode"),
        "reason": plan.get("reason"),
        "state": states.RUNNING,
        "started_at": now(connection),
        "finished_at": None,
        "attempts": attempt,
        "owner_host": owner.host,
        "owner_pid": owner.pid,
        "owner_start": owner.start,
        **dict.fromkeys(_UNKNOWN_YET),
    }
    return Standing(states.RUNNING, _upsert(connection, run_id, values))


def finish(
    connection: Connection, report: RunReport, *, invocation_id: str, known: Standing | None = None
) -> tuple[str | None, Standing]:
    """Record how a run ended, with its whole report; give the state before and the standing now.

    Args:
        connection: A connection with its transaction.
        report: How it ended.
        invocation_id: The invocation it belongs to.
        known: What `claim` gave. Without it the run was never claimed: it ended before it had work, or elsewhere.

    Raises:
        LedgerError: when somebody else has closed the run, or claimed it, since.
    """
    values = _values(report, now(connection)) | {"invocation_id": invocation_id}
    if known is None:
        before = _state_if_free(connection, report.run_id)
        return before, Standing(report.state, _upsert(connection, report.run_id, values))
    return known.state, _move(connection, report.run_id, known, values)


def enter(connection: Connection, report: RunReport, *, invocation_id: str, finished: datetime | None) -> None:
    """Enter a run that ended long ago, over whatever its row says; nobody owns it."""
    values = _values(report, finished or now(connection)) | {"invocation_id": invocation_id}
    _upsert(connection, report.run_id, values)


def retrying(connection: Connection, run_id: str, known: Standing) -> Standing:
    """Record that a run's attempt failed and another will be made.

    Raises:
        LedgerError: when somebody else has closed the run, or claimed it, since.
    """
    return _move(connection, run_id, known, {"state": states.RETRYING})


def close(connection: Connection, run_id: str, known: Standing, state: str) -> Standing:
    """Close a run that has no report of its own.

    Raises:
        LedgerError: when somebody else has closed the run, or claimed it, since.
    """
    at_work = known
    if known.state == states.RETRYING:
        at_work = _move(connection, run_id, known, {"state": states.RUNNING})
    return _move(connection, run_id, at_work, {"state": state, "finished_at": now(connection)})


def _state_if_free(connection: Connection, run_id: str) -> str | None:
    """The state of a run; a run at which another process works is not free to be written."""
    query = select(runs.c.state, runs.c.owner_host, runs.c.owner_pid, runs.c.owner_start)
    row = connection.execute(query.where(runs.c.run_id == run_id)).one_or_none()
    if row is not None and row.state in states.AT_WORK and Owner(*row[1:]) != this_process():
        raise states.fenced(f"run {run_id}")
    return row.state if row is not None else None


def _move(connection: Connection, run_id: str, known: Standing, values: dict[str, Any]) -> Standing:
    """Write a row whose state follows, if it is still as it is known."""
    following = states.after(known, values["state"], what=f"run {run_id}")
    mine = (runs.c.run_id == run_id) & (runs.c.version == known.version)
    if not connection.execute(update(runs).where(mine).values(values | {"version": following.version})).rowcount:
        raise states.fenced(f"run {run_id}")
    return following


def _values(report: RunReport, finished: datetime) -> dict[str, Any]:
    failure = report.failure
    return {
        "pipeline": report.pipeline,
        "seq": report.seq,
        "mode": report.mode,
        "reason": storable(report.reason),
        "state": report.state,
        "started_at": datetime.fromisoformat(report.started_at) if report.started_at else finished,
        "finished_at": finished,
        "duration_s": report.duration_s,
        "attempts": report.attempts,
        "failure_kind": failure.kind if failure else None,
        "failure_error": storable(failure.error, most=200) if failure else None,
        "failure_message": storable(failure.message) if failure else None,
        "peak_memory_mb": report.peak_memory_mb or None,  # a manifest is written before it is known
        "report": report.to_dict(),
    }


def _upsert(connection: Connection, run_id: str, values: dict[str, Any]) -> int:
    """Update the run's row, or insert it; two writers of one run end with one row. Gives its version."""
    raised = values | {"version": runs.c.version + 1}
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as upsert

        statement = upsert(runs).values(run_id=run_id, **values, version=1)
        merged = statement.on_conflict_do_update(index_elements=["run_id"], set_=raised)
        return int(connection.execute(merged.returning(runs.c.version)).scalar_one())
    if not connection.execute(update(runs).where(runs.c.run_id == run_id).values(raised)).rowcount:
        connection.execute(insert(runs).values(run_id=run_id, **values, version=1))
    return int(connection.execute(select(runs.c.version).where(runs.c.run_id == run_id)).scalar_one())
