"""Columns of a small table beside the rows it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_columns
from framework.transforms.events.matched import looked_up, renames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.transforms.events.matched import Names


def look_up(
    rows: pl.LazyFrame,
    table: pl.LazyFrame,
    *,
    on: Names,
    columns: Names,
    default: Mapping[str, Any] | None = None,
    found: str | None = None,
) -> pl.LazyFrame:
    """Add columns of a small table, matched by key. One row per row given, in the same order: it never grows.

    Lazy, streaming; the table is held in memory. Where the table has a key more than once, the row that sorts first by
    the columns looked up holds (ascending, nulls last): the same one on every run; for another choice make the table
    unique before, for instance with `keep_newest`. A null in a key matches nothing. Unmatched rows get null, or what
    `default` says per new column; a null that was matched stays null, and `found` names a mark that tells the two
    apart. Adds the new columns and `found`. How old the table may be is said where it is read.

    Raises:
        TransformError: at definition, when a column is not there or would be written over, keys differ in type, or a
            default does not fit its column.

    >>> sales = pl.LazyFrame({"store_id": [1, 2, None]})
    >>> stores = pl.LazyFrame({"id": [1, 3], "city": ["Graz", "Linz"]})
    >>> cities = sales.pipe(look_up, stores, on={"store_id": "id"}, columns="city", found="has_store")
    >>> cities.collect().rows()
    [(1, 'Graz', True), (2, None, False), (None, None, False)]
    """
    keys, wanted = renames(on), renames(columns)
    if not keys:
        raise TransformError("look_up: `on` names no key")
    schema = require_columns(rows, "look_up", keys)
    there = require_columns(table, "look_up (the table)", [*keys.values(), *wanted.values()])
    added = looked_up("look_up", schema, there, wanted, default=default, found=found)
    _require_same_types(schema, there, keys)
    known = _one_row_per_key(table, keys, wanted).with_columns(pl.lit(value=True).alias(added.mark))
    return added.finish(rows.join(known, on=list(keys), how="left", maintain_order="left"))


def _require_same_types(here: pl.Schema, there: pl.Schema, keys: Mapping[str, str]) -> None:
    """Refuse keys of different types, which would match nothing or be cast behind one's back."""
    for left, right in keys.items():
        if here[left] != there[right]:
            what = f"key '{left}' is {here[left]}, the table's '{right}' is {there[right]}"
            raise TransformError(f"look_up: {what}; cast one of them")


def _one_row_per_key(table: pl.LazyFrame, keys: Mapping[str, str], wanted: Mapping[str, str]) -> pl.LazyFrame:
    """The table under the names used here; of each key the row that sorts first."""
    named = {**keys, **wanted}
    rows = table.select(pl.col(old).alias(new) for new, old in named.items())
    new_key = pl.any_horizontal(pl.col(key).ne_missing(pl.col(key).shift()) for key in keys)
    return rows.sort(list(named), nulls_last=True).filter(new_key)
