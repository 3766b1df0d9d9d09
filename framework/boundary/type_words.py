"""Say in plain words what a column's values must look like, and what an allowed loss did to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.casts.text_words import words_of

if TYPE_CHECKING:
    from framework.boundary.casts.reading import Reading
    from framework.boundary.contract import ColumnSpec

EXAMPLE = datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)
SHOWN = 5
WIDE = (pl.Int64, pl.Int128, pl.UInt64, pl.UInt128)


def type_words(spec: ColumnSpec) -> str:
    """Say in plain words what a column's values must look like."""
    words = _words(spec.dtype, spec.reading, spec.formats)
    return f"{words}, not NaN" if spec.reading.nan == "refuse" and spec.dtype.is_float() else words


def _words(dtype: pl.DataType, reading: Reading, formats: tuple[str, ...]) -> str:
    if isinstance(dtype, pl.Date | pl.Datetime | pl.Time | pl.Duration):
        return _time_words(dtype, reading, formats)
    if dtype.is_numeric():
        return _number_words(dtype, reading)
    if dtype == pl.Boolean and (reading.true_words or reading.false_words):
        true, false = words_of(reading)
        return f"must be one of {', '.join([*true, *false])}"
    if isinstance(dtype, pl.Enum):
        return f"must be one of {_some(dtype.categories.to_list())}"
    if dtype == pl.Binary and reading.encoding:
        return f"must be bytes in {reading.encoding}"
    return f"must be of type {dtype}"


def _time_words(dtype: pl.DataType, reading: Reading, formats: tuple[str, ...]) -> str:
    if reading.time_unit:
        return f"must be a number of {reading.time_unit}" + ("" if dtype == pl.Duration else " since 1970-01-01")
    if isinstance(dtype, pl.Duration):
        return "must be a duration like P1DT2H30M or 26:30:00"
    if dtype == pl.Time:
        return f"must be a time of day like {EXAMPLE.strftime(formats[0] if formats else '%H:%M:%S')}"
    if dtype == pl.Date:
        return f"must be a date like {EXAMPLE.strftime(formats[0] if formats else '%Y-%m-%d')}"
    words = f"must be a time like {EXAMPLE.strftime(formats[0] if formats else '%Y-%m-%d %H:%M:%S')}"
    return f"{words} that the clocks of {reading.zone} show once" if reading.zone else words


def _number_words(dtype: pl.DataType, reading: Reading) -> str:
    if isinstance(dtype, pl.Decimal):
        words = _decimal_words(dtype)
    elif dtype.is_integer():
        words = f"must be a whole number{_limits(dtype)}"
    else:
        words = f"must be of type {dtype}"
    comma = "," if reading.decimal_comma else "."
    mark = reading.thousands[0] if reading.thousands else ""
    if reading.decimal_comma or reading.thousands:
        words += f", written like 1{mark}234" + ("" if dtype.is_integer() else f"{comma}5")
    if reading.currency:
        words += f", in {' or '.join(reading.currency)}"
    units = [unit for unit, _ in reading.units if unit]
    return f"{words}, in {' or '.join(units)}" if units else words


def _decimal_words(dtype: pl.Decimal) -> str:
    before = f"at most {dtype.precision - dtype.scale} digits"
    return (
        f"must be a number with {before} before the point and {dtype.scale} after it"
        if dtype.scale
        else (f"must be a whole number with {before}")
    )


def _limits(dtype: pl.DataType) -> str:
    """The range of a type that is narrower than the usual one."""
    if dtype in WIDE:
        return "" if dtype.is_signed_integer() else ", 0 or more"
    least, most = pl.select(least=dtype.min(), most=dtype.max()).row(0)  # type: ignore[attr-defined] # integers have them
    return f" from {least:,} to {most:,}"


def loss_words(spec: ColumnSpec) -> str:
    """Say what became of values that an allowed loss changed."""
    done = {"round": "rounded", "truncate": "cut off", "drop_surplus": "dropped what is surplus"}
    return f"{' or '.join(done[loss] for loss in spec.reading.lossy)} to fit {spec.dtype}"


def _some(words: list[str]) -> str:
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more
