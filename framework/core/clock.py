"""The run's notion of now: one instant, fixed in the run plan, the same in every attempt."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_run_time: ContextVar[datetime | None] = ContextVar("sluice_run_time", default=None)


def run_time() -> datetime:
    """Now, as rules and steps may use it: the time the run was planned, in UTC. Outside a run: the clock.

    A rule that calls this is compiled once per run, so all its rows are held against one instant.
    """
    return _run_time.get() or datetime.now(UTC)


@contextmanager
def at_run_time(moment: datetime) -> Iterator[None]:
    """Fix `run_time()` within the block."""
    token = _run_time.set(moment)
    try:
        yield
    finally:
        _run_time.reset(token)
