"""Panes: partial sums of short steps, without holes, from which windows of any length are put together.

Each window is got from running sums (or from a rolling minimum) over panes, so that its cost does not grow with the
number of panes in it: "no pane, no gain" (Li, Maier, Tufte, Papadimos and Tucker, SIGMOD Record 34(1), 2005).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PANE = "__pane"
"""The number of a pane: steps since 1970. Gone again in every result."""
FIRST = "__first"


def dense_panes(placed: pl.LazyFrame, keys: Sequence[str], partials: Mapping[str, pl.Expr]) -> pl.LazyFrame:
    """Sum up rows that carry a pane's number. One row per key and pane from its first to its last, sorted by both.

    In a pane without rows all partials are null. Rows without a pane are one row of their own per key, sorted before
    the key's others.
    """
    summed = placed.group_by(*keys, PANE).agg(**partials).sort(*keys, PANE)
    pane, following = pl.col(PANE), pl.col(PANE).shift(-1)
    is_last = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(-1)) for name in keys)
    until = pl.when(is_last).then(pane + 1).otherwise(following).fill_null(pane + 1)
    spread = summed.with_columns(pl.int_ranges(pane, until).alias(PANE), pane.alias(FIRST))
    # A missing pane's range is null, which is kept as one row.
    whole = spread.explode(PANE, keep_nulls=True)
    is_own = pl.col(PANE).eq_missing(pl.col(FIRST))
    return whole.with_columns(pl.when(is_own).then(pl.col(name)).alias(name) for name in partials).drop(FIRST)


def over_panes(keys: Sequence[str], value: pl.Expr) -> pl.Expr:
    """Compute over the panes of each key, those without a number apart."""
    return value.over([*keys, pl.col(PANE).is_null()])


def rolled_sum(dtype: pl.DataType, name: str, length: int, keys: Sequence[str]) -> pl.Expr:
    """Sum a column of partial sums over the last panes; 0 where there is none. Exact unless they are floats."""
    value = pl.col(name).fill_null(0)
    if dtype.is_float():
        # A difference of running sums would keep what is lost to rounding, and a NaN for ever.
        return over_panes(keys, value.rolling_sum(length, min_samples=1))
    running = value.cum_sum()
    return over_panes(keys, running - running.shift(length).fill_null(0))


def rolled_extreme(dtype: pl.DataType, name: str, length: int, keys: Sequence[str], how: str) -> pl.Expr:
    """Give the least (`min`) or greatest (`max`) of the last panes, from a column of partial ones; null without any."""
    value = pl.col(name)
    number = value if dtype.is_float() else value.to_physical().cast(pl.Int64)
    rolled = number.rolling_min(length, min_samples=1) if how == "min" else number.rolling_max(length, min_samples=1)
    found = over_panes(keys, rolled)
    if isinstance(dtype, pl.Decimal):
        # Polars rolls no decimals (2.1): their digits are rolled as an integer, and divided again without a rest.
        amount: pl.Expr = found.cast(pl.Decimal(38, dtype.scale)) / 10**dtype.scale
        return amount.cast(dtype)
    return found.cast(dtype)
