"""Polars types as JSON and back, and which types can hold every value of another, meaning the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

SIMPLE: dict[str, pl.DataType] = {
    str(kind()): kind()
    for kind in (
        pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.UInt128,
        pl.Float16, pl.Float32, pl.Float64, pl.String, pl.Binary, pl.Boolean, pl.Date, pl.Time, pl.Categorical,
    )
}  # fmt: skip
"""The types that are said by their name alone."""
FLOAT_BITS: dict[type[pl.DataType], int] = {pl.Float16: 11, pl.Float32: 24, pl.Float64: 53}
"""The whole numbers that a float holds exactly, in bits."""
FLOATS = tuple(FLOAT_BITS)
TEXTS = (pl.String, pl.Categorical, pl.Enum)
UNITS = ("ms", "us", "ns")
MAX_DIGITS = 38


class UnknownTypeError(ValueError):
    """A document names a type that is not known here."""


def encode(dtype: pl.DataType) -> Any:
    """Give a type as plain JSON.

    >>> encode(pl.List(pl.Decimal(10, 2)))
    {'list': {'decimal': [10, 2]}}

    Raises:
        UnknownTypeError: when it is none that a table can hold.
    """
    for kind, (word, write) in _WRITERS.items():
        if isinstance(dtype, kind):
            return {word: write(dtype)}
    if str(dtype) in SIMPLE:
        return str(dtype)
    raise UnknownTypeError(f"no table can hold the type {dtype}")


def decode(document: Any) -> pl.DataType:
    """Read what `encode` gave.

    >>> decode({"list": {"decimal": [10, 2]}})
    List(Decimal(precision=10, scale=2))

    Raises:
        UnknownTypeError: when it is nothing that `encode` gives.
    """
    if isinstance(document, str) and document in SIMPLE:
        return SIMPLE[document]
    try:
        ((kind, of),) = document.items()
        return _compound(kind, of)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnknownTypeError(f"type {document!r} is not known") from error


def _compound(kind: str, of: Any) -> pl.DataType:
    made: pl.DataType = _READERS[kind](of)
    return made


def _made(dtype: Any) -> pl.DataType:
    made: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    return made


_WRITERS: dict[type[pl.DataType], tuple[str, Callable[[Any], Any]]] = {
    pl.Decimal: ("decimal", lambda t: [t.precision or MAX_DIGITS, t.scale]),
    pl.Datetime: ("datetime", lambda t: [t.time_unit, t.time_zone]),
    pl.Duration: ("duration", lambda t: t.time_unit),
    pl.Enum: ("enum", lambda t: t.categories.to_list()),
    pl.List: ("list", lambda t: encode(_made(t.inner))),
    pl.Array: ("array", lambda t: [encode(_made(t.inner)), t.size]),
    pl.Struct: ("struct", lambda t: [[field.name, encode(_made(field.dtype))] for field in t.fields]),
}
_READERS: dict[str, Callable[[Any], pl.DataType]] = {
    "decimal": lambda of: pl.Decimal(*of),
    "datetime": lambda of: pl.Datetime(*of),
    "duration": pl.Duration,
    "enum": pl.Enum,
    "list": lambda of: pl.List(decode(of)),
    "array": lambda of: pl.Array(decode(of[0]), of[1]),
    "struct": lambda of: pl.Struct({name: decode(dtype) for name, dtype in of}),
}


def holds(wide: pl.DataType, narrow: pl.DataType) -> bool:
    """Whether one type holds every value of another, meaning the same.

    >>> holds(pl.Int64(), pl.Int32()), holds(pl.Int32(), pl.Int64()), holds(pl.Float64(), pl.Int64())
    (True, False, False)
    """
    if wide == narrow:
        return True
    if isinstance(wide, TEXTS):
        return _holds_texts(wide, narrow)
    if wide.is_numeric() and narrow.is_numeric():
        return _holds_numbers(wide, narrow)
    if isinstance(wide, pl.Datetime):
        return _holds_times(wide, narrow)
    return _holds_nested(wide, narrow)


def _holds_texts(wide: pl.DataType, narrow: pl.DataType) -> bool:
    if not isinstance(wide, pl.Enum):
        return isinstance(narrow, TEXTS)
    return isinstance(narrow, pl.Enum) and set(narrow.categories.to_list()) <= set(wide.categories.to_list())


def _holds_numbers(wide: pl.DataType, narrow: pl.DataType) -> bool:
    if isinstance(narrow, FLOATS):
        return isinstance(wide, FLOATS) and FLOAT_BITS[type(wide)] >= FLOAT_BITS[type(narrow)]
    if isinstance(narrow, pl.Decimal) and isinstance(wide, pl.Decimal):
        return wide.scale >= narrow.scale and _whole(wide) >= _whole(narrow)
    if isinstance(narrow, pl.Decimal) and (narrow.scale or isinstance(wide, FLOATS)):
        return False
    low, high = _limits(narrow)
    if isinstance(wide, FLOATS):
        return max(-low, high) <= 1 << FLOAT_BITS[type(wide)]
    if isinstance(wide, pl.Decimal):
        return len(str(max(-low, high))) <= _whole(wide)
    return _limits(wide)[0] <= low and high <= _limits(wide)[1]


def _whole(dtype: pl.Decimal) -> int:
    """The digits before the point."""
    return (dtype.precision or MAX_DIGITS) - dtype.scale


def _limits(dtype: pl.DataType) -> tuple[int, int]:
    """The least and the greatest whole number of a type."""
    if isinstance(dtype, pl.Decimal):
        most = 10 ** _whole(dtype) - 1
        return -most, most
    bits = int(str(dtype).lstrip("UInt"))
    return (0, 2**bits - 1) if dtype.is_unsigned_integer() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _holds_times(wide: pl.Datetime, narrow: pl.DataType) -> bool:
    """A date is the midnight that begins it, where no zone is said."""
    if isinstance(narrow, pl.Date):
        return wide.time_zone is None and wide.time_unit != "ns"  # nanoseconds end in 2262
    return (
        isinstance(narrow, pl.Datetime)
        and wide.time_zone == narrow.time_zone
        and _is_finer(wide.time_unit, narrow.time_unit)
    )


def _is_finer(wide: str, narrow: str) -> bool:
    """Whether a unit is as fine as another, and reaches as far: nanoseconds do not."""
    return wide == narrow or (wide != "ns" and UNITS.index(wide) >= UNITS.index(narrow))


def _holds_nested(wide: pl.DataType, narrow: pl.DataType) -> bool:
    """The rest: what is made of other types, and durations."""
    if isinstance(wide, pl.List) and isinstance(narrow, pl.List | pl.Array):
        return holds(_made(wide.inner), _made(narrow.inner))
    if isinstance(wide, pl.Array) and isinstance(narrow, pl.Array):
        return wide.size == narrow.size and holds(_made(wide.inner), _made(narrow.inner))
    if isinstance(wide, pl.Struct) and isinstance(narrow, pl.Struct):
        old = {field.name: _made(field.dtype) for field in narrow.fields}
        new = {field.name: _made(field.dtype) for field in wide.fields}
        return list(old) == list(new) and all(holds(new[name], old[name]) for name in old)
    if isinstance(wide, pl.Duration) and isinstance(narrow, pl.Duration):
        return _is_finer(wide.time_unit, narrow.time_unit)
    return False
