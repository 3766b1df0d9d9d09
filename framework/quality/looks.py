"""What a look at a batch of rows takes from it: totals, hashes of values, and what a sample keeps of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from framework.quality.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

LENGTH = "_length:"
SHOWN_TEXT = 64
"""Characters that a sample keeps of a text."""
ODD = 0x9E3779B97F4A7C15


def totals_of(
    rows: pl.DataFrame, columns: Sequence[str], plain: Collection[str], ranges: Mapping[str, tuple[Any, Any]]
) -> pl.DataFrame:
    """Total the columns of a batch: one row, columns `<what>:<column>`.

    Args:
        rows: The batch.
        columns: The columns to total.
        plain: Those of whose values something may be kept.
        ranges: The least and greatest values that are known already: they are not computed again.
    """
    totals = [pl.len().alias("len:")]
    for name in columns:
        found = dict(_totals(name, rows.schema[name], is_plain=name in plain))
        if name in ranges and "low" in found:
            found |= {w: pl.lit(v, rows.schema[name]) for w, v in zip(("low", "high"), ranges[name], strict=True)}
        totals += [total.alias(f"{what}:{name}") for what, total in found.items()]
    return rows.select(totals)


def _totals(name: str, dtype: pl.DataType, *, is_plain: bool) -> Iterator[tuple[str, pl.Expr]]:
    value = pl.col(name)
    yield "nulls", value.null_count().cast(pl.Int64)
    kind = kind_of(dtype)
    if kind == "other":
        return
    if dtype.is_float():
        yield "nans", value.is_nan().sum().cast(pl.Int64)
    if not is_plain:
        return
    yield "low", value.min()
    yield "high", value.max()
    if kind == "number":
        number = finite(value, dtype)
        yield "n", number.count().cast(pl.Int64)
        yield "mean", number.mean()
        yield "square", number.var(ddof=0) * number.count()


def totals_together(totals: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Put the totals of batches together: again one row of the same columns.

    `square` is the sum of the squared distances from the mean (T. Chan, G. Golub and R. LeVeque, 1979).
    """
    every = pl.concat(totals)
    found = []
    for column in every.columns:
        what, name = column.split(":", 1)
        value, n, mean = pl.col(column), pl.col(f"n:{name}"), pl.col(f"mean:{name}")
        together = {"low": value.min, "high": value.max}.get(what, value.sum)()
        if what in {"mean", "square"}:
            middle = (n * mean).sum() / n.sum()
            together = middle.fill_nan(None) if what == "mean" else value.sum() + (n * (mean - middle) ** 2).sum()
        found.append(together.alias(column))
    return every.select(found)


def finite(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A number as a float, null where it is not finite."""
    number = value.cast(pl.Float64)
    return pl.when(number.is_finite()).then(number) if dtype.is_float() else number


def hash_of(values: pl.Series) -> pl.Series:
    """Hash the values of a column: equal ones alike, 64 bits each."""
    is_coded = isinstance(values.dtype, (pl.Categorical, pl.Enum))
    return (values.cast(pl.String) if is_coded else values).hash(seed=0)


def hashed_together(hashes: Sequence[pl.Series]) -> pl.Series:
    """Hash the hashes of several columns, row by row."""
    first, *others = hashes
    for other in others:
        first = (first * ODD + other).hash(seed=0)
    return first


def kept_of(schema: pl.Schema, columns: Sequence[str]) -> list[pl.Expr]:
    """What a sample keeps of rows: numbers as floats, texts shortened and their lengths, flags and times."""
    kept = []
    for name in columns:
        kind, value = kind_of(schema[name]), pl.col(name)
        if kind == "number":
            kept.append(finite(value, schema[name]).alias(name))
        elif kind == "text":
            text = value.cast(pl.String)
            kept += [text.str.slice(0, SHOWN_TEXT), text.str.len_chars().alias(f"{LENGTH}{name}")]
        elif kind != "other":
            kept.append(value)
    return kept
