"""Numbers times an exact factor: units that are converted, counts that become times."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.boundary.casts.kept import Cast

MAX_DIGITS = 38
WIDEST = 2**127 - 1


def scaled(
    given: pl.Expr,
    source: pl.DataType,
    target: pl.DataType,
    factor: Fraction,
    read: Callable[[pl.Expr, pl.Expr, pl.DataType], Cast],
) -> pl.Expr:
    """Give numbers times a factor in the target type; null where that would not be exact (floats: the nearest).

    `read` casts what is given to a number type under its guard.
    """
    if factor == 1 and not target.is_integer():  # "7.0" is a whole number, but not for Polars
        done = read(given, read(given, given, target).value, target)
        return pl.when(done.kept).then(done.value)
    if target.is_float():
        done = read(given, read(given, given, target).value, target)
        return pl.when(done.kept).then(done.value) * factor.numerator / factor.denominator
    return _exactly(given, source, target, factor, read)


def _exactly(
    given: pl.Expr,
    source: pl.DataType,
    target: pl.DataType,
    factor: Fraction,
    read: Callable[[pl.Expr, pl.Expr, pl.DataType], Cast],
) -> pl.Expr:
    scale = target.scale if isinstance(target, pl.Decimal) else 0
    digits = (target.precision or MAX_DIGITS) if isinstance(target, pl.Decimal) else MAX_DIGITS
    places = 0 if source.is_integer() else min(scale + absorbed(factor.numerator), MAX_DIGITS - 1)
    room = pl.Decimal(MAX_DIGITS, places)
    done = read(given, read(given, given, room).value, room)
    whole = pl.when(done.kept).then(done.value).to_physical()
    ratio = factor * Fraction(10**scale, 10**places)
    largest = min(10**digits - 1, WIDEST) // ratio.numerator
    times, rest = whole // _wide(ratio.denominator), whole % _wide(ratio.denominator)
    fits = (rest == 0) & times.is_between(_wide(-largest), _wide(largest))
    units = pl.when(fits).then(times) * _wide(ratio.numerator)
    if not isinstance(target, pl.Decimal):
        return units.cast(target, strict=False)
    # NOTE: a decimal times a decimal keeps the larger scale (polars 2.1): so the point moves without a cast.
    point = pl.lit(1, dtype=pl.Int128).cast(pl.Decimal(MAX_DIGITS, 0))
    if scale:
        point = pl.lit("0." + "1".zfill(scale)).cast(pl.Decimal(MAX_DIGITS, scale))
    return (units.cast(pl.Decimal(MAX_DIGITS, 0), strict=False) * point).cast(target, strict=False)


def absorbed(numerator: int) -> int:
    """How many decimal places a whole factor can turn into whole numbers.

    >>> absorbed(1000), absorbed(60), absorbed(7)
    (3, 2, 0)
    """
    twos = (numerator & -numerator).bit_length() - 1
    fives = 0
    while numerator % 5 == 0:
        numerator, fives = numerator // 5, fives + 1
    return max(twos, fives)


def _wide(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.Int128)
