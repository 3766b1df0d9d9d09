"""Categories as numbers, without learning anything from the rows: one column each, or hashed into a fixed number."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_absent, require_columns, require_some, require_type
from framework.transforms.hashing import stable_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_COLUMNS = 4096
"""A row of so many columns is still read and written with ease; a plan of many more is not even built with ease."""
OTHER = "other"


def one_hot(
    rows: pl.LazyFrame, column: str, categories: Sequence[str | int | bool], *, other: bool = False, prefix: str = ""
) -> pl.LazyFrame:
    """Add a column of 0 and 1 (Int8) for each declared category. One row per row given, in the same order.

    The categories are declared, not found: so the columns are the same for every batch of rows, and what comes up later
    changes no model's input. A value that is none of them is 0 in all, or 1 in `{prefix}_other` where `other` asks for
    it. Null is 0 in all of them, `other` too. Lazy, streaming, row by row. Adds `{prefix}_{category}`, the prefix being
    the column's name unless given.

    Raises:
        TransformError: at definition, when there is no such column, its type is none of text, integers and booleans,
            categories repeat, or a column would be written over.

    >>> visits = pl.LazyFrame({"device": ["phone", "tv", None]})
    >>> visits.pipe(one_hot, "device", ["phone", "desktop"], other=True).drop("device").collect().rows()
    [(1, 0, 0), (0, 0, 1), (0, 0, 0)]
    """
    schema = require_columns(rows, "one_hot", [column])
    value = category_of(schema, "one_hot", column)
    texts = [str(known).lower() if isinstance(known, bool) else str(known) for known in categories]
    flags = {text: value.eq(text) for text in texts}
    if other:
        flags[OTHER] = value.is_in(texts).not_()
    if len(flags) != len(texts) + other:
        raise TransformError(f"one_hot: categories={list(categories)} name a column twice; give each of them once")
    names = {text: f"{prefix or column}_{text}" for text in flags}
    require_absent(schema, "one_hot", names.values())
    return rows.with_columns(flag.fill_null(value=False).cast(pl.Int8).alias(names[k]) for k, flag in flags.items())


def hash_features(
    rows: pl.LazyFrame, columns: str | Sequence[str], *, size: int, into: str = "hashed", seed: int = 0
) -> pl.LazyFrame:
    """Add `size` numbers that stand for all values of the columns together. One row per row given, in the same order.

    The signed hashing trick: each value, with its column's name, adds 1 or -1 to one of the numbers; its hash decides
    both. So no list of categories is kept, new ones need no care, and since collisions have random signs the inner
    products of rows stay right on average (K. Weinberger et al., Feature Hashing for Large Scale Multitask Learning,
    2009). The same in every version, process and table. Null adds nothing. Each text is one value: it is not cut into
    words. Lazy, streaming, row by row; the work is rows x columns x size. Adds `{into}_0` and so on (Int64).

    Raises:
        TransformError: at definition, when a column is not there or cannot be hashed (floats), would be written over,
            or size is not from 1 to 4096.

    >>> visits = pl.LazyFrame({"device": ["phone", "tv"], "page": ["/", "/"]})
    >>> visits.pipe(hash_features, ["device", "page"], size=4).drop("device", "page").collect().rows()
    [(0, -1, 0, 1), (0, 0, 0, 2)]
    """
    names = require_some("hash_features", "columns", columns)
    if not 1 <= size <= MOST_COLUMNS:
        raise TransformError(f"hash_features: size={size} must be from 1 to {MOST_COLUMNS}")
    schema = require_columns(rows, "hash_features", names)
    added = [f"{into}_{number}" for number in range(size)]
    places = {f"__{into}_place_of_{name}": _place(schema, name, size, seed) for name in names}
    require_absent(schema, "hash_features", [*added, *places])
    numbers = [
        pl.sum_horizontal(_sign_at(place, number) for place in places).cast(pl.Int64).alias(name)
        for number, name in enumerate(added, start=1)
    ]
    return rows.with_columns(**places).with_columns(numbers).drop(places)


def category_of(schema: pl.Schema, where: str, column: str) -> pl.Expr:
    """Give a column of text, integers or booleans as text, so that all categories compare alike.

    Raises:
        TransformError: at definition, when it is of another type: floats, say, which are rarely equal.
    """
    expected = "text, integers or booleans; bucketize numbers first"
    textual = (pl.String, pl.Categorical, pl.Enum, pl.Boolean)
    require_type(schema, where, column, lambda dtype: isinstance(dtype, textual) or dtype.is_integer(), expected)
    return pl.col(column).cast(pl.String)


def _place(schema: pl.Schema, name: str, size: int, seed: int) -> pl.Expr:
    """The place of a value, from 1 to size, negative where it subtracts; the hash's upper bit is its sign."""
    of_name = int.from_bytes(blake2b(name.encode(), digest_size=8).digest())
    hashed = stable_hash(schema, [name], seed=(seed + of_name) % 2**64, where="hash_features")
    place = (hashed % 2**63 % size).cast(pl.Int64) + 1
    return pl.when(pl.col(name).is_not_null()).then(pl.when(hashed >= 2**63).then(place).otherwise(-place))


def _sign_at(place: str, number: int) -> pl.Expr:
    """1 or -1 where a value has this place, else 0."""
    return (pl.col(place) == number).cast(pl.Int8) - (pl.col(place) == -number).cast(pl.Int8)
