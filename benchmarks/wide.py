"""Rows of twenty columns of every usual type, made from their number, and the pipeline that appends them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import pandera.polars as pa
import polars as pl

from benchmarks.data import stamp
from framework import Pipeline, Quality, parquet_files, table
from framework.core.typed import DataFrameModel

if TYPE_CHECKING:
    from pathlib import Path

ROWS_PER_FILE = 500_000
BEFORE = 200_000
"""Rows of an earlier run, which drift is measured from."""
START = datetime(2024, 1, 1, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")
Amount = Annotated[pl.Decimal, 12, 2]
Moment = Annotated[pl.Datetime, "us", "UTC"]


class Parcel(DataFrameModel):
    """A parcel on its way. One row per parcel."""

    parcel_id: str
    order_id: int
    customer: str
    product: str
    channel: str = pa.Field(isin=["web", "store", "phone", "partner"])
    country: str = pa.Field(str_length={"min_value": 2, "max_value": 2})
    city: str
    note: str = pa.Field(nullable=True)
    quantity: int = pa.Field(gt=0)
    rating: pl.Int8 = pa.Field(nullable=True)
    price: float = pa.Field(ge=0)
    cost: float = pa.Field(ge=0)
    discount: float = pa.Field(in_range={"min_value": 0.0, "max_value": 1.0})
    tax: Amount
    weight: float = pa.Field(nullable=True)
    is_gift: bool
    is_express: bool
    ordered_on: pl.Date
    sold_at: Moment
    shipped_at: Moment = pa.Field(nullable=True)


def wide_pipeline(quality: Quality | None) -> Pipeline:
    """Parcels appended as they come, looked at where asked for."""
    return Pipeline(
        "bench.parcels",
        sources={"parcels": parquet_files("parcels/*.parquet", schema=Parcel)},
        outputs=[table("parcels", of="parcels", mode="append", quality=quality)],
    )


def parcels(first: int, rows: int) -> pl.DataFrame:
    """Parcels made from their number, the same on every machine."""
    n = pl.col("n")
    mixed = (n * 2_654_435_761) % 1_000_000_007
    sold = pl.lit(START) + pl.duration(seconds=mixed % 31_536_000)
    return (
        pl.select(n=pl.int_range(first, first + rows))
        .select(
            parcel_id=pl.format("P{}", n.cast(pl.String).str.zfill(10)),
            order_id=n // 2,
            customer=pl.format("C{}", (mixed % 4_000_000).cast(pl.String).str.zfill(7)),
            product=pl.format("PRD{}", (mixed % 5_003).cast(pl.String).str.zfill(4)),
            channel=_word(["web", "store", "phone", "partner"], mixed // 3),
            country=_word(["DE", "FR", "IT", "ES", "PL", "NL", "AT", "SE"], mixed // 7),
            city=pl.format("city {}", mixed % 907),
            note=pl.when(n % 3 == 0).then(pl.format("leave it with number {} please", mixed % 20_011)),
            quantity=mixed % 9 + 1,
            rating=pl.when(n % 4 != 0).then(mixed % 5 + 1).cast(pl.Int8),
            price=(mixed % 20_000 + 99) / 100,
            cost=(mixed % 15_013 + 50) / 100,
            discount=(mixed % 50) / 100,
            tax=(mixed % 3_800).cast(pl.Decimal(12, 2)) / 100,
            weight=pl.when(n % 10 != 0).then((mixed % 99_991) / 7),
            is_gift=mixed % 20 == 0,
            is_express=mixed % 3 == 0,
            ordered_on=pl.lit(date(2024, 1, 1)) + pl.duration(days=mixed % 365),
            sold_at=sold.cast(MOMENT),
            shipped_at=pl.when(n % 8 != 0).then(sold + pl.duration(hours=mixed % 90)).cast(MOMENT),
        )
        .cast({"tax": pl.Decimal(12, 2)})
    )


def _word(words: list[str], number: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series(words)).gather(number % len(words))


def write_before(folder: Path) -> None:
    """Write what an earlier run takes in."""
    _write(folder, 0, 0, BEFORE)


def write_parcels(folder: Path, rows: int) -> None:
    """Write what the measured run takes in, as files of half a million."""
    for number, first in enumerate(range(0, rows, ROWS_PER_FILE), 1):
        _write(folder, number, BEFORE + first, min(ROWS_PER_FILE, rows - first))


def _write(folder: Path, number: int, first: int, rows: int) -> None:
    target = folder / "parcels" / f"parcels_{number:04d}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    parcels(first, rows).write_parquet(target, compression_level=1)
    stamp(target, number)
