"""Lists, arrays and structs: every item and field is cast under the same guard as a value of its own."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.casts.kept import ALWAYS, Cast, only_if

if TYPE_CHECKING:
    from collections.abc import Callable

    from polars._typing import PolarsDataType

    from framework.boundary.casts.reading import Reading

    Inner = Callable[[pl.Expr, pl.Expr, pl.DataType, pl.DataType, Reading], Cast]

STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"'
NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
ITEM = rf"(?:{STRING}|{NUMBER}|true|false|null)"
BLANKS = r"[ \t\r\n]*"
FLAT_ARRAY = rf"^{BLANKS}\[{BLANKS}(?:{ITEM}{BLANKS}(?:,{BLANKS}{ITEM}{BLANKS})*)?\]{BLANKS}$"
"""A JSON array of plain values."""


def nested(raw: pl.Expr, source: pl.DataType, target: pl.DataType, reading: Reading, inner: Inner) -> Cast | None:
    """Cast a nested column to a nested type of its kind; None when they are not of one kind.

    `inner` casts what is within. An array becomes a list and, where the number of items is right, a list an array.
    """
    if isinstance(source, pl.List | pl.Array) and isinstance(target, pl.List | pl.Array):
        items = raw.arr.to_list() if isinstance(source, pl.Array) else raw
        return _items(items, source, target, reading, inner)
    if isinstance(source, pl.Struct) and isinstance(target, pl.Struct):
        return _fields(raw, source, target, reading, inner)
    return None


def _items(
    raw: pl.Expr, source: pl.List | pl.Array, target: pl.List | pl.Array, reading: Reading, inner: Inner
) -> Cast:
    within, wanted = type_within(source), type_within(target)
    item = pl.element()
    first = inner(item, item, within, wanted, reading)
    done = inner(item, first.value, within, wanted, reading)
    value = raw.list.eval(done.value)
    kept = only_if(raw, raw.list.eval(done.kept).list.all())
    lost = raw.list.eval(done.lost).list.any() if done.lost is not None else None
    return _fixed(value, kept, lost, target, reading) if isinstance(target, pl.Array) else Cast(value, kept, lost)


def _fixed(value: pl.Expr, kept: pl.Expr, lost: pl.Expr | None, target: pl.Array, reading: Reading) -> Cast:
    """Lists as arrays of a width. NOTE: another number of items would stop the run (polars 2.1)."""
    width = target.size
    count = value.list.len()
    if reading.drops_surplus:
        fits, is_longer = count >= width, (count > width).fill_null(value=False)
        lost = is_longer if lost is None else lost.fill_null(value=False) | is_longer
        cut = value.list.head(width)
    else:
        fits, cut = count == width, value
    return Cast(pl.when(fits).then(cut).list.to_array(width), kept & fits.fill_null(value=True), lost)


def _fields(raw: pl.Expr, source: pl.Struct, target: pl.Struct, reading: Reading, inner: Inner) -> Cast:
    """Cast field by field. A field that is not there is null; one that the target does not have must be null."""
    given = {field.name: as_type(field.dtype) for field in source.fields}
    values, kept, lost = [], [], []
    for field in target.fields:
        part, wanted = raw.struct.field(field.name), as_type(field.dtype)
        if field.name not in given:
            values.append(pl.lit(None, dtype=wanted).alias(field.name))
            continue
        first = inner(part, part, given[field.name], wanted, reading)
        done = inner(part, first.value, given[field.name], wanted, reading)
        values.append(done.value.alias(field.name))
        kept.append(done.kept)
        if done.lost is not None:
            lost.append(done.lost)
    names = {field.name for field in target.fields}
    surplus = [raw.struct.field(name).is_not_null() for name in given if name not in names]
    (lost if reading.drops_surplus else kept).extend(surplus if reading.drops_surplus else [~s for s in surplus])
    value = pl.when(raw.is_not_null()).then(pl.struct(values))
    fits = only_if(raw, pl.all_horizontal(kept)) if kept else ALWAYS
    return Cast(value, fits, reduce(or_, [x.fill_null(value=False) for x in lost]) if lost else None)


def list_in_text(raw: pl.Expr, target: pl.List | pl.Array, reading: Reading, inner: Inner) -> Cast:
    """Read a JSON array of plain values; numbers keep the text they have there.

    NOTE: `json_decode` would turn 12345678901234567890.12 into 12345678901234567000 (polars 2.1), so the items are cut
    out of the text; only strings with a backslash go through it.
    """
    is_array = raw.str.contains(FLAT_ARRAY)
    parts = pl.when(is_array).then(raw).str.extract_all(ITEM)
    item = pl.element()
    plain = item.str.slice(1, item.str.len_chars() - 2)
    escaped = pl.concat_str(pl.lit("["), pl.when(item.str.contains("\\", literal=True)).then(item), pl.lit("]"))
    unescaped = escaped.fill_null("[]").str.json_decode(pl.List(pl.String)).list.first()
    text = (
        pl.when(item == "null").then(None)
        .when(~item.str.starts_with('"')).then(item)
        .when(item.str.contains("\\", literal=True)).then(unescaped)
        .otherwise(plain)
    )  # fmt: skip
    texts = parts.list.eval(text)
    done = _items(texts, pl.List(pl.String()), target, reading, inner)
    return Cast(done.value, only_if(raw, is_array & done.kept), done.lost)


def type_within(dtype: pl.List | pl.Array) -> pl.DataType:
    """The type of a list's or array's items."""
    return as_type(dtype.inner)


def as_type(dtype: PolarsDataType) -> pl.DataType:
    """A type with its parameters at their defaults where it was given as a class."""
    return dtype() if isinstance(dtype, type) else dtype
