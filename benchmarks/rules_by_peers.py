"""Orders held against ten rules as the peers do it: by dataframely, and by Pandera itself."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import polars as pl

from benchmarks.rules import CHANNELS, START, write

if TYPE_CHECKING:
    from pathlib import Path


def in_dataframely(rows: pl.LazyFrame, scratch: Path) -> None:
    """Split rows lazily with dataframely's `filter`; what is refused carries one column per rule."""
    import dataframely as dy

    class Order(dy.Schema):
        order_id = dy.Int64(min_exclusive=0)
        customer = dy.String(min_length=8, max_length=8)
        channel = dy.String(check=lambda column: column.is_in(CHANNELS))
        quantity = dy.Int64(min_exclusive=0, max=100)
        price = dy.Float64(min_exclusive=0.0, max_exclusive=10_000.0)
        discount = dy.Float64(min=0.0, max=1.0)
        sold_at = dy.Datetime(time_zone="UTC", check=lambda column: column >= START)
        day = dy.Date(min=START.date())

    found: Any = Order.filter(rows)
    refused = found.failure._lf  # noqa: SLF001 - the lazy refused rows have no public name
    pl.collect_all(
        [write(found.result.lazy(), scratch / "good.parquet"), write(refused, scratch / "bad.parquet")],
        engine="streaming",
    )


def in_pandera(rows: pl.LazyFrame, scratch: Path) -> None:
    """Validate at full depth and drop what is invalid: Pandera's only way to go on; it keeps no reasons."""
    import pandera.polars as pa
    from pandera.config import ValidationDepth, config_context

    from benchmarks.rules import schema

    asked = schema(10)
    dropping = pa.DataFrameSchema(asked.columns, name=asked.name, drop_invalid_rows=True)
    with warnings.catch_warnings(), config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA):
        warnings.simplefilter("ignore")
        kept = dropping.validate(rows, lazy=True)
        pl.collect_all([write(kept, scratch / "good.parquet")], engine="streaming")
