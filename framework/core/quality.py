"""What an author asks of the quality of a table: which columns are profiled, and what is expected of them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from framework.core.budget import PERCENT
from framework.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

OnBroken = Literal["warn", "fail"]
SEVERITIES: tuple[OnBroken, ...] = ("warn", "fail")
OnHistory = Literal["warn", "fail", "off"]
HISTORIES: tuple[OnHistory, ...] = ("warn", "fail", "off")
Need = Literal["any", "flat", "float", "number", "text", "time", "values"]
"""What a metric needs of a column: any type, a single value, a float, a number, text, a time, a distribution."""
Bound = float | str | timedelta
Origin = Literal["expected", "pinned", "learned", "schema"]
State = Literal["holds", "broken", "unknown"]

TABLE_METRICS: dict[str, str] = {
    "rows": "rows staged",
    "duplicate_rate": "share of rows whose key another row has too",
    "interval_h": "hours since the run before",
}
"""What is measured of a table as a whole."""

COLUMN_METRICS: dict[str, tuple[Need, str]] = {
    "null_rate": ("any", "share of rows without a value"),
    "nan_rate": ("float", "share of rows that are NaN"),
    "n_unique": ("flat", "different values; approximate where many differ"),
    "unique_rate": ("flat", "different values per row that has one"),
    "min": ("number", "smallest value"),
    "max": ("number", "largest value"),
    "mean": ("number", "mean of the finite values"),
    "std": ("number", "their standard deviation"),
    "p01": ("number", "1% quantile"),
    "p05": ("number", "5% quantile"),
    "p25": ("number", "25% quantile"),
    "p50": ("number", "median"),
    "p75": ("number", "75% quantile"),
    "p95": ("number", "95% quantile"),
    "p99": ("number", "99% quantile"),
    "length_min": ("text", "characters of the shortest text"),
    "length_mean": ("text", "mean number of characters"),
    "length_max": ("text", "characters of the longest text"),
    "age_h": ("time", "hours from the newest value to the run"),
    "psi": ("values", "population stability index against the runs before"),
    "ks": ("number", "Kolmogorov-Smirnov distance to the runs before"),
}
"""What is measured of a column, what it needs to be, and in words."""

RATES = frozenset({"duplicate_rate", "null_rate", "nan_rate", "unique_rate"})
"""Metrics from 0 to 1, which are written as percentages."""


@dataclass(frozen=True)
class Expectation:
    """A band that a metric is to lie in. `unclear`: what of it could not be read."""

    metric: str
    column: str = ""
    low: float | None = None
    high: float | None = None
    severity: OnBroken = "warn"
    unclear: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """The metric and the column it is of."""
        return self.metric, self.column

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "unclear"}


def expect(
    metric: str,
    column: str = "",
    *,
    at_least: Bound | None = None,
    at_most: Bound | None = None,
    severity: OnBroken = "warn",
) -> Expectation:
    """Expect a metric of a table, or of one of its columns, to lie in a band. What is learned is held as well.

    Args:
        metric: Such as `rows`, `null_rate`, `mean` or `age_h`.
        column: The column, for metrics that are of one.
        at_least: The least value; a share can be written `"1%"`, hours as a timedelta.
        at_most: The greatest value.
        severity: `warn`, or `fail` the run before anything of it is published.

    >>> expect("null_rate", "brand", at_most="1%")
    Expectation(metric='null_rate', column='brand', low=None, high=0.01, severity='warn', unclear=())
    """
    (low, one), (high, other) = _bound("at_least", at_least), _bound("at_most", at_most)
    return Expectation(metric, column, low, high, severity, (*one, *other))


def _bound(name: str, given: Bound | None) -> tuple[float | None, tuple[str, ...]]:
    if given is None:
        return None, ()
    if isinstance(given, timedelta):
        return given / timedelta(hours=1), ()
    if isinstance(given, str):
        percent = PERCENT.fullmatch(given)
        if percent:
            return float(percent[1]) / 100, ()
    elif not isinstance(given, bool) and math.isfinite(given):
        return float(given), ()
    return None, (f"{name}={given!r}",)


@dataclass(frozen=True)
class Quality:
    """Have what a run stages for a table profiled and judged before it is published.

    Args:
        columns: The columns to look at; of the others only rows, nulls and ranges that files know. Default: all.
        expect: What is expected, see `expect`.
        pins: Bands that take the place of those that are learned, as `expect` gives them.
        time: The column that says how fresh the data is.
        history: What becomes of a run that lies outside what earlier runs were like: `warn`, `fail`, or `off`.
        min_points: How many earlier runs it takes to say what is usual.
        tolerance: How far from the median is unusual, in robust standard deviations.

    >>> Quality(columns=["units"], expect=[expect("rows", at_least=1, severity="fail")]).columns
    ('units',)
    """

    columns: Sequence[str] | None = None
    expect: Sequence[Expectation] = ()
    pins: Sequence[Expectation] = ()
    time: str = ""
    history: OnHistory = "warn"
    min_points: int = 5
    tolerance: float = 3.5

    def __post_init__(self) -> None:
        """Freeze the lists."""
        if self.columns is not None:
            given = (self.columns,) if isinstance(self.columns, str) else tuple(self.columns)
            object.__setattr__(self, "columns", given)
        object.__setattr__(self, "expect", tuple(self.expect))
        object.__setattr__(self, "pins", tuple(self.pins))


@dataclass(frozen=True)
class Finding:
    """One thing that was held against a band, with the evidence.

    `points`: how many earlier runs the band was learned from, the oldest of them at `since`.
    """

    table: str
    metric: str
    column: str
    state: State
    origin: Origin
    severity: OnBroken
    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    points: int = 0
    since: str = ""


@dataclass(frozen=True)
class QualityReport:
    """The quality of what a run staged for one table.

    `scope`: `whole` where the run staged all of the table, `batch` where it staged what is new or recomputed.
    `parts`: what the score is made of, each from 0 to 1. `findings`: what does not hold. `checks`: how many were held,
    `learning`: how many could not be, for want of history.
    """

    table: str
    scope: str
    rows: int
    score: float | None = None
    parts: dict[str, float] = field(default_factory=dict)
    checks: int = 0
    learning: int = 0
    findings: list[Finding] = field(default_factory=list)

    @staticmethod
    def from_dict(document: Mapping[str, Any]) -> QualityReport:
        """Read what `asdict` gave."""
        return QualityReport(**{**document, "findings": [Finding(**f) for f in document["findings"]]})


def quality_problems(where: str, quality: Quality, *, has_key: bool) -> Iterator[Problem]:
    """Find what of a table's quality can be seen to be wrong without knowing its columns."""
    if quality.history not in HISTORIES:
        yield Problem(where, f"history='{quality.history}' is unknown", did_you_mean(str(quality.history), HISTORIES))
    if quality.min_points < 2:  # noqa: PLR2004 - one point has no spread
        yield Problem(where, f"min_points={quality.min_points} says nothing of what is usual", "give 2 or more")
    if not quality.tolerance > 0:
        yield Problem(where, f"tolerance={quality.tolerance} allows nothing", "give a number above zero, such as 3.5")
    for one in (*quality.expect, *quality.pins):
        for what, fix in expectation_mistakes(one):
            yield Problem(where, what, fix)
        if one.metric == "duplicate_rate" and not has_key:
            yield Problem(where, "expects a duplicate_rate, but has no key", "add key=")
    for (metric, column), count in Counter(one.key for one in quality.pins).items():
        if count > 1:
            yield Problem(
                where, f"pins {_named(Expectation(metric, column))} {count} times", "give both bounds at once"
            )


