"""`sluice runs list --active`: what is going on now, task by task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.cli.ledger import with_ledger
from framework.cli.options import Exit
from framework.cli.output import columns, hint, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.ledger.cancelling import AtWork
    from framework.ledger.opening import Ledger

NAMES = ("task", "state", "attempt", "since", "worker", "run", "reason")
_ORDER = ("RUNNING", "RETRYING", "QUEUED", "PENDING")


def show_active(pipeline: str | None) -> int:
    """Show the invocations that are at work, each with its tasks: what runs first, what has ended last."""
    found: list[AtWork] = with_ledger(_read) or []
    chosen = [one for one in found if pipeline is None or any(_is_of(name, pipeline) for name in one.names())]
    documents = [{**one.invocation, "runs": list(one.runs), "tasks": list(one.tasks)} for one in chosen]
    show({"invocations": documents}, lambda: _lines(chosen))
    if chosen:
        hint(f"next: sluice cancel {chosen[0].id}")
    return Exit.OK


def _read(ledger: Ledger) -> list[AtWork]:
    from framework.ledger.cancelling import at_work
    from framework.ledger.zombies import mark_abandoned

    mark_abandoned(ledger)
    return at_work(ledger)


def _is_of(name: str, pipeline: str) -> bool:
    return name == pipeline or name.startswith(f"{pipeline}.")


def _lines(found: list[AtWork]) -> Iterator[str]:
    if not found:
        yield "nothing is running"
    for one in found:
        row = one.invocation
        asked = f", asked to stop by {row['cancel_requested_by']}" if row["cancel_requested_by"] else ""
        yield f"invocation {one.id}: {row['user_name']}, process {row['owner_pid']} on {row['owner_host']}{asked}"
        ordered = sorted(one.tasks, key=lambda task: (_place(task["state"]), task["task"]))
        yield from (f"    {line}" for line in columns([_row(task) for task in ordered], NAMES, empty="no tasks"))


def _place(state: str) -> int:
    return _ORDER.index(state) if state in _ORDER else len(_ORDER)


def _row(task: dict[str, Any]) -> dict[str, Any]:
    since = task["finished_at"] or task["started_at"] or task["queued_at"]
    shown = (task["task"], task["state"], task["attempts"], since, task["worker"], task["run_id"], task["reason"])
    return dict(zip(NAMES, shown, strict=True))
