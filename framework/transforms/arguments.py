"""What every transform does with its arguments: columns that must be there, their types, durations."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from framework.core.durations import read_duration
from framework.errors import TransformError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import polars as pl


def names_of(given: str | Sequence[str]) -> list[str]:
    """Give column names as a list, whether one or several were given.

    >>> names_of("user_id"), names_of(("user_id", "day"))
    (['user_id'], ['user_id', 'day'])
    """
    return [given] if isinstance(given, str) else list(given)


def require_some(where: str, option: str, given: str | Sequence[str]) -> list[str]:
    """Give column names as a list, of which there must be one at least.

    Raises:
        TransformError: at definition, when there is none.
    """
    names = names_of(given)
    if not names:
        raise TransformError(f"{where}: {option} is empty, expected one column or several")
    return names


def require_columns(rows: pl.LazyFrame, where: str, names: Iterable[str]) -> pl.Schema:
    """Give the schema of rows that must have the named columns. Resolves names and types only; reads nothing.

    Raises:
        TransformError: at definition, naming every column that is not there, with the nearest names.
    """
    schema = rows.collect_schema()
    missing = [name for name in names if name not in schema]
    if missing:
        words = [f"'{name}' ({did_you_mean(name, schema.names())})" for name in missing]
        raise TransformError(f"{where}: there is no column {', '.join(words)}")
    return schema


def require_absent(schema: pl.Schema, where: str, names: Iterable[str]) -> None:
    """Refuse to write over columns that are there already.

    Raises:
        TransformError: at definition, naming them.
    """
    there = [name for name in names if name in schema]
    if there:
        raise TransformError(f"{where}: adds the column {', '.join(there)}, which is there already; rename or drop it")


def require_type(
    schema: pl.Schema, where: str, name: str, fits: Callable[[pl.DataType], bool], expected: str
) -> pl.DataType:
    """Give the type of a column, which must be of a kind.

    Raises:
        TransformError: at definition, with the type found and the one expected.
    """
    if not fits(schema[name]):
        raise TransformError(f"{where}: column '{name}' is {schema[name]}, expected {expected}")
    return schema[name]


def require_one_of(where: str, option: str, given: str, known: Iterable[str]) -> None:
    """Refuse an option that is none of the known words.

    Raises:
        TransformError: at definition, with the nearest of them.
    """
    words = list(known)
    if given not in words:
        raise TransformError(f"{where}: {option}='{given}' is unknown; {did_you_mean(str(given), words)}")


def duration_of(given: str | timedelta, where: str, option: str) -> timedelta:
    """Read a length of time: a `timedelta`, or text such as `30m`, `1h30m`, `7d` (a day is 24 hours).

    Raises:
        TransformError: at definition, when it is neither, or not above zero.

    >>> duration_of("1h30m", "sessionize", "gap")
    datetime.timedelta(seconds=5400)
    """
    length = read_duration(given)
    if length is None:
        words = "expected a length of time such as '30m', '1h30m' or '7d'"
        raise TransformError(f"{where}: {option}='{given}' cannot be read; {words}")
    if length <= timedelta():
        raise TransformError(f"{where}: {option}={given!r} must be above zero")
    return length
