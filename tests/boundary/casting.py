"""Casting a handful of values the way the boundary does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.casts import cast

if TYPE_CHECKING:
    from collections.abc import Sequence

LOST = object()
"""What a value becomes that the cast could not keep."""


def cast_values(
    values: Sequence[Any], target: pl.DataType, source: pl.DataType | None = None, formats: Sequence[str] = ()
) -> list[Any]:
    """Cast a column of values (default: text): each as it comes out, or `LOST`."""
    raw = pl.Series("raw", values, dtype=source or pl.String())
    done = cast(pl.col("raw"), pl.col("typed"), raw.dtype, target, formats)
    rows = raw.to_frame().lazy().with_columns(done.value.alias("typed")).with_columns(done.kept.alias("kept"))
    found = rows.select("typed", "kept").collect(engine="streaming")
    return [
        typed if kept else LOST
        for typed, kept in zip(_values(found["typed"], found["kept"]), found["kept"], strict=True)
    ]


def _values(typed: pl.Series, kept: pl.Series) -> list[Any]:
    """Values as Python has them; those not kept may lie outside what Python can hold."""
    masked = pl.select(pl.when(kept).then(typed)).to_series()
    return masked.to_list()
