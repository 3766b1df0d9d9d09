"""The mark of filled cells: which cells of a row a fallback has filled, by what, and what stood there before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from framework.core.frames import ALTERNATE, FILLED

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_filled(column: str | None = None) -> pl.Expr:
    """Say of each row whether a fallback has filled a column of it (None: any column).

    It reads the column `_filled`, which the rows of a source with fallbacks carry. Never null. The column `"*"` is the
    row as a whole: it is filled where the row comes from an alternate source.

    >>> marked = pl.LazyFrame({"price": [2, 0], "_filled": [None, '{"price":["default","n/a"]}']})
    >>> marked.select(is_filled("price"), any=is_filled(), tax=is_filled("tax")).collect().rows()
    [(False, False, False), (True, True, False)]
    """
    if column is None:
        return pl.col(FILLED).is_not_null().alias("is_filled")
    # Within a value a quotation mark is escaped, so only a name stands like this.
    named = pl.col(FILLED).str.contains(f"{json.dumps(column, ensure_ascii=False)}:[", literal=True)
    return named.fill_null(value=False).alias("is_filled")


def filled_by(column: str) -> pl.Expr:
    """Give what filled a column of each row, `default` or `last_known`; null where the value is the row's own.

    >>> marked = pl.LazyFrame({"_filled": [None, '{"price":["default","n/a"]}']})
    >>> marked.select(filled_by("price")).collect()["filled_by"].to_list()
    [None, 'default']
    """
    return pl.col(FILLED).str.json_path_match(f"{path_to(column)}[0]").alias("filled_by")


def from_alternate(source: str) -> pl.Expr:
    """The mark of rows that come from an alternate source, before what was filled in them."""
    head = pl.lit(f"{ALTERNATE}{json.dumps(source)}]")
    cells = pl.concat_str(head, pl.lit(","), pl.col(FILLED).str.slice(1))
    return pl.coalesce(cells, pl.concat_str(head, pl.lit("}"))).alias(FILLED)


def path_to(column: str) -> str:
    """The JSON path of a key, whatever characters it has."""
    escaped = column.replace("\\", "\\\\").replace("'", "\\'")
    return f"$['{escaped}']"


def mark(cells: Sequence[tuple[str, pl.Expr, pl.Expr]]) -> pl.Expr:
    """Put together the mark of a row from its columns that may be filled: name, what filled it (or null), raw text."""
    members = []
    for name, by, raw in cells:
        told = pl.struct(by, raw.alias("raw")).struct.json_encode()
        values = told.str.replace(r'^\{"[^"]*":', "[").str.replace('","raw":', '",', literal=True)
        head = pl.lit(f"{json.dumps(name, ensure_ascii=False)}:")
        members.append(pl.when(by.is_not_null()).then(pl.concat_str(head, values.str.head(-1), pl.lit("]"))))
    listed = pl.concat_str(members, separator=",", ignore_nulls=True)
    return pl.when(listed != "").then(pl.concat_str(pl.lit("{"), listed, pl.lit("}"))).alias(FILLED)
