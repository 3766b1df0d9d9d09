"""Split values into shares that sum up to them exactly: by row as expressions, and over few receivers in Python."""

from __future__ import annotations

from decimal import Decimal
from math import floor
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

MOST_DIGITS = 38
"""As many as a Decimal of Polars holds."""


def is_value(dtype: pl.DataType) -> bool:
    """Whether a column of this type can be split: decimals, integers and floats."""
    return dtype.is_numeric()


def value_type(dtype: pl.DataType) -> pl.DataType:
    """The type of a part of a value: that of the value, but Int64 for the integers that Delta cannot hold or sum."""
    return pl.Int64() if dtype.is_integer() else dtype


def share_between(value: pl.Expr, dtype: pl.DataType, before: pl.Expr, upto: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Give the part of a value that lies between two fractions of it, `before / whole` and `upto / whole`.

    The fractions' parts are integers. Parts that follow one another without gaps, from 0 to the whole, sum up to the
    value: exactly for decimals and integers, of which each bound is rounded to the value's unit (half away from zero);
    to the last bits for floats.
    """
    if dtype.is_float():
        return value * (upto / whole) - value * (before / whole)
    exact = value.to_physical().cast(pl.Int128)
    units = _rounded(exact, upto, whole) - _rounded(exact, before, whole)
    return of_units(units, dtype).cast(value_type(dtype))


def _rounded(units: pl.Expr, part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """The units times part / whole, rounded half away from zero; steps that do not overflow for any decimal."""
    size = units.abs()
    rest = (size % whole) * part.cast(pl.Int128)
    return units.sign() * ((size // whole) * part + (2 * rest + whole) // (2 * whole.cast(pl.Int128)))


def _scale(dtype: pl.DataType) -> int:
    return int(getattr(dtype, "scale", 0))


def units_of(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Give values as whole numbers of their unit, wide enough for their sums; floats as they are."""
    return value.cast(pl.Float64) if dtype.is_float() else value.to_physical().cast(pl.Int128)


def of_units(units: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Turn units back into values of a type, in which a sum of many values has room."""
    if dtype.is_float():
        return units
    if not dtype.is_decimal():
        return units.cast(pl.Int64)
    return units * pl.lit(Decimal(1).scaleb(-_scale(dtype)), dtype=pl.Decimal(MOST_DIGITS, _scale(dtype)))


def units_type(dtype: pl.DataType) -> pl.DataType:
    """The type of units of a type's values."""
    return pl.Float64() if dtype.is_float() else pl.Int128()


def round_together(shares: Sequence[Fraction]) -> list[int]:
    """Round shares of a whole number so that they still sum up to it: the largest remainders take the units left over.

    Of equal remainders, the earlier takes it. (The method of Hamilton, or Hare-Niemeyer.)

    >>> from fractions import Fraction
    >>> round_together([Fraction(100, 3)] * 3)
    [34, 33, 33]
    """
    rounded = [floor(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda n: (rounded[n] - shares[n], n))
    for n in by_remainder[: int(sum(shares)) - sum(rounded)]:
        rounded[n] += 1
    return rounded
