"""Casts between types that are no text: a value means the same afterwards, or it is not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.casts.kept import Cast, guarded, only_if
from framework.boundary.casts.zones import in_zone
from framework.errors import SchemaError

if TYPE_CHECKING:
    from framework.boundary.casts.reading import Reading

MAX_DIGITS = 38
FLOAT_DIGITS = 15


def between(raw: pl.Expr, typed: pl.Expr, source: pl.DataType, target: pl.DataType, reading: Reading) -> Cast:
    """Cast a column of one type to another.

    Raises:
        SchemaError: at planning, when values of the two types do not mean the same.
    """
    if target == pl.String and not source.is_nested():
        return guarded(raw, typed, _text(raw, source))
    if not are_related(source, target):
        raise SchemaError(f"there is no cast from {source} to {target} that keeps every value")
    if isinstance(target, pl.Datetime) and target.time_zone and reading.zone and _is_local(source):
        return _localised(raw, typed, source, target, reading)
    exact = number(raw, typed, source, target)
    if reading.rounding and source.is_numeric() and target.is_numeric():
        return _rounded(raw, typed, source, target, reading)
    if reading.cuts_times and source.is_temporal():
        return Cast(exact.value, guarded(raw, typed, exact.value).kept, ~exact.kept & typed.is_not_null())
    return exact


def number(raw: pl.Expr, typed: pl.Expr, source: pl.DataType, target: pl.DataType) -> Cast:
    """Cast and hold what comes out against what went in."""
    value = _fitting(raw, source, target).cast(target, strict=False)
    return Cast(value, only_if(raw, typed.cast(source, strict=False) == raw))


def are_related(source: pl.DataType, target: pl.DataType) -> bool:
    """Whether values of one type mean the same in the other; a number is no time, as it does not say its unit."""
    return any(
        fits(source) and fits(target)
        for fits in (
            lambda t: t.is_numeric(),
            lambda t: t == pl.Boolean or t.is_integer() or t.is_float(),
            lambda t: isinstance(t, pl.Date | pl.Datetime),
            lambda t: isinstance(t, pl.Duration),
        )
    )


def _text(raw: pl.Expr, source: pl.DataType) -> pl.Expr:
    # NOTE: the plain cast cuts times of day to the second, and there is none of durations (polars 2.1).
    if source == pl.Time:
        return raw.dt.to_string("%H:%M:%S%.f")
    return raw.dt.to_string("iso") if isinstance(source, pl.Duration) else raw.cast(pl.String, strict=False)


def _is_local(source: pl.DataType) -> bool:
    return source == pl.Date or (isinstance(source, pl.Datetime) and source.time_zone is None)


def _localised(raw: pl.Expr, typed: pl.Expr, source: pl.DataType, target: pl.Datetime, reading: Reading) -> Cast:
    """Moments of local times and dates: the zone is the declared one."""
    local = pl.Datetime(target.time_unit)
    exact = number(raw, number(raw, raw, source, local).value, source, local)
    zone, goal = str(reading.zone), str(target.time_zone)
    value = in_zone(
        exact.value if reading.cuts_times else pl.when(exact.kept).then(exact.value), zone, goal, reading.ambiguous
    )
    lost = ~exact.kept & typed.is_not_null() if reading.cuts_times else None
    return Cast(value, guarded(raw, typed, value).kept, lost)


def _rounded(raw: pl.Expr, typed: pl.Expr, source: pl.DataType, target: pl.DataType, reading: Reading) -> Cast:
    """Let go of digits for which there is no room, never of size: infinity and what overflows is not kept."""
    exact = number(raw, typed, source, target)
    if target.is_float():
        is_finite = typed.is_finite() | ~raw.is_finite() if source.is_float() else typed.is_finite()
        return Cast(exact.value, only_if(raw, is_finite), typed.is_not_null() & is_finite & ~exact.kept)
    scale = target.scale if isinstance(target, pl.Decimal) else 0
    shorter = raw
    if not source.is_integer():
        shorter = raw.round(scale, mode="half_away_from_zero") if reading.rounding == "round" else raw.truncate(scale)
    # 0.29 becomes 0.29, although cutting the float next to it would give 0.28.
    is_exact = number(raw, exact.value, source, target).kept
    value = pl.when(is_exact).then(exact.value).otherwise(_fitting(shorter, source, target).cast(target, strict=False))
    return Cast(value, guarded(raw, typed, value).kept, ~exact.kept & typed.is_not_null())


def _fitting(raw: pl.Expr, source: pl.DataType, target: pl.DataType) -> pl.Expr:
    """The values for which the cast does not raise.

    NOTE: a float with too many digits for a decimal raises even where the cast is not strict (polars 2.1).
    """
    if not (source.is_float() and isinstance(target, pl.Decimal)):
        return raw
    digits = target.precision or MAX_DIGITS
    largest = (10**digits - 1) / 10**target.scale
    return pl.when(raw.cast(pl.Float64).abs() <= largest * (1 - 2**-50 * (digits > FLOAT_DIGITS))).then(raw)
