"""Which touches led to which conversion: the ordered journey of each conversion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import duration_of, names_of, require_absent, require_columns, require_type
from framework.transforms.journeys.keys import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

Unit = Literal["us", "ns"]
WHERE = "find_journeys"
ADDED = ("position", "touches", "age_s")
OPENS, TOUCHES, CONVERTS = range(3)
"""What a row of the time line is, in the order of one instant: a conversion's window begins, a touch happens, a
conversion happens. So a touch exactly `lookback` old counts, and so does one at the conversion's instant."""
AT, KIND, RANK, SPAN, NUMBER = "__at", "__kind", "__rank", "__span", "__number"
"""Columns that live within the plan only. Conversions are numbered in order of key, time and id."""
RESERVED = (AT, KIND, RANK, SPAN, NUMBER, "__opened", "__converted", "__until")


@dataclass(frozen=True)
class Lookback:
    """How far a conversion looks back: for how long, past its user's previous conversion or not, at how many touches.

    With `reuse`, a touch counts for every conversion whose window holds it; without, only for the next one. Of more
    than `max_touches`, the last count.
    """

    length: str | timedelta
    reuse: bool = True
    max_touches: int | None = None

    def __post_init__(self) -> None:
        """Refuse a number of touches that leaves none."""
        if self.max_touches is not None and self.max_touches < 1:
            raise TransformError(f"{WHERE}: max_touches={self.max_touches} must be at least 1")


@dataclass(frozen=True)
class _Names:
    """The columns that a journey is made of."""

    by: list[str]
    touch_time: str
    ties: list[str]
    conversion_time: str
    conversion: str


def find_journeys(
    touches: pl.LazyFrame,
    conversions: pl.LazyFrame,
    *,
    by: str | Sequence[str],
    touch_time: str | Sequence[str],
    conversion_time: str,
    conversion: str,
    lookback: str | timedelta | Lookback,
) -> pl.LazyFrame:
    """Find the touches before each conversion. One row per touch of a conversion, or one for a conversion without any.

    Lazy, streaming; the order of rows is not kept. A touch belongs to a conversion of the same `by` when it is no older
    than `lookback` at the conversion's time; at exactly that age, and at the very instant of the conversion, it counts.
    By default a touch counts for every conversion whose window holds it, as Google Analytics and Adobe Analytics have
    it; `Lookback(..., reuse=False)` gives it to the next conversion only (of two at one instant, to the lesser id).

    `touch_time` is the time of a touch, followed by the columns that order touches of one instant; without any, all
    other columns of `touches` do, from left to right. `conversion` identifies a conversion: of several rows with one
    id the earliest holds (should an id have several keys, the earliest of the least key; at one instant, the least in
    the other columns). A touch with a null key or time belongs to no
    conversion. A conversion with a null key, time or id takes no touches and stays as a row without touch (each row
    with a null id for itself), so that its value is not lost.

    The cost grows with the rows and with the result, never with touches times conversions of a key: a touch outside
    every window costs a look-up, the others one sort of all.

    Has the columns of `conversions` and of `touches` (null where a conversion has none) and adds `position` (1 is the
    journey's first touch; null without touches), `touches` (how many the journey has) and `age_s` (seconds from the
    touch to the conversion).

    Raises:
        TransformError: at definition, when a column is not there, is in both frames, or is of the wrong type, or when
            the look-back cannot be read.

    >>> from datetime import datetime
    >>> touches = pl.LazyFrame({"user": ["ann", "ann"], "at": [datetime(2024, 5, d) for d in (1, 3)], "ad": ["a", "b"]})
    >>> orders = pl.LazyFrame({"order": [7], "user": ["ann"], "bought_at": [datetime(2024, 5, 4)]})
    >>> journeys = touches.pipe(
    ...     find_journeys, orders, by="user", touch_time="at", conversion_time="bought_at", conversion="order",
    ...     lookback="7d",
    ... )
    >>> journeys.select("order", "ad", "position", "touches", "age_s").sort("position").collect().rows()
    [(7, 'a', 1, 2, 259200.0), (7, 'b', 2, 2, 86400.0)]
    """
    window = lookback if isinstance(lookback, Lookback) else Lookback(lookback)
    length = duration_of(window.length, WHERE, "lookback")
    time, *ties = names_of(touch_time)
    names = _Names(key_of(by, WHERE), time, ties, conversion_time, conversion)
    of_touches, of_conversions = _checked(touches, conversions, names)
    others = [n for n in of_touches if n not in names.by and n != time]
    unit: Unit = "ns" if "ns" in (_unit(of_touches[time]), _unit(of_conversions[conversion_time])) else "us"
    ordered = _numbered(conversions, names, of_conversions, unit)
    line = _time_line(touches, ordered, names, length, unit).sort(*names.by, AT, KIND, *(ties or others))
    found = _in_windows(line, window).select(*others, time, RANK, NUMBER)
    joined = ordered.drop(AT).join(found, on=NUMBER, how="left")
    columns = [*of_conversions, *(n for n in of_touches if n not in names.by)]
    return joined.with_columns(**_measures(names, unit)).select(*columns, *ADDED)


