"""Hold a profile against what is expected, pinned, or learned from the runs before: findings with their evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from framework.core.quality import RATES, Finding
from framework.quality.bands import Band, Point, learn
from framework.quality.drift import by_chance, schema_changes
from framework.quality.wording import WORDS, named, told, told_band

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from framework.core.quality import Expectation, OnBroken, Origin, Quality, State
    from framework.quality.columns import ColumnProfile
    from framework.quality.history import Record
    from framework.quality.profile import Profile

LITTLE_SHIFT = {"psi": 0.1, "ks": 0.05}
"""Distances that are no drift, however steady the runs before were."""
STEADY_MEAN = 0.1
"""The band of a mean reaches this share of the values' standard deviation to either side at least."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Case:
    """What is judged: the profile of a table's rows in a run at `at`, and the runs of the same scope before."""

    table: str
    profile: Profile
    at: datetime
    past: Sequence[Record]
    quality: Quality
    pins: Sequence[Expectation] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    """The types of all columns, now and in the run before, of whatever scope."""


def judge(case: Case) -> list[Finding]:
    """Hold a profile against its bands: what the author expects, what is pinned, and what is learned.

    A pin takes the place of what is learned of the same metric and column, one of an operator also that of the author.
    """
    pins = {one.key: one for one in (*case.quality.pins, *case.pins)}
    found = [_stated(case, one, "expected") for one in case.quality.expect]
    found += [_stated(case, one, "pinned") for one in pins.values()]
    if case.quality.history == "off":
        return found
    found += [_learned(case, key, case.quality.history) for key in _watched(case) if key not in pins]
    return [*found, *_schema(case, case.quality.history)]


def _watched(case: Case) -> Iterator[tuple[str, str]]:
    """The metrics that are learned."""
    yield from ((metric, "") for metric in ("rows", "interval_h", "duplicate_rate") if metric in case.profile.metrics)
    for column in case.profile.columns:
        wanted = ["null_rate", "nan_rate", "mean", "psi", "ks"] + ["age_h"] * (column.name == case.quality.time)
        yield from ((metric, column.name) for metric in wanted if metric in column.metrics)


def _value(case: Case, metric: str, column: str) -> float | None:
    if not column:
        return case.profile.metrics.get(metric)
    found = case.profile.by_name.get(column)
    return found.metrics.get(metric) if found else None


def _stated(case: Case, one: Expectation, origin: Origin) -> Finding:
    value = _value(case, *one.key)
    band = Band(one.low, one.high)
    return _finding(case, one.key, value, band, origin, one.severity)


def _learned(case: Case, key: tuple[str, str], severity: OnBroken) -> Finding:
    metric, column = key
    past = case.past
    if metric == "rows":
        past = [record for record in past if record.run.at.weekday() == case.at.weekday()]
    known = [(record.run.at, record.value(metric, column)) for record in past]
    points = [Point(at, value) for at, value in known if value is not None]
    least = _least(case, metric, column, points)
    rule = case.quality
    band = learn(metric, points, min_points=rule.min_points, tolerance=rule.tolerance, least=least)
    value = _value(case, metric, column)
    if band is None:
        text = f"{named(metric, column)} is {told(metric, value)}; not enough history{_day(case, metric)}: "
        text += f"{len(points)} of {rule.min_points} runs"
        return Finding(case.table, metric, column, "unknown", "learned", severity, text, value, points=len(points))
    return _finding(case, key, value, band, "learned", severity)


def _least(case: Case, metric: str, column: str, points: Sequence[Point]) -> float:
    """How far a band reaches at least: as far as chance alone goes with so many rows, in standard errors."""
    if metric in LITTLE_SHIFT:
        return max(LITTLE_SHIFT[metric], by_chance(_column(case, column), case.past).get(metric, 0.0))
    by_root = case.quality.tolerance / math.sqrt(max(case.profile.rows, 1))
    if metric in RATES and points:
        usual = median(point.value for point in points)
        return by_root * math.sqrt(usual * (1 - usual))
    if metric == "mean":
        deviations = [value for r in case.past if (value := r.value("std", column)) is not None]
        return max(STEADY_MEAN, by_root) * median(deviations) if deviations else 0.0
    return 0.0


def _column(case: Case, name: str) -> ColumnProfile:
    return case.profile.by_name[name]


def _day(case: Case, metric: str) -> str:
    return f" on a {WEEKDAYS[case.at.weekday()]}" if metric == "rows" else ""


def _finding(
    case: Case, key: tuple[str, str], value: float | None, band: Band, origin: Origin, severity: OnBroken
) -> Finding:
    metric, column = key
    band_text = f"{told_band(metric, band)} {WORDS[origin]}"
    if origin == "learned":
        band_text += f"{_day(case, metric)} ({band.points} runs since {band.since})"
    text = f"{named(metric, column)} is {'not known' if value is None else told(metric, value)}; {band_text}"
    state: State = "unknown" if value is None else "holds" if band.holds(value) else "broken"
    return Finding(
        case.table,
        metric,
        column,
        state,
        origin,
        severity,
        text,
        value,
        band.low,
        band.high,
        band.points,
        band.since,
    )


def _schema(case: Case, severity: OnBroken) -> Iterator[Finding]:
    """What has changed of the columns; one check that holds where nothing has."""
    if not case.before:
        return
    changes = schema_changes(case.types, case.before)
    for change in changes:
        yield Finding(case.table, "schema", change.column, "broken", "schema", severity, change.text, points=1)
    if not changes:
        text = f"columns are those of the run before: {len(case.before)}"
        yield Finding(case.table, "schema", "", "holds", "schema", severity, text, points=1)
