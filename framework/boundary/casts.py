"""Casts from what a source gives to what a schema declares: a value that would be lost fails instead.

Every cast yields two expressions: the typed value, and whether the cast kept the value. Text is read strictly: no
blanks around numbers, dates with every digit of their format, decimals with no more places than the type has.
"""

from __future__ import annotations

import re
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
FLOAT_DIGITS = 15
FRACTIONS = {"ms": 3, "us": 6, "ns": 9}
SHAPES = {
    **dict.fromkeys(("%m", "%d", "%H", "%I", "%M", "%y"), "[0-9]{2}"),
    "%Y": "[0-9]{4}",
    "%j": "[0-9]{3}",
    "%S": "[0-5][0-9]",
    "%z": "[+-][0-9]{2}:?[0-9]{2}",
}
"""What the parts of a format look like. Polars would also take signs, blanks and single digits in their place."""
ITEM = r"""\s*(?:"(?:[^"\\]|\\["\\/bfnrtu])*"|-?[0-9][-+.0-9eE]*|true|false|null)\s*"""
FLAT_ARRAY = rf"^\[(?:\s*|{ITEM}(?:,{ITEM})*)\]$"


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
        return _list(raw, source, target, formats)
    if target == pl.String and not source.is_nested():
        return _guarded(raw, typed, raw.cast(pl.String, strict=False))
    if _are_related(source, target):
        value = _fitting(raw, source, target).cast(target, strict=False)
        return Cast(value, raw.is_null() | (typed.cast(source, strict=False) == raw).fill_null(value=False))
    raise SchemaError(f"there is no cast from {source} to {target} that keeps every value")


def _are_related(source: pl.DataType, target: pl.DataType) -> bool:
    """Whether values of one type mean the same in the other; a number is no time, as it does not say its unit."""
    return any(
        fits(source) and fits(target)
        for fits in (
            lambda t: t.is_numeric(),
            lambda t: t == pl.Boolean or t.is_integer() or t.is_float(),
            lambda t: isinstance(t, pl.Date | pl.Datetime),
            lambda t: isinstance(t, pl.Duration),
        )
    )


def _fitting(raw: pl.Expr, source: pl.DataType, target: pl.DataType) -> pl.Expr:
    """The values for which the cast does not raise.

    NOTE: a float with too many digits for a decimal raises even where the cast is not strict (polars 2.1).
    """
    if not (source.is_float() and isinstance(target, pl.Decimal)):
        return raw
    digits = target.precision or MAX_DIGITS
    largest = (10**digits - 1) / 10**target.scale
    return pl.when(raw.cast(pl.Float64).abs() <= largest * (1 - 2**-50 * (digits > FLOAT_DIGITS))).then(raw)


def _guarded(raw: pl.Expr, typed: pl.Expr, value: pl.Expr) -> Cast:
    return Cast(value, raw.is_null() | typed.is_not_null())


def _from_text(raw: pl.Expr, typed: pl.Expr, target: pl.DataType, formats: Sequence[str]) -> Cast:
    if isinstance(target, pl.Decimal):
        return _decimal(raw, typed, target)
    if isinstance(target, pl.Datetime):
        unit, zone = target.time_unit, target.time_zone
        return _temporal(raw, typed, formats or DATETIME_FORMATS, _datetime_parser(unit, zone), FRACTIONS[unit])
    if target == pl.Date:
        return _temporal(raw, typed, formats or DATE_FORMATS, lambda c, f: c.str.to_date(f, strict=False, cache=False))
    if target == pl.Boolean:
        words = {**dict.fromkeys(TRUE_WORDS, True), **dict.fromkeys(FALSE_WORDS, False)}
        return _guarded(raw, typed, raw.replace_strict(words, default=None, return_dtype=pl.Boolean))
    if isinstance(target, pl.List):
        return _text_list(raw, target, formats)
    if target.is_numeric():
        return _number(raw, typed, target)
    raise SchemaError(f"there is no cast from text to {target}")


def _number(raw: pl.Expr, typed: pl.Expr, target: pl.DataType) -> Cast:
    value = raw.cast(target, strict=False)
    if target.is_float():
        # NOTE: polars reads "1e400" as infinity; only text that says so ("inf", "nan") may become that.
        return Cast(value, raw.is_null() | ((typed.is_finite() | raw.str.contains("[nN]")).fill_null(value=False)))
    return _guarded(raw, typed, value)


