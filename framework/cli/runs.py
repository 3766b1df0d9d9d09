"""`sluice runs`: the latest runs, and one of them in detail, from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.cli.options import Exit, settings
from framework.cli.output import columns, hint, show
from framework.errors import SelectionError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.ledger.runs import Ledger

NAMES = ("run", "pipeline", "state", "sequence", "started", "seconds", "attempts", "MiB", "why")
_HIDDEN = {"report", "owner_host", "owner_pid", "owner_start"}


def runs_list(pipeline: str | None = None, *, limit: int = 20) -> int:
    """List the latest runs, newest first.

    Args:
        pipeline: One pipeline, or a domain such as `retail`. Default: all.
        limit: How many.
    """
    from framework.ledger.runs import mark_abandoned, recent

    def read(ledger: Ledger) -> list[dict[str, Any]]:
        mark_abandoned(ledger)
        return recent(ledger, limit=limit, pipeline=pipeline)

    found = with_ledger(read) or []
    documents = [{name: value for name, value in row.items() if name not in _HIDDEN} for row in found]
    rows = [_row(row) for row in found]
    show({"runs": documents}, lambda: columns(rows, NAMES, empty="no runs yet"))
    failed = next((row for row in found if row["state"] == "FAILED"), None)
    if failed:
        hint(f"next: sluice runs show {failed['run_id']}")
    return Exit.OK


def runs_show(run: str) -> int:
    """Show one run: what it did, where its time went, and how that compares with the runs before it.

    Args:
        run: Its id, or the beginning of it.
    """
    from framework.cli.logs import events_of
    from framework.cli.run_details import document_of, lines_of
    from framework.ledger.runs import before, get, mark_abandoned

    def read(ledger: Ledger) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        mark_abandoned(ledger)
        found = get(ledger, run)
        return found, before(ledger, found)

    known = with_ledger(read)
    if known is None:
        raise SelectionError(f"no run begins with '{run}': nothing has run yet")
    found, earlier = known
    said = events_of(found["run_id"]) if found["state"] == "RUNNING" else []
    show({"run": document_of(found, earlier)}, lambda: lines_of(found, earlier, said))
    hint(f"next: sluice logs {found['run_id']}")
    return Exit.OK


def with_ledger(read: Callable[[Ledger], Any]) -> Any:
    """Ask the ledger; None when there is none yet.

    Raises:
        StorageError: when it cannot be reached.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from framework.ledger.runs import open_existing

    try:
        ledger = open_existing(settings().ledger_url)
        return None if ledger is None else read(ledger)
    except SQLAlchemyError as error:
        raise StorageError(f"the ledger cannot be read: {str(error).partition(chr(10))[0]}") from error


def _row(row: dict[str, Any]) -> dict[str, Any]:
    failure = f"{row['failure_kind']}: {row['failure_message']}" if row["failure_kind"] else row["reason"]
    shown = (
        row["run_id"],
        row["pipeline"],
        row["state"],
        row["seq"],
        row["started_at"],
        row["duration_s"],
        row["attempts"],
        row["peak_memory_mb"],
        failure or "",
    )
    return dict(zip(NAMES, shown, strict=True))
