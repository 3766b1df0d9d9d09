"""Lists, arrays and structs: every item and field is cast under the same guard as a value of its own."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.casts.json_text import (
    FLAT_ARRAY,
    ITEM,
    KEYS,
    VALUES,
    count_values,
    is_object,
    is_text,
    keys_and_values,
    members,
    once,
    plain_text,
    value_of,
)
from framework.boundary.casts.kept import ALWAYS, Cast, only_if

if TYPE_CHECKING:
    from collections.abc import Callable

    from polars._typing import PolarsDataType

    from framework.boundary.casts.reading import Reading

    Inner = Callable[[pl.Expr, pl.Expr, pl.DataType, pl.DataType, Reading], Cast]


_SOUND, _TEXTS, _MORE = "sound", "texts", "more"


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
    """Read a JSON array of plain values; numbers keep the text they have there."""
    is_array = raw.str.contains(FLAT_ARRAY) & is_text(raw)
    texts = pl.when(is_array).then(raw).str.extract_all(ITEM).list.eval(plain_text(pl.element()))
    done = _items(texts, pl.List(pl.String()), target, reading, inner)
    return Cast(done.value, only_if(raw, is_array & done.kept), done.lost)


def struct_in_text(raw: pl.Expr, target: pl.Struct, reading: Reading, inner: Inner) -> Cast:
    """Read a JSON object, each of whose values is text for the cast to its field; keys must not occur twice.

    Each stage is a list of one item, over which the next one is evaluated: that way Polars (2.1) computes it once, and
    not once per field and level.
    """
    sound = once(pl.when(is_object(raw)).then(raw))  # nothing else may be decoded
    cut = sound.list.eval(members(pl.element())).list.eval(keys_and_values(pl.element()))
    texts = cut.list.eval(_texts(target))
    given = pl.Struct({field.name: pl.String for field in target.fields})
    part = pl.element().struct
    done = _fields(part.field(_TEXTS), given, target, reading, inner)
    is_more = part.field(_MORE)
    fits, lost = part.field(_SOUND) & done.kept & ~is_more, done.lost
    if reading.drops_surplus:
        fits, lost = part.field(_SOUND) & done.kept, is_more if done.lost is None else done.lost | is_more
    return Cast(
        texts.list.eval(done.value).list.first(),
        only_if(raw, texts.list.eval(fits).list.first()),
        None if lost is None else texts.list.eval(lost).list.first(),
    )


def _texts(target: pl.Struct) -> pl.Expr:
    """The texts of a struct's fields in a JSON object, whether it is sound, and whether it says more than they."""
    part = pl.element().struct
    keys, values = part.field(KEYS), part.field(VALUES)
    is_sound = keys.list.n_unique() == keys.list.len()
    texts, count = [], pl.lit(0, dtype=pl.UInt32)
    for field in target.fields:
        value = value_of(field.name, keys, values)
        is_nested = as_type(field.dtype).is_nested()
        texts.append((pl.when(value != "null").then(value) if is_nested else plain_text(value)).alias(field.name))
        count += (value != "null").fill_null(value=False).cast(pl.UInt32)
    is_more = is_sound & (count_values(values) > count)
    return pl.struct(
        pl.when(is_sound).then(pl.struct(texts)).alias(_TEXTS),
        is_sound.fill_null(value=False).alias(_SOUND),
        is_more.fill_null(value=False).alias(_MORE),
    )


def type_within(dtype: pl.List | pl.Array) -> pl.DataType:
    """The type of a list's or array's items."""
    return as_type(dtype.inner)


def as_type(dtype: PolarsDataType) -> pl.DataType:
    """A type with its parameters at their defaults where it was given as a class."""
    return dtype() if isinstance(dtype, type) else dtype