def _decimal(raw: pl.Expr, typed: pl.Expr, target: pl.Decimal) -> Cast:
    scale = target.scale
    widest = MAX_DIGITS - (target.precision or MAX_DIGITS) + scale
    value = raw.cast(target, strict=False)
    # NOTE: polars rounds surplus places silently, so the text is read once more with room for all of them.
    if widest < MAX_DIGITS - widest + scale + len("-."):  # too little room: look at the text itself
        places = raw.str.contains(rf"^[+-]?[0-9]*(?:\.[0-9]{{0,{scale}}}0*)?(?:[eE][+]?[0-9]+)?$")
        return Cast(value, raw.is_null() | (typed.is_not_null() & places))
    exact = raw.cast(pl.Decimal(MAX_DIGITS, widest), strict=False)
    # Room for the text's length is room for its value, but for "1e-30", which rounds to nothing either way.
    is_lost = pl.when(exact == 0).then(raw).str.contains("[1-9].*[eE]").fill_null(value=False)
    same = (typed == exact) & (raw.str.len_bytes() <= widest) & ~is_lost
    return Cast(value, raw.is_null() | same.fill_null(value=False))


def _datetime_parser(unit: str, zone: str | None) -> Callable[[pl.Expr, str], pl.Expr]:
    def parse(raw: pl.Expr, layout: str) -> pl.Expr:
        parsed = raw.str.to_datetime(layout, time_unit=unit, strict=False, cache=False)  # type: ignore[arg-type]
        if "%z" in layout:
            return parsed.dt.convert_time_zone(zone) if zone else parsed.dt.replace_time_zone(None)
        return parsed.dt.replace_time_zone("UTC").dt.convert_time_zone(zone) if zone else parsed

    return parse


def _temporal(
    raw: pl.Expr, typed: pl.Expr, formats: Sequence[str], parse: Callable[[pl.Expr, str], pl.Expr], digits: int = 0
) -> Cast:
    """Parse with the first format that fits; one of fixed width must be filled entirely.

    "10:3" is how a cut-off "10:30" looks, and would be read as three minutes past ten.
    """
    values = []
    for layout in formats:
        width = fixed_width(layout)
        parsed = parse(raw, layout)
        values.append(parsed if width is None else pl.when(raw.str.len_bytes() == width).then(parsed))
    value = pl.coalesce(values) if len(values) > 1 else values[0]
    shapes = [shape_of(layout, digits) for layout in formats]
    if None in shapes:
        return _guarded(raw, typed, value)
    fits = raw.str.contains(f"^(?:{'|'.join(map(str, shapes))})$")
    return Cast(value, raw.is_null() | (typed.is_not_null() & fits))


def shape_of(layout: str, digits: int) -> str | None:
    """The regular expression of a format's texts, with at most `digits` of a second's fraction; None: not known.

    >>> shape_of("%d/%m/%Y", 6), shape_of("%d %b %Y", 6)
    ('[0-9]{2}/[0-9]{2}/[0-9]{4}', None)
    """
    shapes = {**SHAPES, "%.f": rf"(?:\.[0-9]{{1,{digits}}}0*)?"}
    parts = re.findall(r"%\.f|%[^%]|[^%]|%%", layout)
    known = [shapes.get(part) if part.startswith("%") else re.escape(part) for part in parts]
    return None if None in known else "".join(map(str, known))


def fixed_width(layout: str) -> int | None:
    """How many characters a format always has; None when that varies.

    >>> fixed_width("%Y-%m-%d"), fixed_width("%Y-%m-%dT%H:%M:%S%.fZ")
    (10, None)
    """
    if any(part in layout for part in ("%.f", "%z", "%b", "%B", "%A", "%p", "%e", "%f", "%-")):
        return None
    return len(datetime(2000, 11, 22, 13, 14, 15).strftime(layout))  # noqa: DTZ001 - only its width counts


def _list(raw: pl.Expr, source: pl.List, target: pl.List, formats: Sequence[str]) -> Cast:
    """Cast the items one by one, each under the same guard as a value of its own."""
    inner, outer = _inner(source), _inner(target)
    item = pl.element()
    value = cast(item, item, inner, outer, formats).value
    kept = cast(item, value, inner, outer, formats).kept
    all_kept = raw.list.eval(kept).list.all()
    return Cast(raw.list.eval(value), raw.is_null() | all_kept)


def _text_list(raw: pl.Expr, target: pl.List, formats: Sequence[str]) -> Cast:
    """Read a JSON array of plain values.

    NOTE: `json_decode` raises on text that is no such array (polars 2.1), so it is given none.
    """
    is_array = raw.str.contains(FLAT_ARRAY) & raw.str.json_path_match("$").is_not_null()
    texts = pl.when(is_array).then(raw).str.json_decode(pl.List(pl.String))
    done = cast(texts, texts, pl.List(pl.String()), target, formats)
    value = texts if target.inner == pl.String else done.value
    return Cast(value, raw.is_null() | (is_array & done.kept).fill_null(value=False))


def _inner(dtype: pl.List) -> pl.DataType:
    return dtype.inner() if isinstance(dtype.inner, type) else dtype.inner
