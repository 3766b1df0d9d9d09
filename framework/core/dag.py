"""Directed graphs as plain mappings from each node to what it needs: order, levels, reach, critical path and slack."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

Needs = Mapping[str, Collection[str]]
"""Every node with the nodes it needs; each of these is a node itself, and there is no circle."""


@dataclass(frozen=True)
class CriticalPath:
    """The chain of nodes that takes longest, how long it takes, and by how much each node may be late (`slack`)."""

    path: tuple[str, ...]
    length: float
    slack: dict[str, float]


def ordered(needs: Needs) -> list[str]:
    """Every node after all that it needs; the same for the same graph, however it is written down."""
    return list(TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)}).static_order())


def levels(needs: Needs) -> dict[str, int]:
    """How many nodes at least come before each one, one after another.

    >>> levels({"a": [], "b": ["a"], "c": ["a", "b"]})
    {'a': 0, 'b': 1, 'c': 2}
    """
    found: dict[str, int] = {}
    for name in ordered(needs):
        found[name] = 1 + max((found[needed] for needed in needs[name]), default=-1)
    return found


def turned(needs: Needs) -> dict[str, list[str]]:
    """Every node with the nodes that need it.

    >>> turned({"a": [], "b": ["a"]})
    {'a': ['b'], 'b': []}
    """
    found: dict[str, list[str]] = {name: [] for name in needs}
    for name in needs:
        for needed in needs[name]:
            found[needed].append(name)
    return found


def reach(needs: Needs, start: Iterable[str], hops: int | None = None) -> set[str]:
    """The nodes that some nodes need, and those that these need, and so on for so many hops (None: all the way).

    >>> sorted(reach({"a": [], "b": ["a"], "c": ["b"]}, ["c"], hops=1))
    ['b', 'c']
    """
    found = set(start)
    edge = found
    while edge and hops != 0:
        edge = {needed for name in edge for needed in needs[name]} - found
        found |= edge
        hops = None if hops is None else hops - 1
    return found


def tails(needs: Needs, seconds: Mapping[str, float]) -> dict[str, float]:
    """How long the longest chain is that begins with each node: what has the longest is best begun first.

    >>> tails({"a": [], "b": ["a"], "c": []}, {"a": 1, "b": 5, "c": 2})
    {'b': 5, 'c': 2, 'a': 6}
    """
    needed_by = turned(needs)
    after: dict[str, float] = {}
    for name in reversed(ordered(needs)):
        after[name] = seconds.get(name, 0) + max((after[n] for n in needed_by[name]), default=0)
    return after


def critical_path(needs: Needs, seconds: Mapping[str, float]) -> CriticalPath:
    """Find the chain that decides how long all of it takes at least; nodes that `seconds` does not know take none.

    J. E. Kelley, M. R. Walker, Critical-path planning and scheduling, 1959.

    >>> found = critical_path({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}, {"a": 1, "b": 5, "c": 2, "d": 1})
    >>> found.path, found.length, found.slack["c"]
    (('a', 'b', 'd'), 7, 3)
    """
    order = ordered(needs)
    needed_by = turned(needs)
    before: dict[str, float] = {}
    for name in order:
        before[name] = max((before[n] + seconds.get(n, 0) for n in needs[name]), default=0)
    after = tails(needs, seconds)
    length = max(after.values(), default=0)
    path: list[str] = []
    nexts = [name for name in order if not needs[name]]
    while nexts:
        path.append(max(nexts, key=lambda name: after[name]))
        nexts = needed_by[path[-1]]
    return CriticalPath(tuple(path), length, {name: length - before[name] - after[name] for name in order})
