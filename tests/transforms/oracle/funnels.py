"""Funnels, cohorts and retention by their definitions, in loops over every chain and every entity."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

Event = tuple  # of entity, time and kind


def funnel(
    events: list[Event], steps: list[str], within: timedelta | None, *, strict_order: bool
) -> list[tuple[int, list[float]]]:
    """For each step, how many entities reach it, and the seconds each of them took, in order."""
    found = []
    for count in range(1, len(steps) + 1):
        took = []
        for entity in {e for e, _, _ in events if e is not None}:
            times = [
                sorted(t for e, t, k in events if e == entity and k == step and t is not None) for step in steps[:count]
            ]
            seconds = _chained(times, within) if strict_order else _gathered(times)
            took += [] if seconds is None else [seconds]
        found.append((len(took), sorted(took)))
    return found


def _chained(times: list[list[datetime]], within: timedelta | None) -> float | None:
    """The quickest of all chains of one event per step whose times do not go back."""
    spans = [
        chain[-1] - chain[0]
        for chain in product(*times)
        if list(chain) == sorted(chain) and (within is None or chain[-1] - chain[0] <= within)
    ]
    return min(spans).total_seconds() if spans else None


def _gathered(times: list[list[datetime]]) -> float | None:
    if not all(times):
        return None
    firsts = [min(t) for t in times]
    return (max(firsts) - min(firsts)).total_seconds()


def month_number(day: date) -> int:
    return day.year * 12 + day.month


def retention(events: list[tuple]) -> list[tuple]:
    """Cohort (a number of a window), offset, active, entities; of events of an entity in a window."""
    known = [(e, w) for e, w in events if e is not None and w is not None]
    if not known:
        return []
    last = max(w for _, w in known)
    rows = []
    for cohort in sorted({min(w for e, w in known if e == entity) for entity, _ in known}):
        members = {e for e, _ in known if min(w for f, w in known if f == e) == cohort}
        for offset in range(last - cohort + 1):
            active = {e for e, w in known if e in members and w == cohort + offset}
            rows.append((cohort, offset, len(active), len(members)))
    return rows