def expectation_mistakes(one: Expectation) -> Iterator[tuple[str, str]]:
    """Say what is wrong with an expectation, and what to do."""
    known = {**TABLE_METRICS, **COLUMN_METRICS}
    if one.metric not in known:
        yield f"expects '{one.metric}', which is no metric", did_you_mean(one.metric, known)
        return
    name = _named(one)
    if one.metric in TABLE_METRICS and one.column:
        yield f"expects {name}, which is of the table as a whole", "leave the column out"
    if one.metric in COLUMN_METRICS and not one.column:
        yield f"expects {name} of no column", "name the column"
    for unclear in one.unclear:
        yield f"{name}: {unclear} is no bound", "give a number, a share such as '1%', or a timedelta"
    if one.low is None and one.high is None and not one.unclear:
        yield f"expects {name} without saying what", "give at_least or at_most"
    if one.low is not None and one.high is not None and one.low > one.high:
        yield f"{name}: at_least={one.low:g} is above at_most={one.high:g}", "swap them"
    if one.severity not in SEVERITIES:
        yield f"{name}: severity '{one.severity}' is unknown", did_you_mean(str(one.severity), SEVERITIES)


def _named(one: Expectation) -> str:
    return f"{one.metric} of '{one.column}'" if one.column else one.metric
