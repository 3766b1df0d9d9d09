"""Quantiles of values that may not fit into memory: found by counting, in a few passes over values set aside.

Polars (2.1) holds and sorts all values for a quantile, also in the streaming engine. Here each pass counts the values
that fall into some ten thousand equal ranges and goes on with the one that holds the quantile, as a radix select does;
four passes find a place among 64-bit numbers exactly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    from polars._typing import QuantileMethod

    Ask = Callable[[pl.LazyFrame], pl.DataFrame]
    """Runs a plan, streaming."""

VALUE = "value"
KEY = "key"
RANGE = "range"
HELD = 2_000_000
"""Up to so many values Polars is asked itself."""
RANGES = 2**15
FLOATS = {pl.Float64: (pl.Int64, 2**63 - 1), pl.Float32: (pl.Int32, 2**31 - 1), pl.Float16: (pl.Int16, 2**15 - 1)}


def quantile_of(values: pl.LazyFrame, probability: float, method: QuantileMethod, ask: Ask) -> pl.Series:
    """Give a quantile as Polars defines it, in memory that does not grow with the number of values.

    Args:
        values: One column, `VALUE`; nulls do not count. It is read several times.
        probability: From 0 to 1.
        method: How to choose between two values.
        ask: Runs a plan.

    Returns:
        One value, null where there are no values, in the type that Polars gives.
    """
    dtype = values.collect_schema()[VALUE]
    count, nulls = ask(values.select(pl.col(VALUE).count().alias("count"), pl.col(VALUE).null_count())).row(0)
    if count == 0:  # NOTE: Polars panics at a quantile of no dates (polars 2.1)
        return pl.Series([None], dtype=_type_of_answer(dtype))
    if count + nulls <= HELD or not _has_key(dtype):
        return _answer(ask(values), probability, method)
    known = values.drop_nulls()
    if method == "equiprobable":
        place = max(math.ceil(count * probability) - 1, 0)
        return _answer(_neighbours(known, dtype, place, ask).head(1), 0.0, "nearest")
    # Polars counts places from the nulls on, and rounds there.
    exact = (count - 1) * probability + nulls
    place = math.floor(exact)
    return _answer(_neighbours(known, dtype, place - nulls, ask), exact - place, method)


def _answer(values: pl.DataFrame, probability: float, method: QuantileMethod) -> pl.Series:
    return values.select(pl.col(VALUE).quantile(probability, method)).to_series()


def _type_of_answer(dtype: pl.DataType) -> pl.DataType:
    values = pl.LazyFrame(schema={VALUE: dtype})
    return values.select(pl.col(VALUE).quantile(0.5)).collect_schema()[VALUE]


def _neighbours(values: pl.LazyFrame, dtype: pl.DataType, place: int, ask: Ask) -> pl.DataFrame:
    """The value at a place (from 0) of the sorted values, and the one at the next place; it alone where it is last."""
    keyed = values.with_columns(_key(dtype).alias(KEY))
    at, is_next_equal = _key_at(keyed.select(KEY), place, ask)
    key = pl.lit(at, dtype=keyed.collect_schema()[KEY])
    # Values of one key are equal, so any will do. `min` leaves NaN out, which comes last, where there is another.
    first = keyed.filter(pl.col(KEY) == key).select(pl.col(VALUE).min())
    second = first if is_next_equal else keyed.filter(pl.col(KEY) > key).select(pl.col(VALUE).min())
    return ask(pl.concat([first, second])).drop_nulls()


def _key_at(keys: pl.LazyFrame, place: int, ask: Ask) -> tuple[int, bool]:
    """The key at a place of the sorted keys, and whether the next one is the same."""
    own = pl.col(KEY)
    dtype = keys.collect_schema()[KEY]
    low, high = ask(keys.select(own.min().alias("low"), own.max().alias("high"))).row(0)
    before = 0
    while True:
        width = 1
        while high // width - low // width >= RANGES:
            width *= 2
        inside = keys.filter(own.is_between(pl.lit(low, dtype=dtype), pl.lit(high, dtype=dtype)))
        counted = inside.group_by((own // pl.lit(width, dtype=dtype)).alias(RANGE)).len()
        found = ask(counted).sort(RANGE).with_columns(pl.col("len").cast(pl.Int64).cum_sum().alias("upto"))
        at, size, upto = found.filter(pl.col("upto") + before > place).row(0)
        if width == 1:
            return at, before + upto > place + 1
        before += upto - size
        low, high = max(low, at * width), min(high, at * width + width - 1)


def _has_key(dtype: pl.DataType) -> bool:
    if dtype == pl.UInt128:  # NOTE: no literal holds its larger half (polars 2.1)
        return False
    return dtype.is_integer() or dtype.is_decimal() or dtype.is_temporal() or dtype.is_float()


def _key(dtype: pl.DataType) -> pl.Expr:
    """Whole numbers in the order of the values: those behind times and decimals, the bits of floats."""
    value = pl.col(VALUE)
    if not dtype.is_float():
        return value.to_physical()
    whole, most = next(found for known, found in FLOATS.items() if dtype == known)
    # There are many NaN, negative ones among them; Polars has one, above all numbers.
    bits = pl.when(value.is_nan()).then(pl.lit(float("nan"), dtype=dtype)).otherwise(value).reinterpret(dtype=whole)
    return pl.when(bits < 0).then(bits ^ pl.lit(most, dtype=whole)).otherwise(bits)
