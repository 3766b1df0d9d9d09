"""Inputs for the benchmarks: sale lines over a year, made by Polars from a row number, the same on every machine."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

DAYS = 365
PRODUCTS = 5_000
START = date(2024, 1, 1)
SALES_COLUMNS = (
    "transaction_id",
    "store_id",
    "customer_id",
    "product_id",
    "quantity",
    "unit_price",
    "discount_percent",
    "transaction_timestamp",
)


def sales(first: int, rows: int, day: date, *, spoil: bool = True) -> pl.DataFrame:
    """Sale lines of one day, typed. One line in a hundred breaks a rule, where asked for."""
    number = pl.int_range(first, first + rows, eager=True).alias("n")
    n = pl.col("n")
    bad = (n * 2_654_435_761 % 100 == 0) if spoil else pl.lit(value=False)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return pl.DataFrame(number).select(
        transaction_id=pl.format("TXN{}", (n + 100_000_000).cast(pl.String)),
        store_id=pl.format("ST{}", (n * 7 % 200 + 1).cast(pl.String).str.zfill(3)),
        customer_id=pl.format("CUST{}", (n * 7919 % 500_000).cast(pl.String).str.zfill(6)),
        product_id=pl.format("PRD{}", (n * 104_729 % PRODUCTS).cast(pl.String).str.zfill(4)),
        quantity=pl.when(bad & (n % 2 == 0)).then(0).otherwise(n % 5 + 1),
        unit_price=((n * 31 % 20_000 + 99) * 100)
        .cast(pl.Decimal(12, 0))
        .cast(pl.Decimal(16, 4))
        .truediv(10_000)
        .cast(pl.Decimal(12, 4)),
        discount_percent=pl.when(bad & (n % 2 == 1)).then(150).otherwise(n % 4 * 5).cast(pl.Decimal(7, 4)),
        transaction_timestamp=(pl.lit(start) + pl.duration(seconds=(n - first) * 86_400 // max(rows, 1)))
        .dt.cast_time_unit("us")
        .dt.convert_time_zone("UTC"),
    )


def year_of_parquet(folder: Path, rows: int, *, days: int = DAYS) -> None:
    """Write a year of sale lines, one Parquet file a day."""
    target = folder / "sales"
    target.mkdir(parents=True, exist_ok=True)
    per_day = rows // days
    for day in range(days):
        file = target / f"sales_{START + timedelta(day)}.parquet"
        sales(day * per_day, per_day, START + timedelta(day)).write_parquet(file, compression_level=1)
        stamp(file, day)


MALFORMED_EVERY = 1_000


def spoil(csv: Path, target: Path) -> None:
    """Copy a CSV file, with one line in a thousand malformed: a field too many, one too few, or an open quote."""
    target.parent.mkdir(parents=True, exist_ok=True)
    wrong = (
        lambda line: line + b",more",
        lambda line: line.rsplit(b",", 1)[0],
        lambda line: line.replace(b",", b',"', 1),
    )
    with csv.open("rb") as lines, target.open("wb") as out:
        for number, line in enumerate(lines):
            kept = line.rstrip(b"\n")
            out.write(wrong[number // MALFORMED_EVERY % 3](kept) if number % MALFORMED_EVERY == 500 else kept)
            out.write(b"\n")
    stamp(target, 0)


def one_csv(folder: Path, megabytes: int) -> Path:
    """Write one CSV file of sale lines of about a size."""
    target = folder / "sales"
    target.mkdir(parents=True, exist_ok=True)
    file = target / "sales.csv"
    first = 0
    with file.open("wb") as out:
        for day in range(DAYS):
            rows = max(megabytes * 1_000_000 // 78 // DAYS, 1)
            text = as_text(sales(first, rows, START + timedelta(day)))
            text.write_csv(out, include_header=day == 0)
            first += rows
    stamp(file, 0)
    return file


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Sale lines as a store's CSV has them."""
    return rows.with_columns(
        pl.col("unit_price").cast(pl.Decimal(12, 2)).cast(pl.String),
        pl.col("discount_percent").cast(pl.Decimal(7, 1)).cast(pl.String),
        pl.col("transaction_timestamp").dt.strftime("%Y-%m-%d %H:%M:%S"),
    )


def a_late_day(folder: Path, year_rows: int) -> None:
    """Write the day after the year, with two lines in a hundred late by one to ten days."""
    per_day = year_rows // DAYS
    first = per_day * DAYS
    new = sales(first, per_day, START + timedelta(DAYS))
    late_by = (pl.int_range(pl.len()) % 10 + 1).cast(pl.Int64)
    moved = pl.col("transaction_timestamp") - pl.duration(days=late_by)
    is_late = pl.int_range(pl.len()) % 50 == 0
    rows = new.with_columns(
        pl.when(is_late).then(moved).otherwise("transaction_timestamp").alias("transaction_timestamp")
    )
    file = folder / "sales" / f"sales_{START + timedelta(DAYS)}.parquet"
    rows.write_parquet(file, compression_level=1)
    stamp(file, DAYS)


def products(folder: Path) -> None:
    """Write the catalogue that all sale lines refer to."""
    target = folder / "products"
    target.mkdir(parents=True, exist_ok=True)
    records = [
        {
            "product_id": f"PRD{n:04d}",
            "name": f"Product {n}",
            "category": f"Category {n % 20}",
            "brand": f"Brand {n % 50}",
            "cost_price": f"{n % 90 + 1}.25",
            "retail_price": f"{n % 90 + 9}.99",
            "last_updated": "2023-12-31T08:00:00Z",
        }
        for n in range(PRODUCTS)
    ]
    (target / "products.json").write_text(json.dumps({"products": records}))


def stamp(file: Path, day: int) -> None:
    """Give a file the time of the day on which it was delivered."""
    moment = datetime(START.year, START.month, START.day, 23, tzinfo=UTC).timestamp() + day * 86_400
    os.utime(file, (moment, moment))
