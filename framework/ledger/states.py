"""The states of a task, a run or an invocation, and which follows which. Pure: knows no database."""

from __future__ import annotations

from dataclasses import dataclass

from framework.errors import LedgerError

PENDING = "PENDING"
QUEUED = "QUEUED"
RUNNING = "RUNNING"
RETRYING = "RETRYING"
SUCCESS = "SUCCESS"
UNCHANGED = "UNCHANGED"
FAILED = "FAILED"
SKIPPED = "SKIPPED"
CANCELLED = "CANCELLED"

_FROM_ANYWHERE = frozenset({FAILED, SKIPPED, CANCELLED})
NEXT: dict[str, frozenset[str]] = {
    PENDING: _FROM_ANYWHERE | {QUEUED, RUNNING, UNCHANGED},
    QUEUED: _FROM_ANYWHERE | {RUNNING, UNCHANGED},
    RUNNING: _FROM_ANYWHERE | {RETRYING, SUCCESS, UNCHANGED},
    RETRYING: _FROM_ANYWHERE | {QUEUED, RUNNING},
    SUCCESS: frozenset(),
    UNCHANGED: frozenset(),
    FAILED: frozenset(),
    SKIPPED: frozenset(),
    CANCELLED: frozenset(),
}
"""What may follow. Nothing succeeds that did not run; what needs no run, as its result is there, is UNCHANGED."""
STATES = tuple(NEXT)
ENDS = frozenset(state for state, following in NEXT.items() if not following)
AT_WORK = frozenset({RUNNING, RETRYING})


@dataclass(frozen=True)
class Standing:
    """What a writer knows of a row: its state, and which write made it so."""

    state: str
    version: int


def after(known: Standing, state: str, *, what: str) -> Standing:
    """Give the standing that follows, if it may; `what` names the row in the error.

    >>> after(Standing("QUEUED", 2), "RUNNING", what="task retail.sales")
    Standing(state='RUNNING', version=3)

    Raises:
        LedgerError: when the state is unknown or cannot follow.
    """
    if state not in NEXT:
        raise LedgerError(f"{what}: there is no state {state}; expected one of {', '.join(STATES)}")
    if state in NEXT[known.state]:
        return Standing(state, known.version + 1)
    allowed = [name for name in STATES if name in NEXT[known.state]]
    expected = f"expected {' or '.join(allowed)}" if allowed else "that is an end, nothing follows it"
    raise LedgerError(f"{what} cannot become {state}: it is {known.state}; {expected}")


def fenced(what: str) -> LedgerError:
    """The error for a writer whose row was written by somebody else since."""
    text = f"{what} was decided by somebody else since: it was given up, or another process has taken it up"
    return LedgerError(f"{text}; nothing was written")
