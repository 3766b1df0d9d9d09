"""What look-ups share: names here and in the table, values for what was not found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.exceptions import PolarsError

from framework.errors import TransformError, did_you_mean
from framework.transforms.arguments import names_of, require_absent

if TYPE_CHECKING:
    from collections.abc import Iterable

Names = str | Sequence[str] | Mapping[str, str]
"""Column names, or new names for them: {name here: name in the table}."""


@dataclass(frozen=True)
class LookedUp:
    """What a look-up adds to its rows, and what stands where nothing was found."""

    kept: tuple[str, ...]
    """The columns of the rows."""
    columns: Mapping[str, str]
    """The new columns: {name here: name in the table}."""
    defaults: Mapping[str, pl.Expr]
    found: str | None

    @property
    def mark(self) -> str:
        """The name of a mark of what was found, whether it stays or not."""
        return self.found or spare_name("found", [*self.kept, *self.columns])

    def finish(self, joined: pl.LazyFrame) -> pl.LazyFrame:
        """Take rows with the new columns and the mark to what is given back: defaults in, columns in their order."""
        found = pl.col(self.mark)
        values = [
            pl.when(found).then(pl.col(name)).otherwise(self.defaults.get(name, pl.lit(None))).alias(name)
            for name in self.columns
        ]
        marks = [] if self.found is None else [self.found]
        marked = joined.with_columns(found.fill_null(value=False)).with_columns(values)
        return marked.select(*self.kept, *self.columns, *marks)


def looked_up(
    where: str,
    rows: pl.Schema,
    table: pl.Schema,
    columns: Mapping[str, str],
    *,
    default: Mapping[str, Any] | None,
    found: str | None,
) -> LookedUp:
    """Check what a look-up is to add.

    Raises:
        TransformError: at definition, when it would add nothing, write over a column or give one name twice, or when a
            default is for a column that is not looked up or does not fit its type.
    """
    if not columns:
        raise TransformError(f"{where}: `columns` names nothing to look up")
    if found in columns:
        raise TransformError(f"{where}: `found` names '{found}', which is looked up; choose another name")
    require_absent(rows, where, [*columns, *([] if found is None else [found])])
    defaults = _defaults(where, {new: table[old] for new, old in columns.items()}, default or {})
    return LookedUp(tuple(rows.names()), columns, defaults, found)


def renames(given: Names) -> dict[str, str]:
    """Read names as {name here: name in the table}.

    >>> renames("city"), renames({"store_id": "id"})
    ({'city': 'city'}, {'store_id': 'id'})
    """
    if isinstance(given, Mapping):
        return dict(given)
    return {name: name for name in names_of(given)}


def spare_name(stem: str, taken: Iterable[str]) -> str:
    """A column name that is not taken, for a column that goes again.

    >>> spare_name("matched", ["matched", "city"])
    'matched_'
    """
    names = set(taken)
    return next(name for tail in count() if (name := stem + "_" * tail) not in names)


def _defaults(where: str, types: Mapping[str, pl.DataType], default: Mapping[str, Any]) -> dict[str, pl.Expr]:
    """What stands for values that were not found, as literals of their columns' types."""
    defaults = {}
    for name, value in default.items():
        if name not in types:
            near = did_you_mean(name, types)
            raise TransformError(f"{where}: default names '{name}', which is not looked up ({near})")
        problem = f"{where}: default of '{name}' is {value!r}, expected {types[name]}"
        defaults[name] = _literal(value, types[name], problem)
    return defaults


def _literal(value: Any, dtype: pl.DataType, problem: str) -> pl.Expr:
    """A value as a literal of a type that holds it exactly."""
    try:
        held = pl.Series([value], dtype=dtype, strict=True)
    except (TypeError, ValueError, OverflowError, PolarsError) as error:
        raise TransformError(problem) from error
    if value == value and held.to_list()[0] != value:  # noqa: PLR0124 - NaN is no loss
        raise TransformError(problem)
    return pl.lit(held).first()
