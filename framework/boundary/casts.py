"""Casts from what a source gives to what a schema declares: a value that would be lost fails instead.

Every cast yields two expressions: the typed value, and whether the cast kept the value. Text is read strictly: no
blanks around numbers, dates of the full width of their format, decimals with no more places than the type has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from framework.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DATE_FORMATS = ("%Y-%m-%d",)
DATETIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%.fZ")
TRUE_WORDS = ("true", "True", "TRUE", "1", "yes", "Yes", "Y", "y")
FALSE_WORDS = ("false", "False", "FALSE", "0", "no", "No", "N", "n")
MAX_DIGITS = 38


@dataclass(frozen=True)
class Cast:
    """A typed value, and the condition under which nothing of the raw value was lost in it."""

    value: pl.Expr
    kept: pl.Expr


def cast(raw: pl.Expr, typed: pl.Expr, source: pl.DataType, target: pl.DataType, formats: Sequence[str] = ()) -> Cast:
    """Give the cast of a raw column of type `source` to `target`; `typed` is the column that will hold its value.

    A null stays null and counts as kept. `formats` are tried in turn when text becomes a date or a time.

    Raises:
        SchemaError: at definition, when there is no cast that could keep values.
    """
    if source == target:
        return Cast(raw, pl.lit(value=True))
    if source == pl.String:
        return _from_text(raw, typed, target, formats)
    if isinstance(source, pl.List) and isinstance(target, pl.List):
        return _list(raw, typed, target)
    if target == pl.String:
        return _guarded(raw, typed, raw.cast(pl.String, strict=False))
    if _is_plain(source) and _is_plain(target):
        value = raw.cast(target, strict=False)
        return Cast(value, raw.is_null() | (typed.cast(source, strict=False) == raw).fill_null(value=False))
    raise SchemaError(f"there is no cast from {source} to {target} that keeps every value")


def _is_plain(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean


def _guarded(raw: pl.Expr, typed: pl.Expr, value: pl.Expr) -> Cast:
    return Cast(value, raw.is_null() | typed.is_not_null())


def _from_text(raw: pl.Expr, typed: pl.Expr, target: pl.DataType, formats: Sequence[str]) -> Cast:
    if isinstance(target, pl.Decimal):
        return _decimal(raw, typed, target)
    if isinstance(target, pl.Datetime):
        unit, zone = target.time_unit, target.time_zone
        return _temporal(raw, typed, formats or DATETIME_FORMATS, _datetime_parser(unit, zone))
    if target == pl.Date:
        return _temporal(raw, typed, formats or DATE_FORMATS, lambda c, f: c.str.to_date(f, strict=False, cache=False))
    if target == pl.Boolean:
        words = {**dict.fromkeys(TRUE_WORDS, True), **dict.fromkeys(FALSE_WORDS, False)}
        return _guarded(raw, typed, raw.replace_strict(words, default=None, return_dtype=pl.Boolean))
    if isinstance(target, pl.List):
        return _guarded(raw, typed, raw.str.json_decode(target))
    if target.is_numeric():
        return _guarded(raw, typed, raw.cast(target, strict=False))
    raise SchemaError(f"there is no cast from text to {target}")


def _decimal(raw: pl.Expr, typed: pl.Expr, target: pl.Decimal) -> Cast:
    scale = target.scale
    widest = MAX_DIGITS - (target.precision or MAX_DIGITS) + scale
    value = raw.cast(target, strict=False)
    # NOTE: polars rounds surplus places silently, so the text is read once more with room for all of them.
    exact = raw.cast(pl.Decimal(MAX_DIGITS, widest), strict=False)
    return Cast(value, raw.is_null() | ((typed == exact) & (raw.str.len_bytes() <= widest)).fill_null(value=False))


def _datetime_parser(unit: str, zone: str | None) -> Callable[[pl.Expr, str], pl.Expr]:
    def parse(raw: pl.Expr, layout: str) -> pl.Expr:
        parsed = raw.str.to_datetime(layout, time_unit=unit, strict=False, cache=False)  # type: ignore[arg-type]
        if "%z" in layout:
            return parsed.dt.convert_time_zone(zone) if zone else parsed.dt.replace_time_zone(None)
        return parsed.dt.replace_time_zone("UTC").dt.convert_time_zone(zone) if zone else parsed

    return parse


def _temporal(raw: pl.Expr, typed: pl.Expr, formats: Sequence[str], parse: Callable[[pl.Expr, str], pl.Expr]) -> Cast:
    """Parse with the first format that fits; one of fixed width must be filled entirely.

    "10:3" is how a cut-off "10:30" looks, and would be read as three minutes past ten.
    """
    values = []
    for layout in formats:
        width = fixed_width(layout)
        parsed = parse(raw, layout)
        values.append(parsed if width is None else pl.when(raw.str.len_bytes() == width).then(parsed))
    return _guarded(raw, typed, pl.coalesce(values) if len(values) > 1 else values[0])


def fixed_width(layout: str) -> int | None:
    """How many characters a format always has; None when that varies.

    >>> fixed_width("%Y-%m-%d"), fixed_width("%Y-%m-%dT%H:%M:%S%.fZ")
    (10, None)
    """
    if any(part in layout for part in ("%.f", "%z", "%b", "%B", "%A", "%p", "%e", "%f", "%-")):
        return None
    return len(datetime(2000, 11, 22, 13, 14, 15).strftime(layout))  # noqa: DTZ001 - only its width counts


def _list(raw: pl.Expr, typed: pl.Expr, target: pl.List) -> Cast:
    value = raw.cast(target, strict=False)
    kept = raw.list.drop_nulls().list.len() == typed.list.drop_nulls().list.len()
    return Cast(value, raw.is_null() | kept.fill_null(value=False))
