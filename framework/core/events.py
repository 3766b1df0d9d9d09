"""Run events: what a run says while it works, and where it says it. Logs, progress and the ledger listen."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


@dataclass(frozen=True)
class Event:
    """One thing that happened: a name from a fixed set, a sentence for people, fields for machines."""

    name: str
    message: str
    level: Level = "INFO"
    fields: dict[str, Any] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


Listener = "Callable[[Event], None]"

_listener: ContextVar[Callable[[Event], None] | None] = ContextVar("sluice_listener", default=None)
_context: ContextVar[dict[str, Any] | None] = ContextVar("sluice_event_context", default=None)


def emit(name: str, message: str, *, level: Level = "INFO", **fields: Any) -> None:
    """Tell whoever listens. Costs nothing when nobody does."""
    listener = _listener.get()
    if listener is not None:
        listener(Event(name, message, level, {**(_context.get() or {}), **fields}))


@contextmanager
def listening(listener: Callable[[Event], None]) -> Iterator[None]:
    """Send the events of the block to a listener."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def current_context() -> dict[str, Any]:
    """The fields that every event has now: run, pipeline, attempt, as far as they are known."""
    return dict(_context.get() or {})


@contextmanager
def context(**fields: Any) -> Iterator[None]:
    """Add fields (run, pipeline, step, attempt) to every event of the block."""
    token = _context.set({**(_context.get() or {}), **fields})
    try:
        yield
    finally:
        _context.reset(token)
