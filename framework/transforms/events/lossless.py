"""Which types hold every value of another: the only casts that a mapping makes on its own."""

from __future__ import annotations

import polars as pl

UNIT_ORDER = ("ms", "us", "ns")


def why_lossy(given: pl.DataType, wanted: pl.DataType) -> str | None:
    """Say what to do where a cast could lose or invent something; None when every value of `given` fits `wanted`.

    >>> why_lossy(pl.Int32(), pl.Int64()) is None
    True
    >>> why_lossy(pl.Datetime("us"), pl.Datetime("us", "UTC"))
    'say which zone the times are in with dt.replace_time_zone'
    """
    if given == wanted or isinstance(given, pl.Null) or _fits(given, wanted):
        return None
    if isinstance(given, pl.Datetime) and isinstance(wanted, pl.Datetime):
        if given.time_zone is None and wanted.time_zone is not None:
            return "say which zone the times are in with dt.replace_time_zone"
        if given.time_zone is not None and wanted.time_zone is None:
            return "say whose wall clock is meant with dt.convert_time_zone and dt.replace_time_zone(None)"
    if isinstance(given, pl.String) and wanted.is_temporal():
        return "read it with str.to_datetime or str.to_date and a format"
    return "convert it in an expression, where the loss is yours to decide"


def _fits(given: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether every value of one type has an equal one in another of its kind."""
    if given.is_integer():
        return _integer_fits(given, wanted)
    if isinstance(given, pl.Decimal) and isinstance(wanted, pl.Decimal):
        return wanted.scale >= given.scale and _whole_digits(wanted) >= _whole_digits(given)
    if isinstance(given, pl.Float32):
        return isinstance(wanted, pl.Float64)
    if isinstance(given, pl.Datetime) and isinstance(wanted, pl.Datetime):
        return (given.time_zone is None) == (wanted.time_zone is None) and _unit_fits(given.time_unit, wanted.time_unit)
    if isinstance(given, pl.Duration) and isinstance(wanted, pl.Duration):
        return _unit_fits(given.time_unit, wanted.time_unit)
    return isinstance(given, (pl.Categorical, pl.Enum)) and isinstance(wanted, pl.String)


def _integer_fits(given: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether an integer type's whole range is held exactly."""
    lowest, highest = _range(given)
    if wanted.is_integer():
        return _range(wanted)[0] <= lowest and highest <= _range(wanted)[1]
    if isinstance(wanted, pl.Decimal):
        return len(str(highest)) <= _whole_digits(wanted)
    # Floats hold integers exactly up to the width of their fraction.
    bits = 53 if isinstance(wanted, pl.Float64) else 24 if isinstance(wanted, pl.Float32) else 0
    return highest < 1 << bits


def _range(dtype: pl.DataType) -> tuple[int, int]:
    """The least and the greatest value of an integer type."""
    bits = int(str(dtype).lstrip("UInt"))
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dtype.is_signed_integer() else (0, 2**bits - 1)


def _whole_digits(dtype: pl.Decimal) -> int:
    """Digits before the point."""
    return (dtype.precision or 38) - dtype.scale


def _unit_fits(given: str, wanted: str) -> bool:
    """Whether a unit of time is fine enough; nanoseconds end in the year 2262, so nothing coarser fits them."""
    finer = UNIT_ORDER.index(given) <= UNIT_ORDER.index(wanted)
    return given == wanted or (finer and wanted != "ns")
