"""Measure the nodes of the plans that run within a block, and fold them into what a report keeps."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from framework.core.events import emit
from framework.core.report import NodeReport
from framework.run.node_metrics.observer import is_possible, watching
from framework.run.node_metrics.steps import step_of
from framework.run.node_metrics.wording import Said, said_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from framework.run.node_metrics.observer import Watched
    from framework.run.node_metrics.steps import Does

KEPT = 30
"""How many nodes a report keeps: those that took longest."""
LEAST_SHARE = 0.001
"""Nodes that took less of all than this are left out."""
NANOSECONDS = 1e9
ROOT = "SinkMultiple"


@dataclass(frozen=True)
class _Did:
    said: Said
    sources: tuple[str, ...]
    rows_in: int
    rows_out: int
    bytes_read: int
    seconds: float


@dataclass
class Measured:
    """What the plans of a block did. `place` gives the name that people know for the path of a file."""

    place: Callable[[str], str] = str
    _did: list[_Did] = field(default_factory=list)

    def take(self, watched: Watched, sinks: Sequence[str]) -> None:
        """Take in the nodes of a plan. `sinks`: where its rows went, in the order in which it was asked for them."""
        for plan in watched.plans():
            origin, goal = _Origins(plan.nodes, self.place), _goals(plan.nodes, sinks)
            for number in plan.nodes.keys() & plan.counters.keys():
                node, counted = plan.nodes[number], plan.counters[number]
                logical = plan.logical.get(node.get("ir_node_id", 0), {})
                said = said_of(node["properties"], logical, self.place)
                words = f"{said.words} {goal[number]}" if number in goal else said.words
                self._did.append(
                    _Did(
                        replace(said, words=words),
                        origin.of(number),
                        int(counted["rows_received"]),
                        int(counted["rows_sent"]),
                        int(counted["io_total_bytes_received"]),
                        counted["total_time_ns"] / NANOSECONDS,
                    )
                )

    def nodes(self, steps: Mapping[str, Does] | None = None) -> list[NodeReport]:
        """The nodes, slowest first; those that do the same to rows of the same sources are one.

        `steps`: what the steps of the pipeline do, by which nodes are told to be theirs.
        """
        alike: dict[tuple[str, str, tuple[str, ...]], list[_Did]] = {}
        for one in self._did:
            alike.setdefault((one.said.operation, one.said.words, one.sources), []).append(one)
        total = sum(one.seconds for one in self._did) or 1.0
        found = [_folded(same, total, steps or {}) for same in alike.values()]
        found.sort(key=lambda one: (-one.seconds, one.name))
        return [one for one in found if one.share >= LEAST_SHARE][:KEPT]


def _folded(same: Sequence[_Did], total: float, steps: Mapping[str, Does]) -> NodeReport:
    seconds, said = sum(one.seconds for one in same), same[0].said
    return NodeReport(
        name=said.words,
        operation=said.operation,
        step=step_of(said.words, said.columns, steps),
        sources=list(same[0].sources),
        rows_in=sum(one.rows_in for one in same),
        rows_out=sum(one.rows_out for one in same),
        bytes_read=sum(one.bytes_read for one in same),
        seconds=round(seconds, 6),
        share=round(seconds / total, 4),
        count=len(same),
    )


def _goals(nodes: Mapping[int, Mapping[str, Any]], sinks: Sequence[str]) -> dict[int, str]:
    """Where the rows of each sink go: the root has them in the order in which they were asked for."""
    ends = [end for node in nodes.values() if node["properties"]["type"] == ROOT for end in node["input_ids"]]
    return dict(zip(ends, sinks, strict=False))


class _Origins:
    """The sources that the rows of a node come from."""

    def __init__(self, nodes: Mapping[int, Mapping[str, Any]], place: Callable[[str], str]) -> None:
        self._nodes, self._place = nodes, place
        self._known: dict[int, frozenset[str]] = {}

    def of(self, number: int) -> tuple[str, ...]:
        """The names of the sources of a node, sorted."""
        todo = [number]
        while todo:  # no recursion: plans of many files are deep
            one = todo[-1]
            above = self._nodes[one]["input_ids"] if one in self._nodes else ()
            missing = [each for each in above if each not in self._known]
            if one not in self._known and missing:
                todo += missing
                continue
            todo.pop()
            own = self._own(one)
            self._known[one] = own.union(*(self._known[each] for each in above))
        return tuple(sorted(self._known[number]))

    def _own(self, number: int) -> frozenset[str]:
        node = self._nodes[number]["properties"] if number in self._nodes else {}
        is_of_ours = node.get("type") in {"InMemorySource", "PythonScan"}  # our readers give no path
        name = self._place(str(node.get("first_source") or "")) if "first_source" in node or is_of_ours else ""
        return frozenset([name]) if name else frozenset()


_current: ContextVar[Measured | None] = ContextVar("sluice_measured", default=None)


@contextmanager
def measuring(place: Callable[[str], str] = str, *, is_on: bool = True) -> Iterator[Measured]:
    """Measure the plans that run within the block, in this thread, where that is on; see `Measured`."""
    measured = Measured(place)
    token = _current.set(measured if is_on else None)
    try:
        yield measured
    finally:
        _current.reset(token)


@contextmanager
def on_engine(sinks: Sequence[str] = ()) -> Iterator[Any]:
    """Give the engine on which a plan runs: one that is watched where somebody measures, else the usual one.

    What Polars tells is not a promise of its own, so that a run never fails for it: what cannot be understood is said
    in the log, and nodes are missing in the report.
    """
    measured = _current.get()
    if measured is None or not is_possible():
        yield "streaming"
        return
    with watching() as (engine, watched):
        yield engine
    try:
        measured.take(watched, sinks)
    except Exception as error:  # noqa: BLE001 - whatever another version of Polars tells instead
        text = f"what Polars tells of its nodes cannot be read: {type(error).__name__}: {error}"
        emit("nodes.unknown", text, level="DEBUG")
