"""Dates, moments, times of day and durations in text, each with every digit of its form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.casts.kept import Cast, guarded
from framework.boundary.casts.layouts import has_time, offset_of, shape_of, width_of
from framework.boundary.casts.zones import in_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framework.boundary.casts.reading import Reading

    Parser = Callable[[pl.Expr, str], pl.Expr]

DATE_FORMATS = ("%Y-%m-%d",)
DATETIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%.fZ")
TIME_FORMATS = ("%H:%M:%S", "%H:%M", "%H:%M:%S%.f")
FRACTIONS = {"ms": 3, "us": 6, "ns": 9}
DAY, HOUR, MINUTE, SECOND = 86_400, 3_600, 60, 1
ISO_DURATION = (
    r"^([+-]?)P(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?"
    r"(?:T(?:([0-9]{1,12})H)?(?:([0-9]{1,12})M)?(?:([0-9]{1,15})(?:\.([0-9]+))?S)?)?$"
)
ISO_PARTS = (7 * DAY, DAY, HOUR, MINUTE, SECOND)
CLOCK_DURATION = r"^([+-]?)([0-9]{1,9}):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]+))?$"
CLOCK_PARTS = (HOUR, MINUTE, SECOND)
ISO_SOMETHING = "[0-9][WDHMS]$"
"""Rules out "P", "PT" and "P1DT", which the expression of ISO durations would let through."""


def date(raw: pl.Expr, typed: pl.Expr, _target: pl.DataType, reading: Reading) -> Cast:
    """Read dates. A format with a time of day is read as well: it must be midnight, unless times may be cut off."""
    formats = reading.formats or DATE_FORMATS
    if any(has_time(layout) for layout in formats):
        return _date_of_moment(raw, typed, formats, is_cut=reading.cuts_times)
    return _first_fit(raw, typed, formats, lambda c, f: c.str.to_date(f, strict=False, cache=False), 0)


def moment(raw: pl.Expr, typed: pl.Expr, target: pl.Datetime, reading: Reading) -> Cast:
    """Read moments. Text without an offset is local time of the declared zone, or UTC where none is declared."""
    unit, zone = target.time_unit, target.time_zone

    def parse(text: pl.Expr, layout: str) -> pl.Expr:
        if offset_of(layout) == "given":
            parsed = text.str.to_datetime(layout, time_unit=unit, strict=False, cache=False)
            return parsed.dt.convert_time_zone(zone) if zone else parsed.dt.replace_time_zone(None)
        local = _naive(text, layout, unit)
        if not zone:
            return local
        of = "UTC" if offset_of(layout) == "utc" else reading.zone or "UTC"
        return in_zone(local, of, zone, reading.ambiguous)

    return _with_fraction(raw, typed, reading.formats or DATETIME_FORMATS, parse, unit, reading)


def time_of_day(raw: pl.Expr, typed: pl.Expr, _target: pl.DataType, reading: Reading) -> Cast:
    """Read times of day; Polars keeps them in nanoseconds."""

    def parse(text: pl.Expr, layout: str) -> pl.Expr:
        return text.str.to_time(layout, strict=False, cache=False)

    return _with_fraction(raw, typed, reading.formats or TIME_FORMATS, parse, "ns", reading)


def _naive(text: pl.Expr, layout: str, unit: str) -> pl.Expr:
    return text.str.to_datetime(layout, time_unit=unit, strict=False, cache=False)  # type: ignore[arg-type]


def _with_fraction(
    raw: pl.Expr, typed: pl.Expr, formats: Sequence[str], parse: Parser, unit: str, reading: Reading
) -> Cast:
    """Parse forms that may have a fraction of a second; a finer one than the unit may be cut off where that is said."""
    digits = FRACTIONS[unit]
    if not reading.cuts_times:
        return _first_fit(raw, typed, formats, parse, digits)
    text = raw.str.replace(rf"(\.[0-9]{{{digits}}})[0-9]+", "$1")
    done = _first_fit(text, typed, formats, parse, digits)
    lost = raw.str.contains(rf"\.[0-9]{{{digits}}}[0-9]*[1-9]") & typed.is_not_null()
    return Cast(done.value, done.kept, lost)


def _date_of_moment(raw: pl.Expr, typed: pl.Expr, formats: Sequence[str], *, is_cut: bool) -> Cast:
    def parse(text: pl.Expr, layout: str) -> pl.Expr:
        return _naive(text, layout, "us")

    found = _first_fit(raw, raw, formats, parse, FRACTIONS["us"]).value
    kept = _first_fit(raw, found, formats, parse, FRACTIONS["us"]).kept
    is_midnight = found.dt.truncate("1d") == found
    value = pl.when(kept if is_cut else kept & is_midnight).then(found.dt.date())
    return Cast(value, guarded(raw, typed, value).kept, ~is_midnight & typed.is_not_null() if is_cut else None)


def _first_fit(raw: pl.Expr, typed: pl.Expr, formats: Sequence[str], parse: Parser, digits: int) -> Cast:
    """Parse with the first format that fits; one of fixed width must be filled entirely.

    "10:3" is how a cut-off "10:30" looks, and would be read as three minutes past ten.
    """
    values = []
    for layout in formats:
        width = width_of(layout)
        parsed = parse(raw, layout)
        values.append(parsed if width is None else pl.when(raw.str.len_bytes() == width).then(parsed))
    value = pl.coalesce(values) if len(values) > 1 else values[0]
    shapes = [shape_of(layout, digits) for layout in formats]
    if None in shapes:
        return guarded(raw, typed, value)
    fits = raw.str.contains(f"^(?:{'|'.join(map(str, shapes))})$")
    return Cast(value, raw.is_null() | (typed.is_not_null() & fits))


def duration(raw: pl.Expr, typed: pl.Expr, target: pl.Duration, reading: Reading) -> Cast:
    """Read durations: ISO 8601 without months and years ("P1DT2H30M", "PT0.5S"), or hours to seconds ("26:30:00")."""
    digits = FRACTIONS[target.time_unit]
    iso = pl.when(raw.str.contains(ISO_SOMETHING)).then(raw)
    counts = [
        _counted(iso, ISO_DURATION, ISO_PARTS, digits, reading),
        _counted(raw, CLOCK_DURATION, CLOCK_PARTS, digits, reading),
    ]
    value = pl.coalesce(counts).cast(pl.Int64, strict=False).cast(target)
    done = guarded(raw, typed, value)
    lost = raw.str.contains(rf"\.[0-9]{{{digits}}}[0-9]*[1-9]") & typed.is_not_null()
    return Cast(value, done.kept, lost if reading.cuts_times else None)


def _counted(text: pl.Expr, shape: str, parts: Sequence[int], digits: int, reading: Reading) -> pl.Expr:
    """The number of units in a duration's text, wide enough for any; null for other text."""
    groups = text.str.extract_groups(shape).struct
    total = pl.lit(0, dtype=pl.Int128)
    for index, seconds in enumerate(parts, 2):
        given = groups.field(str(index)).cast(pl.Int128, strict=False).fill_null(0)
        total = total + given * pl.lit(seconds * 10**digits, dtype=pl.Int128)
    fraction = groups.field(str(len(parts) + 2)).fill_null("").str.strip_chars_end("0")
    fits = pl.lit(value=True) if reading.cuts_times else fraction.str.len_bytes() <= digits
    total = total + fraction.str.slice(0, digits).str.pad_end(digits, "0").cast(pl.Int128, strict=False).fill_null(0)
    signed = pl.when(groups.field("1") == "-").then(pl.lit(0, dtype=pl.Int128) - total).otherwise(total)
    return pl.when(text.str.contains(shape) & fits).then(signed)
