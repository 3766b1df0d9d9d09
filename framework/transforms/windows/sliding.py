"""Sliding windows: the last hours or days, at every step of a grid."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import (
    duration_of,
    names_of,
    require_absent,
    require_columns,
    require_one_of,
    require_type,
)
from framework.transforms.windows.aggregating import DAYS_OR_MOMENTS, is_day_or_datetime, require_distinct
from framework.transforms.windows.panes import PANE, dense_panes, rolled_extreme, rolled_sum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HOW = ("sum", "count", "mean", "min", "max")
END = "window_end"
ALL = "__all"
"""The key of all rows where none is given."""


class Asked(NamedTuple):
    """An aggregate asked for: its name, the column, its type, and how it is summed up."""

    name: str
    column: str
    dtype: pl.DataType
    how: str


def sliding(
    rows: pl.LazyFrame,
    aggregates: Mapping[str, tuple[str, str]],
    *,
    time: str,
    every: str | timedelta,
    length: str | timedelta,
    by: str | Sequence[str] = (),
) -> pl.LazyFrame:
    """Sum up the last `length` at every step of `every`. One row per key and step; order is not kept.

    A window holds the rows from `window_end` minus `length` to before `window_end`. Ends lie on a grid of `every`
    counted from 1970-01-01 00:00 UTC (or on the clock, where times carry no zone), from the first end after the key's
    first row to the first end after its last; windows without rows in between are there. `every` and `length` are
    elapsed time (a day is 24 hours), the one a multiple of the other; for local days take a column of dates.

    Aggregates are given as `{name: (column, how)}`: `sum`, `count` (of values that are not null), `mean`, `min`,
    `max`. In a window without values sums and counts are 0, the others null. Sums of integers (Int64) and of decimals
    (38 digits) are exact; means are Float64. Decimals in `min` and `max` may have 18 digits, more fail the run. Rows
    without a time are in one row per key, whose end is null; a null key is a key of its own.

    Lazy, streaming. Rows are summed up in panes of `every` first, so the cost grows with rows and windows and not with
    the panes in a window; what is held in memory are the windows.

    Raises:
        TransformError: at definition, when a column is not there or of a type that cannot be summed up so, a length
            cannot be read, `length` is no multiple of `every`, or two columns would have one name.

    >>> from datetime import datetime
    >>> clicks = pl.LazyFrame({"at": [datetime(2024, 1, 1, 9, 5), datetime(2024, 1, 1, 11, 0)], "n": [1, 10]})
    >>> clicks.pipe(sliding, {"n": ("n", "sum")}, time="at", every="1h", length="2h").collect()["n"].to_list()
    [1, 1, 10]
    """
    names = names_of(by)
    schema = require_columns(rows, "sliding", [*names, time, *(column for column, _ in aggregates.values())])
    require_distinct([*names, END, *aggregates], "sliding")
    asked = [_asked(schema, name, *given) for name, given in aggregates.items()]
    dtype = require_type(schema, "sliding", time, is_day_or_datetime, DAYS_OR_MOMENTS)
    step, panes = _lengths(dtype, every, length)
    require_absent(pl.Schema({name: schema[name] for name in names}), "sliding", [PANE, ALL])
    keys = names or [ALL]
    placed = rows if names else rows.with_columns(pl.lit(0).alias(ALL))
    pane = pl.col(time).to_physical().cast(pl.Int64) // step
    dense = dense_panes(placed.with_columns(pane.alias(PANE)), keys, _partials(asked))
    end = ((pl.col(PANE) + 1) * step).cast(pl.Int32 if isinstance(dtype, pl.Date) else pl.Int64).cast(dtype)
    return dense.select(*names, end.alias(END), *(_rolled(one, panes, keys).alias(one.name) for one in asked))


def _asked(schema: pl.Schema, name: str, column: str, how: str) -> Asked:
    """An aggregate whose column can be summed up so."""
    require_one_of("sliding", "how", how, HOW)
    dtype = schema[column]
    is_number = dtype.is_numeric() or isinstance(dtype, pl.Boolean)
    if how in ("sum", "mean"):
        require_type(schema, "sliding", column, lambda _: is_number, f"a number, for '{how}'")
    elif how != "count":
        fits = (dtype.is_numeric() or dtype.is_temporal()) and not isinstance(dtype, pl.Time)
        require_type(schema, "sliding", column, lambda _: fits, f"a number or a time, for '{how}'")
    return Asked(name, column, dtype, how)


def _lengths(dtype: pl.DataType, every: str | timedelta, length: str | timedelta) -> tuple[int, int]:
    """The step in the unit of the times, and the number of steps in a window."""
    step, whole = duration_of(every, "sliding", "every"), duration_of(length, "sliding", "length")
    unit = timedelta(microseconds=1) if isinstance(dtype, pl.Datetime) else timedelta(days=1)
    if isinstance(dtype, pl.Datetime) and dtype.time_unit == "ms":
        unit = timedelta(milliseconds=1)
    if step % unit:
        raise TransformError(f"sliding: every={every!r} is no multiple of {unit}, in which the times are counted")
    if whole % step:
        raise TransformError(f"sliding: length={length!r} is no multiple of every={every!r}; give one that is")
    nanoseconds = 1000 if isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns" else 1
    return step // unit * nanoseconds, whole // step


def _partials(asked: Sequence[Asked]) -> dict[str, pl.Expr]:
    """What a pane keeps of the columns asked for."""
    found = {}
    for one in asked:
        value = pl.col(one.column)
        if one.how in ("sum", "mean"):
            found[f"__sum_{one.column}"] = _number(value, one.dtype).sum()
        if one.how in ("count", "mean"):
            found[f"__count_{one.column}"] = value.count().cast(pl.Int64)
        if one.how == "min":
            found[f"__min_{one.column}"] = value.min()
        if one.how == "max":
            found[f"__max_{one.column}"] = value.max()
    return found


def _number(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    return value if dtype.is_float() or dtype.is_decimal() else value.cast(pl.Int64)


def _rolled(one: Asked, length: int, keys: Sequence[str]) -> pl.Expr:
    """An aggregate of the windows, from what the panes keep."""
    if one.how in ("min", "max"):
        return rolled_extreme(one.dtype, f"__{one.how}_{one.column}", length, keys, one.how)
    count = rolled_sum(pl.Int64(), f"__count_{one.column}", length, keys)
    if one.how == "count":
        return count
    total = rolled_sum(one.dtype, f"__sum_{one.column}", length, keys)
    if one.how == "sum":
        return total
    return pl.when(count > 0).then(total.cast(pl.Float64) / count)
