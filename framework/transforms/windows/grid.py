"""Where windows begin and end: days, weeks and months of a calendar, and shorter lengths cut from local midnight.

Polars' own `dt.truncate` cuts by the clock face. Where clocks go back to midnight it splits the long day in two (as in
Havana), and after any change a two-hour window may begin inside the one before it. So days are told by their date, and
what is shorter than a day by the time that has gone by since the day began (polars 2.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_type
from framework.transforms.windows.aggregating import DAYS_OR_MOMENTS, is_day_or_datetime

if TYPE_CHECKING:
    from typing import Literal

EVERY = re.compile(r"([1-9]\d*)(ms|s|m|h|d|w|mo|q|y)")
CLOCK_US = {"ms": 10**3, "s": 10**6, "m": 60 * 10**6, "h": 3_600 * 10**6}
DAY_US = 24 * CLOCK_US["h"]
BEFORE_MIDNIGHT = timedelta(hours=3)
"""Longer than any change of clocks at midnight, so that they have not changed yet."""


@dataclass(frozen=True)
class Grid:
    """Windows of one length, side by side. `key` says in which of them a time lies, `start` and `end` where that is."""

    every: str
    length_us: int | None
    """None where days are counted rather than time."""
    zone: str | None
    unit: Literal["ns", "us", "ms"] | None
    """None where times are dates."""

    def key(self, time: pl.Expr) -> pl.Expr:
        """The window of a time: its first day, or its start where it is shorter than a day."""
        if self.unit is None:
            return time.dt.truncate(self.every)
        local = time if self.zone is None else time.dt.convert_time_zone(self.zone)
        if self.length_us is None:
            return local.dt.date().dt.truncate(self.every)
        if self.zone in (None, "UTC"):
            return local.dt.truncate(self.every)
        midnight = self.midnight(local.dt.date())
        count = (local - midnight).dt.total_microseconds() // self.length_us
        return midnight + (count * self.length_us).cast(pl.Duration("us")).dt.cast_time_unit(self.unit)

    def start(self, key: pl.Expr) -> pl.Expr:
        """The first moment of a window (its first day, where times are dates)."""
        return key if self.unit is None or self.length_us is not None else self.midnight(key)

    def end(self, key: pl.Expr) -> pl.Expr:
        """The first moment (or day) after a window. A window shorter than a day ends with the day at the latest."""
        if self.unit is None:
            return key.dt.offset_by(self.every)
        if self.length_us is None:
            return self.midnight(key.dt.offset_by(self.every))
        following = self.midnight(key.dt.date().dt.offset_by("1d"))
        length = pl.lit(timedelta(microseconds=self.length_us), dtype=pl.Duration(self.unit))
        return pl.min_horizontal(key + length, following)

    def midnight(self, day: pl.Expr) -> pl.Expr:
        """The first moment of a local day: midnight, the first of two, or the moment at which midnight is skipped."""
        local = day.cast(pl.Datetime(self.unit or "us"))
        if self.zone is None:
            return local
        if self.zone == "UTC":
            return local.dt.replace_time_zone("UTC")
        three_hours = pl.lit(BEFORE_MIDNIGHT, dtype=pl.Duration(self.unit or "us"))
        evening = (local - three_hours).dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
        midnight = local.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
        return pl.coalesce(midnight, evening + three_hours)


def grid_of(schema: pl.Schema, where: str, time: str, every: str, zone: str | None = None) -> Grid:
    """Read the windows asked for, as fits the type of the times that are to be placed in them.

    Raises:
        TransformError: at definition, when `every` cannot be read, does not divide a day, or is shorter than a day for
            dates; when the zone is unknown, or is asked for where times have none.
    """
    dtype = require_type(schema, where, time, is_day_or_datetime, DAYS_OR_MOMENTS)
    length_us = _length(where, every)
    if not isinstance(dtype, pl.Datetime):
        if zone is not None:
            raise TransformError(f"{where}: column '{time}' is Date, which has no zone; leave out zone='{zone}'")
        if length_us is not None:
            raise TransformError(f"{where}: column '{time}' is Date, which every='{every}' cannot divide; give days")
        return Grid(every, None, None, None)
    if zone is None:
        return Grid(every, length_us, dtype.time_zone, dtype.time_unit)
    if dtype.time_zone is None:
        fix = "say which zone its times are in with dt.replace_time_zone"
        raise TransformError(f"{where}: column '{time}' has no zone, so zone='{zone}' cannot be applied; {fix}")
    _require_zone(where, zone)
    return Grid(every, length_us, zone, dtype.time_unit)


def _length(where: str, every: str) -> int | None:
    """The microseconds of a length shorter than a day; None for days, weeks, months, quarters and years."""
    read = EVERY.fullmatch(every)
    if read is None:
        raise TransformError(
            f"{where}: every='{every}' cannot be read; expected one length such as '15m', '1h' or '1d'"
        )
    count, unit = int(read[1]), read[2]
    if unit not in CLOCK_US:
        return None
    length = count * CLOCK_US[unit]
    if DAY_US % length or length == DAY_US:
        raise TransformError(
            f"{where}: every='{every}' does not divide a day; give one that does, or whole days ('1d')"
        )
    return length


def _require_zone(where: str, zone: str) -> None:
    try:
        pl.Series([], dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)
    except pl.exceptions.ComputeError as error:
        fix = "give a name of the IANA time zone database, like 'Europe/Berlin'"
        raise TransformError(f"{where}: zone='{zone}' is unknown; {fix}") from error
