"""Calls that reach out to a source: whoever runs a pipeline says how they are made, such as again after a failure.

Where nobody says anything, and in the threads of Polars, a call is just made.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_way: ContextVar[Callable[[str, Callable[[], Any]], Any] | None] = ContextVar("sluice_reach", default=None)


def reach(what: str, call: Callable[[], T]) -> T:
    """Make a call to a source that may be made several times; `what` says what it does, for messages.

    >>> reach("list sales/*.csv", lambda: ["sales/1.csv"])
    ['sales/1.csv']
    """
    way = _way.get()
    if way is None:
        return call()
    given: T = way(what, call)
    return given


@contextmanager
def reaching(way: Callable[[str, Callable[[], Any]], Any]) -> Iterator[None]:
    """Have the calls of the block made in a way: it is told what a call does, and gives what the call gives."""
    token = _way.set(way)
    try:
        yield
    finally:
        _way.reset(token)