def _checked(touches: pl.LazyFrame, conversions: pl.LazyFrame, names: _Names) -> tuple[pl.Schema, pl.Schema]:
    """The types of both frames, which must fit each other."""
    of_touches = require_columns(touches, f"{WHERE}: touches", [*names.by, names.touch_time, *names.ties])
    keys = [*names.by, names.conversion_time, names.conversion]
    of_conversions = require_columns(conversions, f"{WHERE}: conversions", keys)
    shared = [n for n in of_touches if n in of_conversions and n not in names.by]
    if shared:
        words = "rename it in one of them, since a journey has the columns of both"
        raise TransformError(f"{WHERE}: touches and conversions both have the column {', '.join(shared)}; {words}")
    for name in names.by:
        if of_touches[name] != of_conversions[name]:
            types = f"{of_touches[name]} in touches and {of_conversions[name]} in conversions"
            raise TransformError(f"{WHERE}: column '{name}' is {types}; cast one of them")
    require_absent(pl.Schema({**of_touches, **of_conversions}), WHERE, [*ADDED, *RESERVED])
    is_time = pl.Datetime.is_
    begun = require_type(of_touches, WHERE, names.touch_time, lambda t: is_time(t.base_type()), "a Datetime")
    ended = require_type(of_conversions, WHERE, names.conversion_time, lambda t: is_time(t.base_type()), "a Datetime")
    if _has_zone(begun) != _has_zone(ended):
        words = "only one of them has a time zone; give the other its own with dt.replace_time_zone"
        raise TransformError(f"{WHERE}: '{names.touch_time}' is {begun}, '{names.conversion_time}' is {ended}: {words}")
    return of_touches, of_conversions


def _has_zone(dtype: pl.DataType) -> bool:
    return getattr(dtype, "time_zone", None) is not None


def _unit(dtype: pl.DataType) -> str | None:
    return getattr(dtype, "time_unit", None)


def _instant(name: str, unit: Unit) -> pl.Expr:
    return pl.col(name).dt.cast_time_unit(unit).dt.epoch(unit)


def _numbered(conversions: pl.LazyFrame, names: _Names, schema: pl.Schema, unit: Unit) -> pl.LazyFrame:
    """Conversions, one row per id, in order of key and time, numbered from 0 where key, time and id are known."""
    front = [*names.by, names.conversion_time, names.conversion]
    rest = [n for n in schema if n not in front]
    key = pl.col(names.conversion)
    distinct = conversions.sort(*front, *rest, nulls_last=True).filter(key.is_null() | key.is_first_distinct())
    is_known = pl.all_horizontal(pl.col(n).is_not_null() for n in front)
    number = pl.when(is_known).then(is_known.cast(pl.Int64).cum_sum() - 1)
    return distinct.with_columns(number.alias(NUMBER), _instant(names.conversion_time, unit).alias(AT))


def _time_line(
    touches: pl.LazyFrame, ordered: pl.LazyFrame, names: _Names, length: timedelta, unit: Unit
) -> pl.LazyFrame:
    """Touches near a conversion, conversions, and the beginnings of their windows, as rows of one frame."""
    ticks = length // timedelta(microseconds=1) * (1000 if unit == "ns" else 1)
    known = ordered.filter(pl.col(NUMBER).is_not_null()).select(*names.by, AT)
    # A window of one length lies within two consecutive spans of that length.
    span = pl.col(AT) // ticks
    spans = known.select(*names.by, pl.concat_list(span - 1, span).alias(SPAN)).explode(SPAN)
    placed = touches.with_columns(_instant(names.touch_time, unit).alias(AT))
    near = placed.with_columns(span.alias(SPAN)).join(spans, on=[*names.by, SPAN], how="semi").drop(SPAN)
    opened = known.with_columns(pl.col(AT) - ticks)
    rows = [frame.with_columns(pl.lit(kind, pl.Int8).alias(KIND)) for kind, frame in enumerate((opened, near, known))]
    return pl.concat(rows, how="diagonal")


def _in_windows(line: pl.LazyFrame, window: Lookback) -> pl.LazyFrame:
    """Each touch with the number of every conversion in whose window it is.

    Windows begin in the order in which they end. So the conversions whose window holds a touch are those from the
    number of conversions before it up to the number of windows begun before it.
    """
    counts = {RANK: TOUCHES, "__opened": OPENS, "__converted": CONVERTS}
    counted = {name: (pl.col(KIND) == kind).cast(pl.Int64).cum_sum() for name, kind in counts.items()}
    ranked = line.with_columns(**counted).filter(pl.col(KIND) == TOUCHES)
    until = [pl.col("__opened")]
    if not window.reuse:
        until.append(pl.col("__converted") + 1)
    if window.max_touches:  # not those after which as many touches come before the conversion
        until.append(pl.col("__converted").shift(-window.max_touches))
    held = ranked.with_columns(pl.min_horizontal(until).alias("__until")).filter(
        pl.col("__converted") < pl.col("__until")
    )
    return held.with_columns(pl.int_ranges("__converted", "__until").alias(NUMBER)).explode(NUMBER)


def _measures(names: _Names, unit: Unit) -> dict[str, pl.Expr]:
    """The columns that tell where a touch stands in its journey, whose touches have consecutive ranks."""
    age = _instant(names.conversion_time, unit) - _instant(names.touch_time, unit)
    return {
        "position": pl.col(RANK) - pl.col(RANK).min().over(NUMBER) + 1,
        "touches": pl.col(RANK).count().over(NUMBER).cast(pl.Int64),
        "age_s": age / (10**9 if unit == "ns" else 10**6),
    }
