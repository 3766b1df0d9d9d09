"""Cohorts: entities by the window in which they first appeared, and how many of them come back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_absent, require_columns, require_type
from framework.transforms.journeys.keys import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

COHORT, OFFSET = "cohort", "offset"
WINDOW = "__window"
EVERY = re.compile(r"([1-9]\d*)(d|w|mo|q|y)")
DAYS = {"d": 1, "w": 7}
MONTHS = {"mo": 1, "q": 3, "y": 12}


def cohorts(
    events: pl.LazyFrame, *, by: str | Sequence[str], time: str, every: str, zone: str | None = None
) -> pl.LazyFrame:
    """Add to each event its entity's cohort and how far from its beginning it is. One row per row given.

    Lazy, streaming; the order of rows is not kept. The entity is what `by` names; its cohort is the window in which its
    first event lies. Windows are calendar days, weeks (from Monday), months, quarters or years (`every` is Polars' text
    such as "1d", "1w", "1mo"), by the date in `zone`, or else by the date that `time` shows; days of 23 and 25 hours
    are days. Adds `cohort` (Date, the window's first day) and `offset` (Int64, windows since: 0 in the cohort's own).
    Events with a null key have neither; those with a null time have no offset and make no cohort.

    Raises:
        TransformError: at definition, when a column is not there or of the wrong type, `every` cannot be read, or
            `time` has no zone to be converted from.

    >>> from datetime import date
    >>> events = pl.LazyFrame({"user": ["ann", "ann", "bob"], "day": [date(2024, m, 9) for m in (1, 3, 2)]})
    >>> events.pipe(cohorts, by="user", time="day", every="1mo").sort("user", "day").collect().rows()[1]
    ('ann', datetime.date(2024, 3, 9), datetime.date(2024, 1, 1), 2)
    """
    keys = key_of(by, "cohorts")
    schema = _checked(events, "cohorts", [*keys, time], time, zone)
    require_absent(schema, "cohorts", [COHORT, OFFSET])
    return _placed(events, "cohorts", keys, _date(time, schema, zone), every).drop(WINDOW)


def retention(
    events: pl.LazyFrame, *, by: str | Sequence[str], time: str, every: str, zone: str | None = None
) -> pl.LazyFrame:
    """Count how many of each cohort come back. One row per cohort and offset, in order, up to the last window of all.

    Lazy, streaming. Windows, cohorts and offsets are those of `cohorts`. Has `cohort`, `offset`, `active` (Int64, the
    entities with an event in that window), `entities` (Int64, how many the cohort has) and `share` (active of them).
    A window in which nobody of a cohort came has a row with 0. Events with a null key or time count nowhere.

    Raises:
        TransformError: at definition, as `cohorts` does.

    >>> from datetime import date
    >>> events = pl.LazyFrame({"user": ["ann", "ann", "bob"], "day": [date(2024, m, 9) for m in (1, 3, 1)]})
    >>> events.pipe(retention, by="user", time="day", every="1mo").select("active", "share").collect().rows()
    [(2, 1.0), (0, 0.0), (1, 0.5)]
    """
    keys = key_of(by, "retention")
    schema = _checked(events, "retention", [*keys, time], time, zone)
    bare = events.select(*keys, _date(time, schema, zone).alias(WINDOW))
    known = bare.filter(pl.all_horizontal(pl.col(n).is_not_null() for n in (*keys, WINDOW)))
    placed = _placed(known, "retention", keys, pl.col(WINDOW), every)
    counted = placed.unique([*keys, OFFSET]).group_by(COHORT, WINDOW, OFFSET).agg(active=pl.len().cast(pl.Int64))
    first = counted.with_columns(last=pl.col(WINDOW).max()).filter(pl.col(OFFSET) == 0)
    reach = _offset(pl.col(COHORT), pl.col("last"), every, "retention") + 1
    grid = first.select(COHORT, pl.int_ranges(reach).alias(OFFSET), entities="active").explode(OFFSET)
    filled = grid.join(counted.drop(WINDOW), on=[COHORT, OFFSET], how="left").with_columns(
        pl.col("active").fill_null(0)
    )
    shares = filled.with_columns(share=pl.col("active") / pl.col("entities"))
    return shares.select(COHORT, OFFSET, "active", "entities", "share").sort(COHORT, OFFSET)


def _checked(events: pl.LazyFrame, where: str, names: list[str], time: str, zone: str | None) -> pl.Schema:
    schema = require_columns(events, where, names)
    require_absent(schema, where, [WINDOW])
    dtype = require_type(schema, where, time, lambda t: isinstance(t, (pl.Datetime, pl.Date)), "a Datetime or a Date")
    if zone is not None and getattr(dtype, "time_zone", None) is None:
        words = "has no zone to be converted from; give it its own with dt.replace_time_zone, or leave out zone"
        raise TransformError(f"{where}: column '{time}' is {dtype}, which {words}")
    return schema


def _date(time: str, schema: pl.Schema, zone: str | None) -> pl.Expr:
    """The calendar day of a time, which midnights that clocks skip or repeat cannot break."""
    if isinstance(schema[time], pl.Date):
        return pl.col(time)
    return (pl.col(time).dt.convert_time_zone(zone) if zone else pl.col(time)).dt.date()


def _placed(events: pl.LazyFrame, where: str, keys: list[str], date: pl.Expr, every: str) -> pl.LazyFrame:
    """Add the window of each event, the first one of its entity, and the number of windows from that one."""
    _read(every, where)
    windowed = events.with_columns(date.dt.truncate(every).alias(WINDOW))
    is_known = pl.all_horizontal(pl.col(key).is_not_null() for key in keys)
    first = windowed.with_columns(pl.col(WINDOW).min().over(keys).alias(COHORT))
    named = first.with_columns(pl.when(is_known).then(pl.col(COHORT)))
    return named.with_columns(_offset(pl.col(COHORT), pl.col(WINDOW), every, where).alias(OFFSET))


def _offset(cohort: pl.Expr, window: pl.Expr, every: str, where: str) -> pl.Expr:
    """How many windows lie between the beginnings of two."""
    number, unit = _read(every, where)
    if unit in DAYS:
        return (window - cohort).dt.total_days() // (number * DAYS[unit])
    years = window.dt.year().cast(pl.Int64) - cohort.dt.year()
    months = years * 12 + window.dt.month().cast(pl.Int64) - cohort.dt.month()
    return months // (number * MONTHS[unit])


def _read(every: str, where: str) -> tuple[int, str]:
    """The number and the unit of a window's length."""
    match = EVERY.fullmatch(every)
    if match is None:
        raise TransformError(
            f"{where}: every='{every}' cannot be read; expected calendar windows such as '1d', '1w', '1mo'"
        )
    return int(match[1]), match[2]
