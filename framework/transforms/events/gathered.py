"""The rows of a key gathered in order: as lists, as structs, as aggregates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import names_of, require_absent, require_columns, require_one_of
from framework.transforms.events.ordered import sort_by, tie_columns


def gather(
    rows: pl.LazyFrame,
    columns: str | Sequence[str] | Mapping[str, pl.Expr],
    *,
    by: str | Sequence[str],
    order: str | Sequence[str],
    as_: str = "structs",
    into: str = "gathered",
) -> pl.LazyFrame:
    """Gather the rows of each key in a stated order. One row per key, in no promised order; null is a key of its own.

    With column names, `as_="structs"` gives one list of structs per key, in the column `into`, and `as_="lists"` one
    list per column under its own name. With a mapping of names to expressions each is worked out over the rows of a key
    in order (`pl.col("page").first()`), and `as_` and `into` have no meaning. Rows stand ascending by `order`, nulls
    last; ties by the other columns that are gathered (for expressions: by all columns), so that the result is one only.
    No row is left out.

    Lazy. Expressions over ordered rows stream as far as Polars aggregates them in its streaming engine (first, last,
    sum, min, max, len); lists and structs leave it: they are built in memory (polars 2.1, `in-memory-map`).

    Raises:
        TransformError: at definition, when a column is not there, is named twice, or `as_` is unknown.

    >>> clicks = pl.LazyFrame({"user": ["ann", "ann"], "at": [2, 1], "page": ["/cart", "/home"]})
    >>> clicks.pipe(gather, ["at", "page"], by="user", order="at", as_="lists").collect().rows()
    [('ann', [1, 2], ['/home', '/cart'])]
    >>> clicks.pipe(gather, {"entry": pl.col("page").first()}, by="user", order="at").collect().rows()
    [('ann', '/home')]
    """
    keys, ranks = names_of(by), names_of(order)
    require_one_of("gather", "as_", as_, ["structs", "lists"])
    names = [] if isinstance(columns, Mapping) else names_of(columns)
    schema = require_columns(rows, "gather", [*keys, *ranks, *names])
    if not keys or not ranks or not columns:
        raise TransformError("gather: `by`, `order` and what to gather must each name something")
    made = list(columns) if isinstance(columns, Mapping) else [into] if as_ == "structs" else names
    require_absent(pl.Schema({key: schema[key] for key in keys}), "gather", made)
    if isinstance(columns, Mapping):
        ordered = rows.pipe(sort_by, ranks, ties=tie_columns(schema, ranks))
        return ordered.group_by(keys).agg(value.alias(name) for name, value in columns.items())
    needed = dict.fromkeys([*keys, *ranks, *names])
    ordered = rows.select(*needed).pipe(sort_by, ranks, ties=names)
    gathered = [pl.struct(names).alias(into)] if as_ == "structs" else [pl.col(names)]
    return ordered.group_by(keys).agg(gathered)
