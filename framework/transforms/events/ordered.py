"""One order only, whatever order rows come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.errors import TransformError
from framework.transforms.arguments import names_of, require_columns, require_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl


def sort_by(
    rows: pl.LazyFrame,
    columns: str | Sequence[str],
    *,
    descending: bool | Sequence[bool] = False,
    nulls_last: bool = True,
    ties: str | Sequence[str] | None = None,
) -> pl.LazyFrame:
    """Sort rows into the one order that their values have. One row per row given.

    Lazy, streaming (it spills where there is a budget, and is as dear as a sort is). Rows equal in `columns` are put in
    order by `ties`, ascending: by default by all other columns, in the order of their names, so that the result does
    not depend on how the rows came, in which pieces, or on the order of columns. Name the ties where few columns tell
    rows apart: that is cheaper. Text sorts by its bytes, NaN above every number, null last (or first). Adds and drops
    nothing.

    Raises:
        TransformError: at definition, when a column is not there or has no order (objects), or `descending` has another
            length than `columns`.

    >>> import polars as pl
    >>> scores = pl.LazyFrame({"name": ["cy", "bo", "al"], "score": [7, 9, 7]})
    >>> scores.pipe(sort_by, "score", descending=True).collect().rows()
    [('bo', 9), ('al', 7), ('cy', 7)]
    """
    names = names_of(columns)
    schema = require_columns(rows, "sort_by", [*names, *names_of(ties or [])])
    if not names:
        raise TransformError("sort_by: `columns` names nothing to sort by")
    downward = [descending] * len(names) if isinstance(descending, bool) else list(descending)
    if len(downward) != len(names):
        raise TransformError(f"sort_by: descending has {len(downward)} values for {len(names)} columns")
    others = tie_columns(schema, names) if ties is None else [name for name in names_of(ties) if name not in names]
    for name in [*names, *others]:
        require_type(schema, "sort_by", name, lambda dtype: not dtype.is_object(), "a type with an order")
    return rows.sort([*names, *others], descending=[*downward, *([False] * len(others))], nulls_last=nulls_last)


def tie_columns(schema: pl.Schema, names: Sequence[str]) -> list[str]:
    """The columns that tell rows apart beyond the named ones, by name; objects have no order and are left out."""
    return sorted(name for name, dtype in schema.items() if name not in names and not dtype.is_object())
