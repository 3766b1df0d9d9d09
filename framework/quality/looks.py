"""The plans of a look at rows: totals over all of them, a sample, and the keys of a share of them. All stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.quality.kinds import Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

KEY = "_key_hash"
ROW = "_row"
LENGTH = "_length:"
SHOWN_TEXT = 64
"""Characters that a sample keeps of a text."""


def totals_of(
    rows: pl.LazyFrame, columns: Sequence[str], *, plain: Collection[str], known: Mapping[str, bool], exact: bool
) -> pl.LazyFrame:
    """Total the columns of rows: one row, columns `<what>:<column>`. Lazy, streaming.

    Args:
        rows: The rows.
        columns: The columns to total.
        plain: Those of whose values something may be kept.
        known: By column whose nulls are known already, whether its range is too: they are not computed again.
        exact: Count different values exactly, which holds them all.
    """
    schema = rows.collect_schema()
    totals = [pl.len().alias("len:")]
    for name in columns:
        found = dict(_totals(name, schema[name], is_plain=name in plain, exact=exact))
        for what in ("nulls",) if name in known else ():
            found.pop(what, None)
        for what in ("low", "high") if known.get(name) else ():
            found.pop(what, None)
        totals += [total.alias(f"{what}:{name}") for what, total in found.items()]
    return rows.select(totals)


def _totals(name: str, dtype: pl.DataType, *, is_plain: bool, exact: bool) -> Iterator[tuple[str, pl.Expr]]:
    value = pl.col(name)
    yield "nulls", value.null_count()
    kind = kind_of(dtype)
    if kind == "other":
        return
    yield "n_unique", value.n_unique() if exact else value.approx_n_unique()
    if dtype.is_float():
        yield "nans", value.is_nan().sum()
    if not is_plain:
        return
    yield "low", value.min()
    yield "high", value.max()
    if kind == "number":
        number = finite(value, dtype)
        yield "mean", number.mean()
        yield "std", number.std()


def finite(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A number as a float, null where it is not finite."""
    number = value.cast(pl.Float64)
    return pl.when(number.is_finite()).then(number) if dtype.is_float() else number


def sample_of(rows: pl.LazyFrame, kinds: Mapping[str, Kind], every: int) -> pl.LazyFrame:
    """Give one of so many rows, of some columns: numbers as floats, texts shortened, and their lengths.

    Which rows is decided by a hash of their position: every n-th would meet only some of values that come in turns.
    Adds `_row`. Lazy, streaming.
    """
    schema = rows.collect_schema()
    kept = [pl.col(ROW)]
    for name, kind in kinds.items():
        value = pl.col(name)
        if kind == "number":
            kept.append(finite(value, schema[name]).alias(name))
        elif kind == "text":
            text = value.cast(pl.String)
            kept += [text.str.slice(0, SHOWN_TEXT), text.str.len_chars().alias(f"{LENGTH}{name}")]
        elif kind != "other":
            kept.append(value)
    numbered = rows.with_row_index(ROW)
    return (numbered.filter(pl.col(ROW).hash(seed=0) % every == 0) if every > 1 else numbered).select(kept)


def key_sample(rows: pl.LazyFrame, key: Sequence[str], parts: int) -> pl.LazyFrame:
    """Hash the keys of rows, and keep those of one of so many parts of all keys: all rows of a key, or none.

    Lazy, streaming. One row per row with such a key.
    """
    if not key:
        return pl.LazyFrame(schema={KEY: pl.UInt64})
    return rows.select(pl.struct(key).hash(seed=0).alias(KEY)).filter(pl.col(KEY) % parts == 0)
