"""Rows that say the same thing twice: exact repeats, and older versions of what a key names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import names_of, require_columns
from framework.transforms.clean.columns import require_new

if TYPE_CHECKING:
    from collections.abc import Sequence


def drop_repeats(
    rows: pl.LazyFrame, columns: str | Sequence[str] | None = None, *, count: str | None = None
) -> pl.LazyFrame:
    """Keep one row of those that are equal in the columns (all of them unless given), nulls being equal to each other.

    One row per distinct values. Lazy, streaming; order is not kept. Rows that are equal in the given columns may differ
    in others: kept is the last by all other columns, in the order in which the frame has them, so that it does not
    depend on the order of rows. `count` adds how many rows each stands for (Int64). A row of nothing but nulls is
    a row like others; for keys that may be null, of which nothing is known, see `keep_newest`.

    Raises:
        TransformError: at definition, when a column is not there, or `count` is.

    >>> visits = pl.LazyFrame({"user": ["ann", "ann", None, None], "page": [1, 1, 2, 2]})
    >>> visits.pipe(drop_repeats, count="visits").sort("page").collect().rows()
    [('ann', 1, 2), (None, 2, 2)]
    """
    given = None if columns is None else names_of(columns)
    schema = require_columns(rows, "drop_repeats", given or [])
    require_new(schema, "drop_repeats", [count])
    if given == []:
        raise TransformError("drop_repeats: columns is empty; name at least one, or leave it out for all of them")
    same = given or schema.names()
    others = [name for name in schema if name not in same]
    counts = {} if count is None else {count: pl.len().over(same).cast(pl.Int64)}
    return _last_of_each(rows.with_columns(**counts), same, others)


def keep_newest(rows: pl.LazyFrame, *, key: str | Sequence[str], order: str | Sequence[str]) -> pl.LazyFrame:
    """Keep of each key the row that is last by the order columns, compared one after the other.

    One row per key; all rows whose key is null in any column, for it names nothing. Lazy, streaming; order is not kept.
    A null in an order column comes before everything, NaN after everything. Rows equal in all order columns are
    decided by all other columns, in the order in which the frame has them, by the same rule: every column must be of a
    type that can be sorted. The result so is the same whatever the order of rows, and by parts that do not cut a key.

    Raises:
        TransformError: at definition, when a column is not there, or no key or no order is given.

    >>> orders = pl.LazyFrame({"order": [1, 1, None], "version": [1, 2, 1], "state": ["new", "paid", "new"]})
    >>> orders.pipe(keep_newest, key="order", order="version").sort("order").collect().rows()
    [(None, 1, 'new'), (1, 2, 'paid')]
    """
    keys, first = names_of(key), names_of(order)
    schema = require_columns(rows, "keep_newest", [*keys, *first])
    for option, names in (("key", keys), ("order", first)):
        if not names:
            raise TransformError(f"keep_newest: {option} is empty; name at least one column")
    others = [name for name in schema if name not in {*keys, *first}]
    alone = f"{keys[0]}\0alone"
    unnamed = pl.when(pl.any_horizontal(pl.col(name).is_null() for name in keys)).then(alone)
    return _last_of_each(
        rows.with_row_index(alone).with_columns(unnamed.alias(alone)), [*keys, alone], [*first, *others]
    ).drop(alone)


def _last_of_each(rows: pl.LazyFrame, same: Sequence[str], order: Sequence[str]) -> pl.LazyFrame:
    """One row of those equal in some columns: the last by others. A sort spills to disk, a group of rows does not."""
    if not order:
        return rows.unique(same, keep="any")
    return rows.sort(order, descending=True, nulls_last=True).unique(same, keep="first", maintain_order=True)
