"""Foreign keys between tables: the rows whose values the other table does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from framework.core.rule import TableReference

ROWS, MARK = "_reference_rows", "_reference_is_known"
TOTAL, BROKEN, VALUES = "_reference_total", "_reference_broken", "_reference_values"


def values_of(rule: TableReference, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Count the rows of each value that refers to something. Lazy."""
    refers = rows.filter(pl.all_horizontal(pl.col(rule.columns).is_not_null()))
    return refers.group_by(rule.columns).agg(pl.len().cast(pl.Int64).alias(ROWS))


def unknown_rows(rule: TableReference, values: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    """Give the values that are not known, those of most rows first. Lazy.

    Columns: the value, its rows; and in each row the same counts: rows in all, rows with an unknown value, such values.

    Args:
        rule: The reference.
        values: What `values_of` gave.
        known: The rows that have the keys.
    """
    keys = known.select(pl.col(key).alias(name) for key, name in zip(rule.keys, rule.columns, strict=True)).unique()
    found = values.join(keys.with_columns(pl.lit(value=True).alias(MARK)), on=list(rule.columns), how="left")
    is_unknown = pl.col(MARK).is_null()
    return (
        found.with_columns(
            pl.col(ROWS).sum().alias(TOTAL),
            pl.col(ROWS).filter(is_unknown).sum().alias(BROKEN),
            is_unknown.sum().alias(VALUES),
        )
        .filter(is_unknown)
        .sort([ROWS, *rule.columns], descending=[True, *[False] * len(rule.columns)])
    )
