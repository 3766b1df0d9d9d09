"""Which column a cleaner reads, which it adds, and which flag says that a value could not be cleaned."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import names_of, require_absent, require_columns, require_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Names = str | Sequence[str]

SUFFIX = "_clean"


class Target(NamedTuple):
    """The raw column, the cleaned one that is added, and the flag beside it where one is wanted."""

    column: str
    into: str
    mark: str | None


def text_targets(
    rows: pl.LazyFrame, where: str, columns: Names, *, into: Names | None = None, mark: Names | None = None
) -> list[Target]:
    """Pair text columns with the columns to add: as many of `into` and of `mark` as there are columns, or none.

    Raises:
        TransformError: at definition, when a column is not there or no text, or a column to add is there already.
    """
    names = names_of(columns)
    schema = require_columns(rows, where, names)
    for name in names:
        require_text(schema, where, name)
    cleaned = [name + SUFFIX for name in names] if into is None else _as_many(where, "into", into, names)
    marks = [None] * len(names) if mark is None else _as_many(where, "mark", mark, names)
    require_new(schema, where, [*cleaned, *marks])
    return [Target(*target) for target in zip(names, cleaned, marks, strict=True)]


def require_text(schema: pl.Schema, where: str, name: str) -> None:
    """Refuse a column that holds no text."""
    require_type(
        schema, where, name, lambda dtype: dtype == pl.String, "String: cast it, `pl.col(...).cast(pl.String)`"
    )


def require_new(schema: pl.Schema, where: str, names: Sequence[str | None]) -> None:
    """Refuse to add columns that are there already, or two of one name.

    Raises:
        TransformError: at definition, naming them.
    """
    given = [name for name in names if name is not None]
    require_absent(schema, where, given)
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise TransformError(f"{where}: adds the column {', '.join(twice)} twice; give each column a name of its own")


def add_cleaned(rows: pl.LazyFrame, targets: Sequence[Target], clean: Callable[[pl.Expr], pl.Expr]) -> pl.LazyFrame:
    """Add each target's cleaned column, and its flag."""
    cleaned = rows.with_columns(clean(pl.col(target.column)).alias(target.into) for target in targets)
    return add_marks(cleaned, targets)


def add_marks(rows: pl.LazyFrame, targets: Sequence[Target]) -> pl.LazyFrame:
    """Add the flags: true where a value was there and the cleaned column is null, never null themselves."""
    flags = {
        target.mark: pl.col(target.column).is_not_null() & pl.col(target.into).is_null()
        for target in targets
        if target.mark is not None
    }
    return rows.with_columns(**flags) if flags else rows


def add_found(rows: pl.LazyFrame, key: pl.Expr, known: pl.DataFrame) -> pl.LazyFrame:
    """Add the columns of a small table whose first column equals a key; null where it has none. Order is kept.

    A join streams where `replace_strict` leaves the engine (polars 2.1).
    """
    first, added = known.columns[0], known.columns[-1]
    spare = f"{added}\0key"
    found = known.lazy().rename({first: spare})
    return rows.with_columns(key.alias(spare)).join(found, on=spare, how="left", maintain_order="left").drop(spare)


def library(name: str, where: str) -> Any:
    """Import a library of the extra `clean`.

    Raises:
        TransformError: at definition, when it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise TransformError(f'{where}: needs the library {name}; install it: pip install "sluice[clean]"') from error


def _as_many(where: str, option: str, given: Names, names: Sequence[str]) -> list[str]:
    """The names of an option, which must be as many as the columns."""
    found = names_of(given)
    if len(found) != len(names):
        raise TransformError(f"{where}: {option} gives {len(found)} names for {len(names)} columns; give one for each")
    return found
