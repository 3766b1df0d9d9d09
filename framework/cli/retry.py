"""`sluice retry`: run again what came to nothing in an earlier `sluice run`, as it was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from framework.cli.ledger import with_ledger
from framework.cli.options import Exit
from framework.cli.output import hint, plural, show
from framework.cli.run import Way, carry_out
from framework.errors import SelectionError
from framework.run.request import RunRequest

if TYPE_CHECKING:
    from framework.ledger.opening import Ledger
    from framework.ledger.tasks import Asked

CAME_TO_NOTHING = ("FAILED", "SKIPPED", "CANCELLED")


def retry(
    run: str,
    *,
    attempts: int | None = None,
    workers: int | None = None,
    fail_fast: Annotated[bool, Parameter(name=("--fail-fast", "-x"), negative="")] = False,
    brief: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Run again the pipelines that failed, were skipped or were cancelled in an earlier run, with its parameters.

    What they had begun is taken up: the same input, and the stages that were done are not computed again.

    Args:
        run: The id of the run or the invocation, or the beginning of it.
        attempts: As for `sluice run`.
        workers: As for `sluice run`.
        fail_fast: As for `sluice run`.
        brief: As for `sluice run`.
    """
    way = Way(attempts, workers, fail_fast, brief)
    asked = with_ledger(lambda ledger: _asked(ledger, run))
    if asked is None:
        raise SelectionError(f"no run begins with '{run}': nothing has run yet")
    again = tuple(name for name in asked.in_states(*CAME_TO_NOTHING) if ":" not in name)
    if not again:
        show(
            {"invocation_id": asked.invocation["invocation_id"], "state": "UNCHANGED", "runs": []},
            lambda: _nothing(asked),
        )
        return Exit.OK
    hint(f"again: {', '.join(again)}")
    return carry_out(again, replace(RunRequest(**asked.request), apart=False, takes_up=True), way)


def _asked(ledger: Ledger, run: str) -> Asked:
    """What the earlier run was asked.

    Raises:
        SelectionError: when there is none such, or it is still at work.
    """
    from framework.ledger.tasks import asked_for
    from framework.ledger.zombies import mark_abandoned

    mark_abandoned(ledger)
    found = asked_for(ledger, run)
    if found.invocation["state"] == "RUNNING":
        raise SelectionError(
            f"invocation {found.invocation['invocation_id']} is still at work; `sluice cancel` stops it"
        )
    return found


def _nothing(asked: Asked) -> list[str]:
    done = plural(len(asked.tasks), "pipeline")
    return [f"nothing to run again: {done} of invocation {asked.invocation['invocation_id']} came to an end"]
