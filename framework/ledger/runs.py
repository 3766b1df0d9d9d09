"""What is written into the ledger and asked of it, one function each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from framework.errors import SelectionError
from framework.ledger.clock import utc
from framework.ledger.opening import Ledger, open_existing, open_ledger
from framework.ledger.run_rows import claim, finish
from framework.ledger.tables import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from framework.core.report import RunReport
    from framework.ledger.states import Standing

__all__ = ["Ledger", "before", "get", "open_existing", "open_ledger", "recent", "record_finished", "record_started"]


def record_started(
    ledger: Ledger, run_id: str, *, pipeline: str, invocation_id: str, plan: Mapping[str, Any], attempt: int = 1
) -> Standing:
    """Record that a run has work and is at it, kept going by this process. A run taken up again keeps its row."""
    known: dict[str, Any] = {"pipeline": pipeline, "invocation_id": invocation_id, "attempt": attempt}
    with ledger.engine.begin() as connection:
        return claim(connection, run_id, plan=plan, **known)


def record_finished(
    ledger: Ledger, report: RunReport, *, invocation_id: str, known: Standing | None = None
) -> Standing:
    """Record how a run ended, with its whole report; `known` is what `record_started` gave.

    Raises:
        LedgerError: when somebody else has closed the run, or claimed it, since.
    """
    with ledger.engine.begin() as connection:
        return finish(connection, report, invocation_id=invocation_id, known=known)[1]


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


def _plain(row: Row[Any]) -> dict[str, Any]:
    """A row as plain data; times in UTC (SQLite keeps no zone). Its version is for writers only."""
    found = dict(row._mapping)  # noqa: SLF001 - the public name of SQLAlchemy's row as a mapping
    del found["version"]
    for name in ("started_at", "finished_at"):
        moment = found[name]
        found[name] = None if moment is None else utc(moment)
    return found
