"""`sluice runs`: the latest runs, and one of them in detail, from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from framework.cli.ledger import with_ledger
from framework.cli.options import Exit
from framework.cli.output import columns, hint, show
from framework.errors import SelectionError

if TYPE_CHECKING:
    from framework.ledger.runs import Ledger

NAMES = ("run", "pipeline", "state", "sequence", "started", "seconds", "attempts", "MiB", "why")
_HIDDEN = {"report", "owner_host", "owner_pid", "owner_start"}


def runs_list(
    pipeline: str | None = None, *, limit: int = 20, active: Annotated[bool, Parameter(negative="")] = False
) -> int:
    """List the latest runs, newest first.

    Args:
        pipeline: One pipeline, or a domain such as `retail`. Default: all.
        limit: How many.
        active: What is going on now instead: the pipelines and stages of each `sluice run`, and where they stand.
    """
    if active:
        from framework.cli.runs_active import show_active

        return show_active(pipeline)
    from framework.ledger.runs import recent
    from framework.ledger.zombies import mark_abandoned

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
    from framework.ledger.runs import before, get
    from framework.ledger.zombies import mark_abandoned

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
