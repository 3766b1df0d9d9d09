"""Values of defaults and bounds as JSON and back, each with its type, so that they can be compared again."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_MICROSECOND = timedelta(microseconds=1)
_WRITERS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    datetime: ("datetime", datetime.isoformat),
    date: ("date", date.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("duration", lambda value: value // _MICROSECOND),
    Decimal: ("decimal", str),
    bytes: ("bytes", bytes.hex),
    float: ("float", str),
    dict: ("dict", lambda value: [[str(name), encode(one)] for name, one in value.items()]),
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "duration": lambda value: timedelta(microseconds=value),
    "decimal": Decimal,
    "bytes": bytes.fromhex,
    "float": float,
    "dict": lambda pairs: {name: decode(value) for name, value in pairs},
    "text": str,
}


def encode(value: Any) -> Any:
    """Give a value as plain JSON.

    >>> encode([date(2024, 1, 1), Decimal("1.50"), 3])
    [{'date': '2024-01-01'}, {'decimal': '1.50'}, 3]
    """
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, list | tuple):
        return [encode(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((encode(one) for one in value), key=repr)
    word, write = _WRITERS.get(type(value), ("text", lambda other: str(getattr(other, "pattern", other))))
    return {word: write(value)}


def decode(document: Any) -> Any:
    """Read what `encode` gave.

    >>> decode([{"date": "2024-01-01"}, 3])
    [datetime.date(2024, 1, 1), 3]
    """
    if isinstance(document, list):
        return [decode(one) for one in document]
    if isinstance(document, dict):
        ((kind, of),) = document.items()
        return _READERS[kind](of)
    return document


def told(value: Any) -> str:
    """Say a value in a message.

    >>> told(Decimal("1.50")), told("x"), told([1, 2])
    ('1.50', "'x'", '[1, 2]')
    """
    if isinstance(value, list):
        return f"[{', '.join(told(one) for one in value)}]"
    return repr(value) if isinstance(value, str) else str(value)
