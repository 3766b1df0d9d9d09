"""Inputs for the benchmarks of sessions and journeys: a month of click-stream, made from a row number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

DAYS = 30
START = datetime(2024, 3, 11, tzinfo=UTC)
CHANNELS = ("search", "social", "display", "email", "affiliate", "direct", "video", "referral")
MIX = 0x9E3779B97F4A7C15
"""Multiplying by it spreads row numbers over 64 bits (Knuth's multiplicative hashing)."""


def clickstream(first: int, rows: int, total: int) -> pl.DataFrame:
    """Events in order of time: 20 of each user on average, in bursts; one in twenty is a conversion."""
    n = pl.col("n")
    users = max(total // 20, 1)
    seconds = DAYS * 86_400
    visit = n // 3  # three events in a row are one visit
    spread = (visit.cast(pl.UInt64) * MIX) // 2**32
    other = (n.cast(pl.UInt64) * (MIX ^ 0xABCDEF1234567)) // 2**32
    return (
        pl.select(pl.int_range(first, first + rows).alias("n"))
        .select(
            event_id=n.cast(pl.Int64),
            user_id=pl.format("u{}", (spread % users).cast(pl.String).str.zfill(7)),
            at=pl.lit(START) + pl.duration(microseconds=(n * (seconds * 1_000_000 // total)).cast(pl.Int64)),
            channel=pl.lit(pl.Series(CHANNELS)).get((spread // 7 % len(CHANNELS)).cast(pl.Int64)),
            is_conversion=other % 20 == 0,
            value=(other % 20_000 / 100).cast(pl.Decimal(12, 2)),
        )
        .with_columns(pl.col("at").dt.cast_time_unit("us"))
    )


def month_of_events(folder: Path, total: int) -> None:
    """Write the events, one Parquet file a day."""
    target = folder / "events"
    target.mkdir(parents=True, exist_ok=True)
    per_day = total // DAYS
    for day in range(DAYS):
        rows = clickstream(day * per_day, per_day, total)
        rows.write_parquet(target / f"events_{day:02d}.parquet", compression_level=1, row_group_size=250_000)
