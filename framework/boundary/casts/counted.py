"""Numbers that count a unit of time: durations, and moments and dates as what has passed since 1970-01-01 UTC."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.casts.between import number
from framework.boundary.casts.kept import Cast, guarded
from framework.boundary.casts.scaled import scaled
from framework.boundary.casts.text_numbers import plain_number

if TYPE_CHECKING:
    from framework.boundary.casts.reading import Reading

NANOSECONDS = {
    "d": 86_400 * 10**9,
    "h": 3_600 * 10**9,
    "min": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "ns": 1,
}


def is_counted(source: pl.DataType, target: pl.DataType, reading: Reading) -> bool:
    """Whether a column's numbers (or numbers in text) are to be read as times."""
    is_time = isinstance(target, pl.Date | pl.Datetime | pl.Duration)
    return reading.time_unit is not None and is_time and (source.is_numeric() or source == pl.String)


def counted(raw: pl.Expr, typed: pl.Expr, source: pl.DataType, target: pl.DataType, reading: Reading) -> Cast:
    """Read counts of the declared unit as times; a count that is no whole number of the type's own unit is not kept."""
    own = "d" if target == pl.Date else target.time_unit  # type: ignore[attr-defined]
    factor = Fraction(NANOSECONDS[str(reading.time_unit)], NANOSECONDS[own])

    def read(given: pl.Expr, done: pl.Expr, wanted: pl.DataType) -> Cast:
        return plain_number(given, done, wanted) if source == pl.String else number(given, done, source, wanted)

    whole = pl.Int32() if target == pl.Date else pl.Int64()
    count = scaled(raw, source, whole, factor, read)
    if isinstance(target, pl.Datetime) and target.time_zone:
        moments = count.cast(pl.Datetime(target.time_unit))
        value = moments.dt.replace_time_zone("UTC").dt.convert_time_zone(target.time_zone)
        return guarded(raw, typed, value)
    return guarded(raw, typed, count.cast(target))
