"""`sluice cancel`: ask what is running to stop, wherever it runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from framework.cli.ledger import with_ledger
from framework.cli.options import Exit
from framework.cli.output import hint, plural, show
from framework.errors import SelectionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.ledger.cancelling import AtWork
    from framework.ledger.opening import Ledger

LOOK_EVERY_S = 0.5


def cancel(run: str, *, wait: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Ask a run to stop, and with it all that the same `sluice run` does. Its supervisor looks every few seconds.

    What was published stays; the next run takes up what was begun.

    Args:
        run: The id of a run or an invocation, the beginning of one, or a pipeline's name.
        wait: Come back only when it has ended.
    """
    found = with_ledger(lambda ledger: _ask(ledger, run))
    if found is None:
        raise SelectionError(f"nothing that is running is called '{run}': nothing has run yet")
    ended = with_ledger(lambda ledger: _wait(ledger, found.id)) if wait else None
    document = {"invocation_id": found.id, "runs": list(found.runs), "waiting": found.waiting, "state": ended}
    show(document, lambda: _lines(found, ended))
    if not wait:
        hint("next: sluice runs list --active")
    return Exit.OK


def _ask(ledger: Ledger, run: str) -> AtWork:
    from framework.ledger.cancelling import find_at_work
    from framework.ledger.invocations import request_cancel
    from framework.ledger.zombies import mark_abandoned

    mark_abandoned(ledger)
    found = find_at_work(ledger, run)
    if not request_cancel(ledger, found.id):
        raise SelectionError(f"invocation {found.id} has ended meanwhile")
    return found


def _wait(ledger: Ledger, invocation_id: str) -> str:
    """Look until the invocation has ended, by itself or because nobody keeps it going; give its state."""
    from framework.ledger.tasks import asked_for
    from framework.ledger.zombies import mark_abandoned

    while True:
        mark_abandoned(ledger)
        state = str(asked_for(ledger, invocation_id).invocation["state"])
        if state != "RUNNING":
            return state
        time.sleep(LOOK_EVERY_S)


def _lines(found: AtWork, ended: str | None) -> Iterator[str]:
    row = found.invocation
    yield f"asked invocation {found.id} to stop: {row['user_name']}, process {row['owner_pid']} on {row['owner_host']}"
    for run in found.runs:
        yield f"    run {run['run_id']} of {run['pipeline']}: what is published stays, the next run takes up the rest"
    if found.waiting:
        yield f"    {plural(found.waiting, 'pipeline')} not begun: skipped"
    if ended:
        yield f"it has ended: {ended}"
