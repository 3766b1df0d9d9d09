"""Aggregates over a moving stretch of an entity's rows, as expressions: what expanding and rolling features rest on.

Sums run: each row adds what enters the stretch and takes away what leaves it, so the cost is linear however long it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_absent, require_columns, require_one_of, require_some, require_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HOWS = ("sum", "count", "mean", "min", "max")
WIDEST = 2**62
"""Ticks that reach past all history without overflow: 146,000 years of microseconds."""


@dataclass(frozen=True)
class Stretch:
    """Which rows of an entity count for a row: those whose time is in the `width` ticks up to its own."""

    by: Sequence[str]
    time: str
    unit: Literal["us", "ns"]
    width: int
    include_current: bool

    def value(self, of: pl.Expr, how: Literal["sum", "min", "max"]) -> pl.Expr:
        """An aggregate of the rows of the stretch: `[t - width, t)`, or `(t - width, t]` with the row's own instant."""
        run = {"sum": of.rolling_sum_by, "min": of.rolling_min_by, "max": of.rolling_max_by}[how]
        ticks = pl.col(self.time).dt.epoch(self.unit)
        closed: Literal["left", "right"] = "right" if self.include_current else "left"
        return run(ticks, window_size=f"{self.width}i", closed=closed).over(self.by)


def require_entities(
    rows: pl.LazyFrame, where: str, by: str | Sequence[str], time: str, *, reads: Iterable[str], adds: Iterable[str]
) -> tuple[pl.Schema, list[str]]:
    """Give the schema and the key columns of rows that have entities, times and the columns read.

    Raises:
        TransformError: at definition, when a column is missing, would be written over, or the time is no time.
    """
    keys = require_some(where, "by", by)
    schema = require_columns(rows, where, [*keys, time, *reads])
    require_absent(schema, where, adds)
    require_type(schema, where, time, lambda dtype: isinstance(dtype, (pl.Datetime, pl.Date)), "Datetime or Date")
    return schema, keys


def where_known(value: pl.Expr, columns: Iterable[str]) -> pl.Expr:
    """A value, or null where a key or the time is null: such a row belongs to no entity and no instant."""
    return pl.when(pl.all_horizontal(pl.col(name).is_not_null() for name in columns)).then(value)


def aggregate_of(schema: pl.Schema, where: str, column: str, how: str, stretch: Stretch) -> pl.Expr:
    """Give an aggregate of a column over a stretch as an expression.

    Raises:
        TransformError: at definition, when the aggregate is unknown or the column is no number.
    """
    require_one_of(where, "how", how, HOWS)
    if how == "count":
        counted = pl.col(column).is_not_null()
        if schema[column].is_float():
            counted &= pl.col(column).is_not_nan()
        return stretch.value(counted.cast(pl.Int64), "sum")
    dtype = require_type(schema, where, column, lambda kind: kind.is_numeric() or kind == pl.Boolean, "numbers")
    if how == "mean":
        count = aggregate_of(schema, where, column, "count", stretch)
        total = aggregate_of(schema, where, column, "sum", stretch).cast(pl.Float64)
        return pl.when(count > 0).then(total / count)
    numbers = _numbers(pl.col(column), dtype)
    return _restored(stretch.value(numbers, "sum" if how == "sum" else "min" if how == "min" else "max"), dtype)


def require_aggregates(where: str, aggregates: Mapping[str, object]) -> None:
    """Refuse aggregates that are not pairs of a column and how to aggregate it.

    Raises:
        TransformError: at definition, naming the one.
    """
    for name, given in aggregates.items():
        if not isinstance(given, (tuple, list)) or len(given) != len(("column", "how")):
            raise TransformError(
                f"{where}: aggregate '{name}' is {given!r}, expected (column, how) such as ('n', 'sum')"
            )


def _numbers(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Numbers that can be summed: integers wide enough, decimals as integers of their last digit, no NaN."""
    if dtype.is_float():
        return value.cast(pl.Float64).fill_nan(None)
    return value.to_physical() if dtype.is_decimal() else value.cast(pl.Int64)


def _restored(total: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Decimals back from integers of their last digit, exactly."""
    if not isinstance(dtype, pl.Decimal):
        return total
    digit = pl.lit(Decimal(1).scaleb(-dtype.scale), pl.Decimal(38, dtype.scale))
    return total.cast(pl.Decimal(38, 0)) * digit
