"""The profile of one column, from the totals over all rows and from a sample of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.quality.distribution import Distribution, distribute_numbers, distribute_values
from framework.quality.kinds import kind_of
from framework.quality.looks import LENGTH, SHOWN_TEXT

if TYPE_CHECKING:
    from framework.quality.looks import Totals

QUANTILES = {"p01": 0.01, "p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
TOP = 10
TIMES = "_times"
PATTERNS = 5
PATTERN_LENGTH = 32
IDENTIFYING = 0.9
"""Text and whole numbers of whose sample at least this share differ name rows: their distribution says nothing."""

Count = tuple[str, int]
"""A value or pattern, and how often it occurs in the sample."""


@dataclass(frozen=True)
class Facts:
    """What the files of a table know of a column without a look: nulls, and the range where all of them have one."""

    nulls: int
    low: Any = None
    high: Any = None


@dataclass(frozen=True)
class ColumnProfile:
    """What a column looks like. Of a sensitive one only rates are known, and how many values differ.

    `renewed`: the distribution over bins laid anew, where those used again no longer fit.
    """

    name: str
    dtype: str
    is_sensitive: bool = False
    metrics: dict[str, float] = field(default_factory=dict)
    low: str | None = None
    high: str | None = None
    top: tuple[Count, ...] = ()
    patterns: tuple[Count, ...] = ()
    distribution: Distribution | None = None
    renewed: Distribution | None = None

    def without_values(self) -> ColumnProfile:
        """The same column as if it had been sensitive."""
        kept = {name: value for name, value in self.metrics.items() if name in SAFE}
        return ColumnProfile(self.name, self.dtype, is_sensitive=True, metrics=kept)


SAFE = frozenset({"null_rate", "nan_rate", "n_unique", "unique_rate"})
"""The metrics that tell no value."""


def measure(
    name: str, dtype: pl.DataType, rows: int, totals: Totals, different: float | None, *, now: datetime
) -> ColumnProfile:
    """Measure a column by its totals, and by how many values differ (None: not counted); `now`: its age counts to."""
    metrics: dict[str, float] = {}
    present = rows - totals.nulls
    if rows:
        metrics["null_rate"] = totals.nulls / rows
        if totals.nans is not None:
            metrics["nan_rate"] = totals.nans / rows
    if different is not None:
        metrics["n_unique"] = min(different, float(present))
        if present:
            metrics["unique_rate"] = metrics["n_unique"] / present
    kind = kind_of(dtype)
    if kind == "number":
        mean = totals.mean if totals.n else None
        numbers = {"min": totals.low, "max": totals.high, "mean": mean, "std": totals.deviation}
        metrics.update({m: float(v) for m, v in numbers.items() if v is not None and math.isfinite(v)})
    if kind == "time" and isinstance(totals.high, date):
        metrics["age_h"] = (now - _moment(totals.high)) / timedelta(hours=1)
    return ColumnProfile(name, str(dtype), metrics=metrics, low=shown(totals.low), high=shown(totals.high))


def _moment(value: date) -> datetime:
    """A date as its first instant; a time without a zone as UTC."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def shown(value: Any) -> str | None:
    """A value as a report shows it.

    >>> shown(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)), shown(None)
    ('2026-01-02 03:04:00+00:00', None)
    """
    if value is None:
        return None
    return str(value)[:SHOWN_TEXT]


def with_sample(
    column: ColumnProfile, dtype: pl.DataType, sample: pl.DataFrame, bins: Distribution | None = None
) -> ColumnProfile:
    """Add what a sample tells of a column: see `kept_of`. `bins`: a distribution whose bins are used again."""
    kind = kind_of(dtype)
    if kind == "other" or column.name not in sample:
        return column
    values = sample[column.name].drop_nulls()
    metrics = dict(column.metrics)
    counted = values.value_counts(name=TIMES)
    found = replace(column, metrics=metrics, top=_top(counted))
    if kind == "text":
        metrics.update(_lengths(sample[f"{LENGTH}{column.name}"].drop_nulls()))
        found = replace(found, patterns=_patterns(counted, column.name))
    if kind == "number" and len(values):
        metrics.update({m: float(values.quantile(q, "linear") or 0.0) for m, q in QUANTILES.items()})
    is_counted = dtype.is_integer() or kind == "text"
    if kind == "time" or (is_counted and values.n_unique() >= IDENTIFYING * len(values)):
        return found
    made = _distribute(values, bins)
    is_spent = bins is not None and made is not None and made.is_spent
    return replace(found, distribution=made, renewed=_distribute(values, None) if is_spent else None)


def _distribute(values: pl.Series, bins: Distribution | None) -> Distribution | None:
    if values.dtype == pl.Float64:
        return distribute_numbers(values, bins.edges if bins else ())
    return distribute_values(values.cast(pl.String), bins.values if bins else ())


def _top(counted: pl.DataFrame) -> tuple[Count, ...]:
    """The most frequent values, those that occur twice at least."""
    ordered = counted.filter(pl.col(TIMES) > 1).top_k(TOP, by=TIMES).rows()
    return tuple(sorted(((str(shown(value)), count) for value, count in ordered), key=lambda pair: (-pair[1], pair[0])))


def _lengths(lengths: pl.Series) -> dict[str, float]:
    if lengths.is_empty():
        return {}
    low, mean, high = lengths.min(), lengths.mean(), lengths.max()
    return {"length_min": float(low), "length_mean": float(mean), "length_max": float(high)}  # type: ignore[arg-type]


def _patterns(counted: pl.DataFrame, name: str) -> tuple[Count, ...]:
    """The most frequent shapes of texts: capitals as A, other letters as a, digits as 9, the rest as it is."""
    shape = (
        pl.col(name)
        .str.slice(0, PATTERN_LENGTH)
        .str.replace_all(r"\p{Lu}", "A")
        .str.replace_all(r"\p{N}", "9")
        .str.replace_all(r"[\p{L}--[A]]", "a")
    )
    shapes = counted.group_by(shape).agg(pl.col(TIMES).sum()).rows()
    return tuple(sorted(shapes, key=lambda pair: (-pair[1], pair[0]))[:PATTERNS])
