"""Numbers in text: strictly digits and a point, or a declared form that is brought into that one first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.casts.kept import Cast, guarded, only_if
from framework.boundary.casts.scaled import scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.boundary.casts.reading import Reading

MAX_DIGITS = 38
BLANK = "[ \u00a0\u202f]?"
"""What may stand between a number and its sign or unit: nothing, a blank, or one that does not break."""
WORDS = "(?:(?i:nan|inf|infinity))"


def number(raw: pl.Expr, typed: pl.Expr, target: pl.DataType, reading: Reading) -> Cast:
    """Read numbers from text; `typed` is the column that will hold them."""
    if reading.units:
        return _with_units(raw, typed, target, reading)
    text = in_plain_form(raw, reading) if reading.has_number_form else raw
    done = plain_number(text, typed, target)
    if reading.rounding and not target.is_float():
        done = _rounded(text, typed, target, reading.rounding, done)
    # `text` is null where the form is wrong: that is not kept, unless there was nothing in the first place.
    kept = raw.is_null() | (text.is_not_null() & done.kept) if reading.has_number_form else done.kept
    return Cast(done.value, kept, done.lost)


def plain_number(text: pl.Expr, typed: pl.Expr, target: pl.DataType) -> Cast:
    """Read numbers in plain form: digits, a point, an exponent; no blanks."""
    if isinstance(target, pl.Decimal):
        return _decimal(text, typed, target)
    value = text.cast(target, strict=False)
    if target.is_float():
        # NOTE: polars reads "1e400" as infinity; only text that says so ("inf", "nan") may become that.
        return Cast(value, only_if(text, typed.is_not_null() & (typed.is_finite() | text.str.contains("[nN]"))))
    return guarded(text, typed, value)


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


def _rounded(text: pl.Expr, typed: pl.Expr, target: pl.DataType, how: str, strict: Cast) -> Cast:
    """Let surplus places go: cut off, or rounded half away from zero. A number in exponent form has none to spare.

    The digit behind the last place decides alone, so the text is cut behind it: then nothing rounds twice.
    """
    scale = target.scale if isinstance(target, pl.Decimal) else 0
    places = min(scale + (how == "round"), MAX_DIGITS)
    is_plain = text.str.contains(r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$")
    cut = text.str.replace(r"^([+-]?)\.", "${1}0.").str.replace(rf"(\.[0-9]{{{places}}})[0-9]+$", "$1")
    exact = cut.cast(pl.Decimal(MAX_DIGITS, places), strict=False)
    shorter = exact.round(scale, mode="half_away_from_zero") if how == "round" else exact.truncate(scale)
    has_surplus = is_plain & text.str.contains(rf"\.[0-9]{{{scale}}}[0-9]*[1-9]")
    # Polars reads "7.0" as no integer, so a point takes this way as well.
    is_here = is_plain & text.str.contains(".", literal=True) if target.is_integer() else has_surplus
    value = pl.when(is_here).then(shorter.cast(target, strict=False)).otherwise(strict.value)
    kept = pl.when(is_here).then(typed.is_not_null()).otherwise(strict.kept)
    return Cast(value, only_if(text, kept), has_surplus & typed.is_not_null())


def _with_units(raw: pl.Expr, typed: pl.Expr, target: pl.DataType, reading: Reading) -> Cast:
    """Read numbers with a unit behind them, each converted by its factor, exactly or not at all."""
    values = []
    rest = pl.lit(value=True)
    for unit, factor in sorted(reading.units, key=lambda pair: -len(pair[0])):
        ends = raw.str.ends_with(unit)
        text = in_plain_form(pl.when(ends & rest).then(raw.str.strip_suffix(unit)), reading, unit=bool(unit))
        rest = rest & ~ends
        values.append(scaled(text, pl.String(), target, factor, plain_number))
    return guarded(raw, typed, pl.coalesce(values))


def in_plain_form(raw: pl.Expr, reading: Reading, *, unit: bool = False) -> pl.Expr:
    """Give the digits and the point of a number that stands in the declared form; null for any other text.

    Groups have three digits each and are all separated alike. A currency stands before or behind the number.
    With `unit` a blank may be left behind it.
    """
    comma = "," if reading.decimal_comma else "."
    sign, tail = "[+-]?", rf"(?:{re.escape(comma)}[0-9]*)?(?:[eE][+-]?[0-9]+)?"
    grouped = [f"[0-9]{{1,3}}(?:{re.escape(mark)}[0-9]{{3}})+" for mark in reading.thousands]
    digits = f"(?:(?:{'|'.join([*grouped, '[0-9]+'])}){tail}|{re.escape(comma)}[0-9]+|{WORDS})"
    shapes = [f"{sign}{digits}" + (BLANK if unit else "")]
    money = _any_of(reading.currency)
    if money:
        shapes += [
            f"{sign}{money}{BLANK}{digits}",
            f"{money}{BLANK}{sign}{digits}",
            f"{sign}{digits}{BLANK}{money}",
        ]
    text: pl.Expr = pl.when(raw.str.contains(f"^(?:{'|'.join(shapes)})$")).then(raw)
    if money:
        text = text.str.replace(money, "")
    for mark in (*reading.thousands, " ", "\u00a0", "\u202f"):
        text = text.str.replace_all(mark, "", literal=True)
    return text.str.replace(",", ".", literal=True) if reading.decimal_comma else text


def _any_of(words: Sequence[str]) -> str:
    longest = sorted(words, key=len, reverse=True)
    return f"(?:{'|'.join(map(re.escape, longest))})" if words else ""
