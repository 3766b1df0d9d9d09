"""Values of checks and defaults: what stands in YAML, read in the type of the column.

Whole numbers stay whole numbers in columns of decimals and floats, as they do in Python. A value that is of another
type than its column says so: `{value: 0.5, as: float}`.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import TypeAdapter, ValidationError

from framework.boundary.casts.nested import as_type
from framework.boundary.yaml_schema.types import write_type
from framework.core.yaml_document import Mapping, Scalar, Sequence
from framework.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from framework.core.yaml_document import Node

FINEST = 6
"""Digits of a second that a time of Python can have."""
_DURATION = TypeAdapter(timedelta)


def read_value(node: Node, dtype: pl.DataType | None) -> Any:
    """Give the value that a node stands for in a type; without one, what it looks like.

    Raises:
        SchemaError: when it is none of the type.
    """
    if isinstance(node, Scalar) and node.value is None:
        return None
    if dtype is None:
        return _untyped(node)
    if isinstance(dtype, pl.List | pl.Array):
        return [read_value(item, as_type(dtype.inner)) for item in _items(node, dtype)]
    if isinstance(dtype, pl.Struct):
        return _struct(node, dtype)
    if not isinstance(node, Scalar):
        raise SchemaError(f"expected one value of type {_words(dtype)}, got {_kind(node)}")
    return _reader(dtype)(node, dtype)


def write_value(value: Any, dtype: pl.DataType | None) -> tuple[Any, pl.DataType | None]:
    """Give a value as plain data for YAML, and the type that must be named because it is not the column's.

    Raises:
        SchemaError: when YAML has no words for it.

    >>> write_value(date(2024, 1, 31), pl.Date()), write_value(0.5, pl.Decimal(9, 2))
    (('2024-01-31', None), (0.5, Float64))
    """
    plain, named = write_values([value], dtype)
    return plain[0], named


def write_values(values: Iterable[Any], dtype: pl.DataType | None) -> tuple[list[Any], pl.DataType | None]:
    """Give several values as plain data for YAML, and the type that must be named for all; see `write_value`."""
    given = list(values)
    for candidate in (dtype, *map(_own_type, given)):
        if all(_fits(value, candidate) for value in given):
            return [_plain(value) for value in given], None if candidate is dtype else candidate
    raise SchemaError(f"{given!r}: there is no one type in which all of it can be written")


def _items(node: Node, dtype: pl.DataType) -> tuple[Node, ...]:
    if not isinstance(node, Sequence):
        raise SchemaError(f"expected a list, as values of type {_words(dtype)} are, got {_kind(node)}")
    return node.items


def _struct(node: Node, dtype: pl.Struct) -> dict[str, Any]:
    if not isinstance(node, Mapping):
        raise SchemaError(f"expected a mapping, as values of type {_words(dtype)} are, got {_kind(node)}")
    fields = {one.name: as_type(one.dtype) for one in dtype.fields}
    unknown = [key for key in node.entries if key not in fields]
    if unknown:
        raise SchemaError(f"field '{unknown[0]}' is none of type {_words(dtype)}")
    return {key: read_value(value, fields[key]) for key, value in node.entries.items()}


def _untyped(node: Node) -> Any:
    if isinstance(node, Sequence):
        return [_untyped(item) for item in node.items]
    if isinstance(node, Mapping):
        return {key: _untyped(value) for key, value in node.entries.items()}
    return node.value


def _reader(dtype: pl.DataType) -> Callable[[Scalar, Any], Any]:
    for kinds, reader in _READERS:
        if isinstance(dtype, kinds):
            return reader  # type: ignore[no-any-return]
    raise SchemaError(f"values of type {_words(dtype)} cannot be written here")


def _text(node: Scalar, dtype: pl.DataType) -> str:
    if not isinstance(node.value, str):
        raise SchemaError(f'{node.text} is {_kind(node)}, not text; write "{node.text}" for type {_words(dtype)}')
    return node.value


def _integer(node: Scalar, dtype: pl.DataType) -> int:
    if not isinstance(node.value, int) or isinstance(node.value, bool):
        raise _no_value(node, dtype)
    return node.value


def _float(node: Scalar, dtype: pl.DataType) -> float:
    if not isinstance(node.value, int | float) or isinstance(node.value, bool):
        raise _no_value(node, dtype)
    return node.value


def _decimal(node: Scalar, dtype: pl.DataType) -> Decimal | int:
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    try:
        found = Decimal(node.text) if isinstance(node.value, str | float) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite():
        raise _no_value(node, dtype)
    return found


def _boolean(node: Scalar, _: pl.DataType) -> bool:
    if not isinstance(node.value, bool):
        raise SchemaError(f"{_shown(node)} is no truth value; write true or false")
    return node.value


def _binary(node: Scalar, _: pl.DataType) -> bytes:
    if not isinstance(node.value, bytes):
        raise SchemaError(f"{_shown(node)} is no bytes; write them in base64: !!binary aGk=")
    return node.value


def _date(node: Scalar, dtype: pl.DataType) -> date:
    return date.fromisoformat(_iso(node, dtype, "2024-12-31"))


def _time(node: Scalar, dtype: pl.DataType) -> time:
    return time.fromisoformat(_iso(node, dtype, "23:59:59"))


def _datetime(node: Scalar, dtype: pl.Datetime) -> datetime:
    zone = dtype.time_zone
    example = "2024-12-31 23:59:59" + ("+00:00" if zone else "")
    found = datetime.fromisoformat(_iso(node, dtype, example))
    if zone is None and found.tzinfo is not None:
        raise SchemaError(f"{_shown(node)} has an offset, and times of type {_words(dtype)} have none")
    if zone is None:
        return found
    if found.tzinfo is None:
        raise SchemaError(f"{_shown(node)} does not say its offset; write it like {example}")
    return found.astimezone(ZoneInfo(zone))


def _duration(node: Scalar, dtype: pl.DataType) -> timedelta:
    try:
        return _DURATION.validate_python(_text(node, dtype), strict=False)
    except ValidationError as error:
        raise SchemaError(f"{_shown(node)} is no duration; write it like P1DT2H30M") from error


def _iso(node: Scalar, dtype: pl.DataType, example: str) -> str:
    """The text of a time, if it is one in ISO 8601 and no finer than Python can hold."""
    readers: dict[type, Any] = {pl.Date: date, pl.Time: time, pl.Datetime: datetime}
    text = node.text if isinstance(node.value, str) else ""
    try:
        readers[type(dtype)].fromisoformat(text)
    except ValueError as error:
        raise SchemaError(f"{_shown(node)} is no value of type {_words(dtype)}; write it like {example}") from error
    fraction = text.partition(".")[2]
    if len(fraction) > FINEST and fraction[: FINEST + 1].isdigit():
        raise SchemaError(f"{_shown(node)} is finer than a microsecond")
    return text


_READERS: tuple[tuple[Any, Any], ...] = (
    (pl.String | pl.Enum | pl.Categorical, _text),
    (pl.Decimal, _decimal),
    (pl.Boolean, _boolean),
    (pl.Binary, _binary),
    (pl.Date, _date),
    (pl.Time, _time),
    (pl.Datetime, _datetime),
    (pl.Duration, _duration),
    (pl.Float16 | pl.Float32 | pl.Float64, _float),
    (pl.DataType, _integer),
)
_OWN: dict[type, pl.DataType] = {
    bool: pl.Boolean(),
    int: pl.Int64(),
    float: pl.Float64(),
    str: pl.String(),
    Decimal: pl.Decimal(38, 0),
    bytes: pl.Binary(),
    date: pl.Date(),
    time: pl.Time(),
    timedelta: pl.Duration("us"),
}


def _own_type(value: Any) -> pl.DataType | None:
    """The type that a value of Python has by itself; None for what has none: nothing, and lists and mappings."""
    if value is None or isinstance(value, list | tuple | dict):
        return None
    if type(value) is datetime:
        return pl.Datetime("us", _zone(value))
    if type(value) not in _OWN or (type(value) is time and value.tzinfo is not None):
        raise SchemaError(f"{value!r} is a {type(value).__name__}, for which there are no words; give a plain value")
    return _OWN[type(value)]


def _zone(value: datetime) -> str | None:
    if value.tzinfo is None:
        return None
    name = getattr(value.tzinfo, "key", None) or ("UTC" if value.utcoffset() == timedelta() else None)
    if name is None:
        raise SchemaError(f"{value} has an offset without a zone; give it a ZoneInfo")
    return str(name)


def _fits(value: Any, dtype: pl.DataType | None) -> bool:
    """Whether what is written for a value reads back as itself in a type."""
    if value is None:
        return True
    if isinstance(value, list | tuple):
        return isinstance(dtype, pl.List | pl.Array) and all(_fits(item, as_type(dtype.inner)) for item in value)
    if isinstance(value, dict):
        fields = {one.name: as_type(one.dtype) for one in dtype.fields} if isinstance(dtype, pl.Struct) else {}
        return all(key in fields and _fits(item, fields[key]) for key, item in value.items())
    if dtype is None:
        return type(value) in {bool, int, float, str, bytes}
    return _fits_one(value, dtype)


def _fits_one(value: Any, dtype: pl.DataType) -> bool:
    kind = type(value)
    if kind is datetime:
        return isinstance(dtype, pl.Datetime) and _zone(value) == dtype.time_zone
    if kind is int:
        return dtype.is_numeric()
    if kind is float:
        return dtype.is_float()
    if kind is str:
        return isinstance(dtype, pl.String | pl.Enum | pl.Categorical)
    return type(_own_type(value)) is type(dtype)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if type(value) is datetime:
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _DURATION.dump_python(value, mode="json")
    return value


def _no_value(node: Scalar, dtype: pl.DataType) -> SchemaError:
    other = ""
    if isinstance(node.value, float) and dtype.is_integer():
        other = f"; a number of another type says so: {{value: {node.text}, as: float}}"
    return SchemaError(f"{_shown(node)} is no value of type {_words(dtype)}{other}")


def _shown(node: Scalar) -> str:
    return f"'{node.text}'" if isinstance(node.value, str) else node.text


def _words(dtype: pl.DataType) -> str:
    try:
        return write_type(dtype)
    except SchemaError:
        return str(dtype)


def _kind(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    names = {bool: "a truth value", int: "a number", float: "a number", str: "text", bytes: "bytes"}
    return names.get(type(node.value), "nothing")
