"""Calendars without holes: a row for every hour or day on which nothing was recorded."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import names_of, require_absent, require_columns
from framework.transforms.windows.aggregating import require_distinct
from framework.transforms.windows.grid import grid_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.transforms.windows.grid import Grid

KEY, LAST, AFTER = "__window", "__last", "__after"
"""Columns that are gone again in the result."""


def fill_calendar(
    rows: pl.LazyFrame,
    *,
    by: str | Sequence[str],
    time: str,
    every: str,
    until: date | Literal["frame"] | None = None,
    fill: Mapping[str, Any] | None = None,
    into: str = "is_filled",
) -> pl.LazyFrame:
    """Add a row for each window between a key's first and last in which it has none. Order is not kept.

    Windows are those of `tumbling`: `every` of time or of the calendar, in the zone that the times carry, with days of
    23 and 25 hours. A key's last window is that of its last row; with `until="frame"` that of the last row of all, with
    a date or datetime the one in which that lies, where that is later.

    All rows given are there, untouched, with `into` false; rows without a time too, and a null key is a key of its own.
    In a row added, `into` is true, the time is the start of its window, the columns of `fill` have the values given
    there (as the column's type), and all others are null.

    Lazy, streaming: one sort of the windows that have rows.

    Raises:
        TransformError: at definition, when a column is not there, the time is neither Date nor Datetime, `every`
            cannot be read, or `until` is of another kind than the times.

    >>> from datetime import date
    >>> daily = pl.LazyFrame({"shop": ["a", "a"], "day": [date(2024, 1, 1), date(2024, 1, 3)], "sales": [5, 7]})
    >>> whole = daily.pipe(fill_calendar, by="shop", time="day", every="1d", fill={"sales": 0})
    >>> whole.sort("day").select("sales", "is_filled").collect().rows()
    [(5, False), (0, True), (7, False)]
    """
    keys, values = names_of(by), dict(fill or {})
    schema = require_columns(rows, "fill_calendar", [*keys, time, *values])
    require_absent(schema, "fill_calendar", [into, KEY, LAST, AFTER])
    require_distinct([*keys, time, *values], "fill_calendar")
    grid = grid_of(schema, "fill_calendar", time, every)
    placed = rows.with_columns(grid.key(pl.col(time)).alias(KEY)).filter(pl.col(KEY).is_not_null())
    windows = placed.group_by(*keys, KEY).agg().sort(*keys, KEY)
    missing = _between(_with_next(windows, keys, _last(grid, schema[time], until)), grid)
    added = missing.select(
        *keys,
        grid.start(pl.col(KEY)).alias(time),
        *(pl.lit(value).cast(schema[name]).alias(name) for name, value in values.items()),
        pl.lit(value=True).alias(into),
    )
    rest = [pl.lit(None, dtype=schema[name]).alias(name) for name in schema if name not in {*keys, time, *values}]
    whole = [rows.with_columns(pl.lit(value=False).alias(into)), added.with_columns(rest).select(*schema, into)]
    return pl.concat(whole)


def _last(grid: Grid, dtype: pl.DataType, until: date | str | None) -> pl.Expr:
    """The last window asked for; where none is, each window itself, after which nothing is missing."""
    if until is None:
        return pl.col(KEY)
    if isinstance(until, str):
        if until != "frame":
            raise TransformError(f"fill_calendar: until='{until}' is unknown; give 'frame', a date or a datetime")
        return pl.col(KEY).max()
    return grid.key(_moment(dtype, until))


def _moment(dtype: pl.DataType, until: date) -> pl.Expr:
    """The end asked for, as a time of the column's type: a date stands for its first moment in the column's zone."""
    if not isinstance(dtype, pl.Datetime):
        if isinstance(until, datetime):
            raise TransformError(f"fill_calendar: until={until} is a datetime and the times are dates; give a date")
        return pl.lit(until)
    if not isinstance(until, datetime):
        return grid_of(pl.Schema({"": dtype}), "fill_calendar", "", "1d").start(pl.lit(until))
    if (until.tzinfo is None) != (dtype.time_zone is None):
        words = "has no zone and the times have" if until.tzinfo is None else "has a zone and the times have none"
        raise TransformError(f"fill_calendar: until={until} {words}; give it as the times are")
    moment = pl.lit(until).dt.cast_time_unit(dtype.time_unit)
    return moment if dtype.time_zone is None else moment.dt.convert_time_zone(dtype.time_zone)


def _with_next(windows: pl.LazyFrame, keys: Sequence[str], last: pl.Expr) -> pl.LazyFrame:
    """Add to each window the one that ends the hole after it: the key's next, or the first that is not asked for."""
    ends_key = pl.any_horizontal([pl.lit(value=False), *(pl.col(k).ne_missing(pl.col(k).shift(-1)) for k in keys)])
    following = pl.when(~ends_key).then(pl.col(KEY).shift(-1))
    return windows.with_columns(following.alias(AFTER), last.alias(LAST))


def _between(windows: pl.LazyFrame, grid: Grid) -> pl.LazyFrame:
    """One row per window that is missing."""
    key, after, last = pl.col(KEY), pl.col(AFTER), pl.col(LAST)
    opened = windows.filter(after.is_not_null() | (last > key))
    if grid.length_us is None:
        stop = pl.coalesce(after, last.dt.offset_by("1d"))
        listed = opened.with_columns(pl.date_ranges(key, stop, grid.every, closed="left").alias(LAST))
        found = listed.explode(LAST).filter(last != key).with_columns(last.alias(KEY))
        # A day that a zone has skipped (Samoa's 30 December 2011) has no moment, so none of its own.
        return found.filter(grid.key(grid.start(key)) == key)
    stop = pl.coalesce(after, last.dt.offset_by("1ms"))
    days = opened.with_columns(stop.alias(AFTER), pl.date_ranges(key.dt.date(), stop.dt.date(), "1d").alias(LAST))
    each = days.explode(LAST)
    starts = pl.datetime_ranges(grid.midnight(last), grid.midnight(last.dt.offset_by("1d")), grid.every, closed="left")
    found = each.with_columns(starts.alias(LAST)).explode(LAST).filter(last > key, last < after)
    return found.with_columns(last.alias(KEY))
