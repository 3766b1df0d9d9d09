"""Hashes that mean the same in every version, process and partition: what samples, splits and hashed features rest on.

XXH64 (Y. Collet, https://xxhash.com) of a value's text form. Polars' own `hash` may change with any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import names_of, require_absent, require_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

NULL = "\0"
"""Stands for null, which so has a hash of its own."""
TEXTUAL = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date)
FRACTION_BITS = 53
"""As many bits as a float holds exactly."""


def with_hash(rows: pl.LazyFrame, columns: str | Sequence[str], *, into: str, seed: int = 0) -> pl.LazyFrame:
    """Add a stable 64-bit hash (UInt64) of one or several columns. One row per row given, in the same order.

    Lazy, streaming. Equal values have equal hashes whatever the width of their integers; null has a hash of its own.
    Text, integers, booleans, dates, times (to the microsecond) and decimals (with their scale) can be hashed. Adds
    `into`.

    Raises:
        TransformError: at definition, when a column is not there or of a type without a stable text form (floats).

    >>> users = pl.LazyFrame({"user": ["ann", None]})
    >>> users.pipe(with_hash, "user", into="hash").collect()["hash"].to_list()
    [811139115053772478, 16804241149081757544]
    """
    names = names_of(columns)
    schema = require_columns(rows, "with_hash", names)
    require_absent(schema, "with_hash", [into])
    return rows.with_columns(stable_hash(schema, names, seed=seed).alias(into))


def stable_hash(schema: pl.Schema, columns: Sequence[str], *, seed: int = 0, where: str = "with_hash") -> pl.Expr:
    """Give the hash of columns as an expression (UInt64, never null).

    Several columns are hashed as one text in which each value stands with its length, so that no two rows of different
    values give the same text.

    Raises:
        TransformError: at definition, when a column's type has no stable text form, or the seed is negative.
    """
    import polars_hash  # noqa: F401 - registers the namespace

    if seed < 0:
        raise TransformError(f"{where}: seed={seed} must not be negative")
    texts = [_text(pl.col(name), schema[name], name, where) for name in columns]
    if len(texts) == 1:
        whole = texts[0].fill_null(NULL)
    else:
        sized = [pl.concat_str(text.str.len_bytes(), pl.lit(":"), text).fill_null(NULL) for text in texts]
        whole = pl.concat_str(sized)
    hashed: pl.Expr = whole.nchash.xxhash64(seed=seed)  # type: ignore[attr-defined]
    return hashed


def hash_fraction(schema: pl.Schema, columns: Sequence[str], *, seed: int = 0, where: str = "with_hash") -> pl.Expr:
    """Give the hash of columns as a number from 0 to below 1, evenly spread: what a sample of a fraction compares."""
    hashed = stable_hash(schema, columns, seed=seed, where=where)
    fraction: pl.Expr = (hashed // 2 ** (64 - FRACTION_BITS)).cast(pl.Float64) / 2**FRACTION_BITS
    return fraction


def _text(value: pl.Expr, dtype: pl.DataType, name: str, where: str) -> pl.Expr:
    """The stable text form of a value."""
    if isinstance(dtype, pl.Datetime):
        return value.dt.epoch("us").cast(pl.String)
    if isinstance(dtype, TEXTUAL) or dtype.is_integer() or dtype.is_decimal():
        return value.cast(pl.String)
    what = "round it to an integer or a decimal first" if dtype.is_float() else "hash its parts"
    raise TransformError(f"{where}: column '{name}' is {dtype}, which has no stable text form; {what}")
