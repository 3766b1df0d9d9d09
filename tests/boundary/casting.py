"""Casting a handful of values the way the boundary does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.casts.cast import cast
from framework.boundary.casts.metadata import read_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

LOST = object()
"""What a value becomes that the cast could not keep."""


def cast_values(
    values: Sequence[Any], target: pl.DataType, source: pl.DataType | None = None, **metadata: Any
) -> list[Any]:
    """Cast a column of values (default: text) as a column's metadata says: each as it comes out, or `LOST`."""
    return cast_and_count(values, target, source, **metadata)[0]


def cast_and_count(
    values: Sequence[Any], target: pl.DataType, source: pl.DataType | None = None, **metadata: Any
) -> tuple[list[Any], list[bool]]:
    """Cast a column of values; say of each whether an allowed loss changed it."""
    raw = pl.Series("raw", values, dtype=source or pl.String())
    reading, wrong = read_metadata(target() if isinstance(target, type) else target, metadata)
    assert not wrong
    done = cast(pl.col("raw"), pl.col("typed"), raw.dtype, target, reading)
    lost = pl.lit(value=False) if done.lost is None else done.lost
    rows = (
        raw.to_frame()
        .lazy()
        .with_columns(done.value.alias("typed"))
        .with_columns(done.kept.alias("kept"), lost.alias("lost"))
    )
    found = rows.select("typed", "kept", "lost").collect(engine="streaming")
    values_kept = [
        typed if kept else LOST
        for typed, kept in zip(_values(found["typed"], found["kept"]), found["kept"], strict=True)
    ]
    return values_kept, [bool(lost) for lost in found["lost"]]


def _values(typed: pl.Series, kept: pl.Series) -> list[Any]:
    """Values as Python has them; those not kept may lie outside what Python can hold."""
    masked = pl.select(pl.when(kept).then(typed)).to_series()
    return masked.to_list()
