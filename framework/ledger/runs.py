"""What is written into the ledger and asked of it, one function each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from framework.errors import SelectionError
from framework.ledger.engine import connect, sqlite_file
from framework.ledger.form import prepare
from framework.ledger.processes import Owner, is_gone, this_process
from framework.ledger.tables import runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, Engine, Row

    from framework.core.report import RunReport

RUNNING = "RUNNING"
KILLED = "the process that kept it going has ended without a word: killed, or the machine went down"


@dataclass(frozen=True)
class Ledger:
    """An open ledger."""

    engine: Engine


def open_ledger(address: str) -> Ledger:
    """Open a ledger; the first use creates its tables.

    Raises:
        ConfigurationError: when the address cannot be used or the ledger is of a newer version.
    """
    engine = connect(address)
    prepare(engine)
    return Ledger(engine)


def open_existing(address: str) -> Ledger | None:
    """Open a ledger for reading; None where a SQLite file was never written."""
    file = sqlite_file(address)
    return None if file is not None and not file.is_file() else open_ledger(address)


def record_started(
    ledger: Ledger, run_id: str, *, pipeline: str, invocation_id: str, plan: Mapping[str, Any], attempt: int = 1
) -> None:
    """Record that a run has work and is at it, kept going by this process. A run taken up again keeps its row."""
    owner = this_process()
    values = {
        "invocation_id": invocation_id,
        "pipeline": pipeline,
        "seq": plan.get("seq"),
        "mode": plan.get("mode"),
        "reason": plan.get("reason"),
        "state": RUNNING,
        "started_at": datetime.now(UTC),
        "finished_at": None,
        "attempts": attempt,
        "owner_host": owner.host,
        "owner_pid": owner.pid,
        "owner_start": owner.start,
        **dict.fromkeys(("duration_s", "failure_kind", "failure_error", "failure_message", "peak_memory_mb", "report")),
    }
    with ledger.engine.begin() as connection:
        _write(connection, run_id, values)


def record_finished(ledger: Ledger, report: RunReport, *, invocation_id: str) -> None:
    """Record how a run ended, with its whole report."""
    finished = datetime.now(UTC)
    failure = report.failure
    values = {
        "invocation_id": invocation_id,
        "pipeline": report.pipeline,
        "seq": report.seq,
        "mode": report.mode,
        "reason": report.reason,
        "state": report.state,
        "started_at": datetime.fromisoformat(report.started_at) if report.started_at else finished,
        "finished_at": finished,
        "duration_s": report.duration_s,
        "attempts": report.attempts,
        "failure_kind": failure.kind if failure else None,
        "failure_error": failure.error if failure else None,
        "failure_message": failure.message if failure else None,
        "peak_memory_mb": report.peak_memory_mb,
        "report": report.to_dict(),
    }
    with ledger.engine.begin() as connection:
        _write(connection, report.run_id, values)


def record_state(ledger: Ledger, run_id: str, state: str) -> None:
    """Close a run that has no report of its own."""
    with ledger.engine.begin() as connection:
        values = {"state": state, "finished_at": datetime.now(UTC)}
        connection.execute(update(runs).where(runs.c.run_id == run_id).values(values))


def _write(connection: Connection, run_id: str, values: dict[str, Any]) -> None:
    """Update the run's row, or insert it; two writers of one run end with one row."""
    if connection.execute(update(runs).where(runs.c.run_id == run_id).values(values)).rowcount:
        return
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as upsert

        statement = upsert(runs).values(run_id=run_id, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=["run_id"], set_=values))
    else:
        connection.execute(insert(runs).values(run_id=run_id, **values))


def recent(ledger: Ledger, *, limit: int = 20, pipeline: str | None = None) -> list[dict[str, Any]]:
    """The latest runs, newest first; `pipeline` may be a domain such as `retail`."""
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.run_id).limit(limit)
    if pipeline:
        query = query.where((runs.c.pipeline == pipeline) | runs.c.pipeline.startswith(f"{pipeline}.", autoescape=True))
    with ledger.engine.begin() as connection:
        return [_plain(row) for row in connection.execute(query)]


def before(ledger: Ledger, run: Mapping[str, Any], *, limit: int = 20) -> list[dict[str, Any]]:
    """The successful runs of the same pipeline and mode that started before a run, newest first."""
    query = (
        select(runs)
        .where(
            runs.c.pipeline == run["pipeline"],
            runs.c.mode == run["mode"],
            runs.c.state == "SUCCESS",
            runs.c.started_at < run["started_at"],
        )
        .order_by(runs.c.started_at.desc(), runs.c.run_id)
        .limit(limit)
    )
    with ledger.engine.begin() as connection:
        return [_plain(row) for row in connection.execute(query)]


def usual_seconds(ledger: Ledger, pipelines: Iterable[str], *, of: int = 20) -> dict[str, float]:
    """How long pipelines take: the median of their latest successful runs, in seconds; nothing for those without."""
    found = {}
    with ledger.engine.begin() as connection:
        for name in pipelines:
            latest = (
                select(runs.c.duration_s)
                .where(runs.c.pipeline == name, runs.c.state == "SUCCESS", runs.c.duration_s.is_not(None))
                .order_by(runs.c.started_at.desc())
                .limit(of)
            )
            seconds = list(connection.execute(latest).scalars())
            if seconds:
                found[name] = float(median(seconds))
    return found


def get(ledger: Ledger, run: str) -> dict[str, Any]:
    """One run by its id or the beginning of it.

    Raises:
        SelectionError: when no run or more than one begins so.
    """
    query = select(runs).where(runs.c.run_id.startswith(run, autoescape=True)).order_by(runs.c.run_id).limit(10)
    with ledger.engine.begin() as connection:
        found = [_plain(row) for row in connection.execute(query)]
    exact = [row for row in found if row["run_id"] == run]
    if exact:
        return exact[0]
    if len(found) == 1:
        return found[0]
    if not found:
        raise SelectionError(f"no run begins with '{run}'; `sluice runs` lists them")
    raise SelectionError(f"'{run}' is the beginning of several runs: {', '.join(row['run_id'] for row in found)}")


def mark_abandoned(ledger: Ledger) -> list[str]:
    """Close the runs whose supervisor no longer lives as FAILED, kind `killed`; give their ids."""
    closed = []
    with ledger.engine.begin() as connection:
        for row in connection.execute(select(runs).where(runs.c.state == RUNNING)).all():
            if is_gone(Owner(row.owner_host, row.owner_pid, row.owner_start)):
                mine = (
                    (runs.c.run_id == row.run_id) & (runs.c.state == RUNNING) & (runs.c.owner_start == row.owner_start)
                )
                values = {
                    "state": "FAILED",
                    "failure_kind": "killed",
                    "failure_error": "Abandoned",
                    "failure_message": KILLED,
                    "finished_at": datetime.now(UTC),
                }
                connection.execute(update(runs).where(mine).values(values))
                closed.append(row.run_id)
    return closed


def _plain(row: Row[Any]) -> dict[str, Any]:
    """A row as plain data; times in UTC (SQLite keeps no zone)."""
    found = dict(row._mapping)  # noqa: SLF001 - the public name of SQLAlchemy's row as a mapping
    for name in ("started_at", "finished_at"):
        moment = found[name]
        if moment is not None:
            found[name] = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return found
