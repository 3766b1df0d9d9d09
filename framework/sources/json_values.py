"""JSON parsed strictly, and parsed values brought into the raw type of their column: text, or lists and structs of it.

Numbers keep the text they have in the file, so that `15.10` becomes the decimal 15.10 and never the float next to it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def loads(text: str | bytes) -> Any:
    """Parse JSON strictly, with numbers as text and duplicate keys and NaN refused.

    Raises:
        ValueError: when it is no JSON, or not usable.
        RecursionError: when it is nested too deeply.
    """
    return json.loads(
        text, parse_float=str, parse_int=str, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"not valid JSON: {name} is no JSON number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"not usable JSON: key '{next(n for n in names if names.count(n) > 1)}' occurs twice")
    return found


def why(error: Exception) -> str:
    """Say in one line why JSON could not be read."""
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, RecursionError):
        return "not readable JSON: nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"not valid UTF-8 at byte {error.start + 1}"
    return str(error)


def value_at(record: dict[str, Any], path: tuple[str, ...]) -> Any:
    """Find the value at a path of keys; None where a key or an object on the way is missing or null.

    Raises:
        TypeError: when a value on the way is no object.
    """
    found: Any = record
    for name in path:
        if found is None:
            return None
        if not isinstance(found, dict):
            raise TypeError(f"{'.'.join(path)} cannot be found: the value on the way is no object")
        found = found.get(name)
    return found


def is_absent(record: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Whether a record lacks a key of a path; where an object on the way is null, its value is null as well.

    >>> is_absent({"a": {}}, ("a", "b")), is_absent({"a": None}, ("a", "b"))
    (True, False)
    """
    found: Any = record
    for name in path:
        if not isinstance(found, dict):
            return False
        if name not in found:
            return True
        found = found[name]
    return False


def path_in(record: dict[str, Any], path: tuple[str, ...], older: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Give the path at which a record has a value: its own, or an older one.

    Raises:
        TypeError: when there is a value at two of them.
    """
    there = [one for one in (path, *older) if _has(record, one)]
    if len(there) > 1:
        raise TypeError(f"{'.'.join(there[0])} is there under its older name {'.'.join(there[1])} as well")
    return there[0] if there else path


def _has(record: dict[str, Any], path: tuple[str, ...]) -> bool:
    found: Any = record
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return False
        found = found[name]
    return True


def shape(value: Any, dtype: pl.DataType) -> Any:
    """Bring a parsed value into the raw type of its column.

    Raises:
        TypeError: when it is of another shape (a list where a value should be, say).
    """
    if value is None:
        return None
    if isinstance(dtype, pl.List):
        if not isinstance(value, list):
            raise TypeError(f"expected a list, got {json.dumps(value)[:60]}")
        inner: Callable[[Any], Any] = lambda item: shape(item, dtype.inner)  # type: ignore[arg-type]  # noqa: E731
        return [inner(item) for item in value]
    if isinstance(dtype, pl.Struct):
        if not isinstance(value, dict):
            raise TypeError(f"expected an object, got {json.dumps(value)[:60]}")
        return {field.name: shape(value.get(field.name), field.dtype) for field in dtype.fields}  # type: ignore[arg-type]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def is_text(value: Any) -> bool:
    """Whether all strings of a parsed value are text: half of a surrogate pair, which JSON can spell, is none."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
