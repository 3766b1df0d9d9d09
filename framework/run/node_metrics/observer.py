"""The one place that knows how Polars tells what each physical node did: its observer of monitored queries.

Polars (2.1) reports a monitored query to an observer class that it looks up by name in a module called `polars_cloud`:
the physical plan before the query runs, and counters per node at any time after. That is richer than the text of
POLARS_LOG_METRICS, which knows no file and no key, and it leaves standard error alone: the last words of a process that
dies must not wait in a pipe. Here a stand-in of that name is there while a query starts; nothing leaves the machine.
Where the real package is installed, it is left alone and nodes are not measured.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import msgpack
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = "polars_cloud"


class Handle(Protocol):
    """What Polars gives for asking a query's counters."""

    def snapshot_query_metrics(self) -> bytes:
        """Give the counters of all nodes, as MessagePack."""
        ...


@dataclass(frozen=True)
class Plan:
    """A query as Polars describes it, by ids: physical nodes, the logical ones they were made for, and counters."""

    nodes: dict[int, dict[str, Any]]
    logical: dict[int, dict[str, Any]]
    counters: dict[int, dict[str, Any]]


@dataclass
class Watched:
    """What Polars told of the queries that one thread ran: where to ask for counters, and their plans."""

    queries: list[tuple[Handle, bytes, bytes]] = field(default_factory=list)

    def plans(self) -> Iterator[Plan]:
        """The plan of each query, with its counters as they are now."""
        for handle, logical, physical in self.queries:
            counters = msgpack.unpackb(handle.snapshot_query_metrics())["nodes"]
            yield Plan(
                nodes={one["id"]: one for one in msgpack.unpackb(physical) or ()},
                logical={one["id"]: one["properties"] for one in msgpack.unpackb(logical)},
                counters={one["phys_node_key"]: one for one in counters},
            )


_here = threading.local()
_lock = threading.Lock()
_users = 0


class _Guard:
    """What Polars closes when a query is over."""

    def close(self) -> None:
        """Do nothing: the counters can be asked for afterwards."""


class _Observer:
    """Hears of the queries of all threads, each in the thread that runs it."""

    def __init__(self, *_known: object, **_named: object) -> None:
        pass

    def on_query_started(self, _query: object) -> None:
        """Do nothing: the plan comes later."""

    def on_query_planned(self, _query: object, handle: Handle, logical: bytes, physical: bytes) -> _Guard:
        """Keep what is told of a query."""
        watched: Watched | None = getattr(_here, "watched", None)
        if watched is not None:
            watched.queries.append((handle, logical, physical))
        return _Guard()

    def on_query_failed(self, _query: object, _error: str) -> None:
        """Do nothing: whoever asked for the query gets the error."""


def is_possible() -> bool:
    """Whether queries can be watched: the module's name must be free, and this Polars must know monitored queries."""
    there = sys.modules.get(MODULE)
    taken = there is not None and getattr(there, "QueryCloudObserver", None) is not _Observer
    return hasattr(pl, "StreamingEngine") and not taken and (there is not None or find_spec(MODULE) is None)


@contextmanager
def watching() -> Iterator[tuple[Any, Watched]]:
    """Give an engine on which queries of this thread are watched within the block, and what is told of them."""
    engine = pl.StreamingEngine()
    engine.monitoring = True  # not by its argument, which would log in to Polars Cloud
    watched = Watched()
    _stand_in(+1)
    _here.watched = watched
    try:
        yield engine, watched
    finally:
        _here.watched = None
        _stand_in(-1)


def _stand_in(change: int) -> None:
    """Let the stand-in be there as long as some thread needs it."""
    global _users  # noqa: PLW0603 - it counts the threads of this process
    with _lock:
        _users += change
        if _users and MODULE not in sys.modules:
            module = ModuleType(MODULE)
            module.QueryCloudObserver = _Observer  # type: ignore[attr-defined]
            sys.modules[MODULE] = module
        elif not _users:
            sys.modules.pop(MODULE, None)
