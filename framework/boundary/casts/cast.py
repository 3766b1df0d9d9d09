"""Casts from what a source gives to what a schema declares: a value that would be lost fails instead.

Every cast yields expressions: the typed value, whether the cast kept the raw one, and where an allowed loss changed
it. Text is read strictly: no blanks around numbers, dates with every digit of their format, decimals with no more
places than the type has. What else is read, a column's metadata declares (`Reading`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.casts import text_numbers, text_times, text_words
from framework.boundary.casts.between import between
from framework.boundary.casts.counted import counted, is_counted
from framework.boundary.casts.kept import ALWAYS, Cast
from framework.boundary.casts.missing import without_tokens
from framework.boundary.casts.nested import list_in_text, nested, struct_in_text
from framework.boundary.casts.reading import STRICT, Reading
from framework.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Cast", "cast"]


def cast(raw: pl.Expr, typed: pl.Expr, source: pl.DataType, target: pl.DataType, reading: Reading = STRICT) -> Cast:
    """Give the cast of a raw column of type `source` to `target`; `typed` is the column that will hold its value.

    One value per value, lazy. A null, and what `reading` calls one, becomes null and counts as kept.

    Raises:
        SchemaError: at planning, when there is no cast that could keep values.
    """
    if source == pl.Null:
        return Cast(pl.lit(None, dtype=target), ALWAYS)
    if isinstance(source, pl.Categorical | pl.Enum) and source != target:
        return cast(raw.cast(pl.String), typed, pl.String(), target, reading)
    present = without_tokens(raw, source, target, reading)
    done = _cast(present, typed, source, target, reading)
    if reading.nan == "refuse" and target.is_float():
        done = replace(done, kept=done.kept & typed.is_not_nan().fill_null(value=True))
    return done if done.lost is None else replace(done, lost=done.lost & done.kept)


def _cast(raw: pl.Expr, typed: pl.Expr, source: pl.DataType, target: pl.DataType, reading: Reading) -> Cast:
    if source == target and not (source.is_nested() and reading != STRICT):
        return Cast(raw, ALWAYS)
    if is_counted(source, target, reading):
        return counted(raw, typed, source, target, reading)
    if source == pl.String:
        return _from_text(raw, typed, target, reading)
    return nested(raw, source, target, reading, cast) or between(raw, typed, source, target, reading)


def _from_text(raw: pl.Expr, typed: pl.Expr, target: pl.DataType, reading: Reading) -> Cast:
    if isinstance(target, pl.List | pl.Array):
        return list_in_text(raw, target, reading, cast)
    if isinstance(target, pl.Struct):
        return struct_in_text(raw, target, reading, cast)
    if isinstance(target, pl.Enum | pl.Categorical):
        return text_words.category(raw, typed, target)
    return _READERS[_kind(target)](raw, typed, target, reading)


def _kind(target: pl.DataType) -> type[pl.DataType] | None:
    """Under which name a type's reader of text is found."""
    return pl.Decimal if target.is_numeric() else next((kind for kind in _READERS if kind is type(target)), None)


def _refuse(_raw: pl.Expr, _typed: pl.Expr, target: pl.DataType, _reading: Reading) -> Cast:
    raise SchemaError(f"there is no cast from text to {target}")


_READERS: dict[type[pl.DataType] | None, Callable[..., Cast]] = {
    pl.Decimal: text_numbers.number,
    pl.Datetime: text_times.moment,
    pl.Duration: text_times.duration,
    pl.Date: text_times.date,
    pl.Time: text_times.time_of_day,
    pl.Boolean: text_words.boolean,
    pl.Binary: text_words.binary,
    None: _refuse,
}
"""What reads text, by the type it reads; all numbers go by the name of decimals."""
