"""Rows for the rules under measurement: eight columns, nine rows in a thousand refused, and schemas for them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

    from pandera.polars import DataFrameSchema

ROWS_PER_FILE = 1_000_000
CHANNELS = ["web", "store", "phone", "partner"]
START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")


def orders(first: int, rows: int) -> pl.DataFrame:
    """Orders made from their number, the same on every machine. Every 111th breaks one rule or another."""
    n = pl.col("n")
    mixed = n * 2_654_435_761 % 1_000_003
    is_bad = n % 111 == 0
    return pl.select(n=pl.int_range(first, first + rows)).select(
        order_id=n + 1,
        customer=pl.format("C{}", mixed.cast(pl.String).str.zfill(7)),
        channel=pl.when(is_bad & (n % 2 == 0)).then(pl.lit("fax")).otherwise(_one_of(CHANNELS, mixed)),
        quantity=pl.when(is_bad & (n % 2 == 1)).then(0).otherwise(mixed % 9 + 1),
        price=(mixed % 20_000 + 99) / 100,
        discount=(mixed % 50) / 100,
        sold_at=(pl.lit(START) + pl.duration(seconds=mixed * 60)).cast(MOMENT),
        day=pl.lit(date(2024, 1, 1)) + pl.duration(days=mixed % 700),
    )


def _one_of(words: list[str], number: pl.Expr) -> pl.Expr:
    picked = pl.lit(words[0])
    for place, word in enumerate(words[1:], 1):
        picked = pl.when(number % len(words) == place).then(pl.lit(word)).otherwise(picked)
    return picked


def write_orders(folder: Path, rows: int) -> None:
    """Write orders as Parquet files of a million, and customers."""
    (folder / "orders").mkdir(parents=True, exist_ok=True)
    write_customers(folder / "customers.parquet", rows // 5)
    for first in range(0, rows, ROWS_PER_FILE):
        part = orders(first, min(ROWS_PER_FILE, rows - first))
        part.write_parquet(folder / "orders" / f"orders_{first // ROWS_PER_FILE:04d}.parquet", compression_level=1)


def write_customers(file: Path, rows: int) -> None:
    """Write customers: what is known of a fifth as many as there are orders."""
    n = pl.col("n")
    known = pl.select(n=pl.int_range(rows)).select(
        customer=pl.format("C{}", n.cast(pl.String).str.zfill(7)), segment=n % 7, city=pl.format("city {}", n % 900)
    )
    known.write_parquet(file, compression_level=1)


def joined(folder: Path) -> pl.LazyFrame:
    """Orders with what is known of their customers. Lazy."""
    customers = pl.scan_parquet(folder / "customers.parquet")
    return scanned(folder).join(customers, on="customer", how="left", maintain_order="none")


def scanned(folder: Path) -> pl.LazyFrame:
    """All orders. Lazy."""
    return pl.scan_parquet(sorted((folder / "orders").glob("*.parquet")))


def write(rows: pl.LazyFrame, file: Path) -> pl.LazyFrame:
    """The lazy sink of rows into one Parquet file."""
    return rows.sink_parquet(file, compression_level=1, maintain_order=False, lazy=True)


def split_unchecked(rows: pl.LazyFrame, scratch: Path) -> None:
    """Write rows apart by their number alone, and count them: two sinks and statistics, and no rule."""
    is_good = pl.col("order_id") % 111 != 1
    sinks = [
        write(rows.filter(is_good), scratch / "good.parquet"),
        write(rows.filter(~is_good), scratch / "bad.parquet"),
    ]
    pl.collect_all([*sinks, rows.select(pl.len(), is_good.sum())], engine="streaming")


TEN: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "order_id": [("gt", {"min_value": 0})],
    "customer": [("str_length", {"min_value": 8, "max_value": 8})],
    "channel": [("isin", {"allowed_values": CHANNELS})],
    "quantity": [("gt", {"min_value": 0}), ("le", {"max_value": 100})],
    "price": [("gt", {"min_value": 0.0}), ("lt", {"max_value": 10_000.0})],
    "discount": [("in_range", {"min_value": 0.0, "max_value": 1.0})],
    "sold_at": [("ge", {"min_value": START})],
    "day": [("ge", {"min_value": START.date()})],
}
MORE: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "order_id": [("lt", {"max_value": 10**12}), ("ne", {"value": 999}), ("ge", {"min_value": 1}), ("ne", {"value": 0})],
    "customer": [
        ("str_startswith", {"string": "C"}),
        ("str_matches", {"pattern": "C[0-9]{7}$"}),
        ("ne", {"value": "C"}),
        ("notin", {"forbidden_values": ["C0000000X", "C9999999X"]}),
    ],
    "channel": [
        ("str_length", {"min_value": 1, "max_value": 20}),
        ("ne", {"value": ""}),
        ("notin", {"forbidden_values": ["x"]}),
    ],
    "quantity": [("ge", {"min_value": 1}), ("ne", {"value": 101}), ("lt", {"max_value": 1_000})],
    "price": [("ne", {"value": 0.0}), ("le", {"max_value": 9_999.0}), ("ge", {"min_value": 0.01})],
    "discount": [
        ("ge", {"min_value": 0.0}),
        ("le", {"max_value": 0.9}),
        ("ne", {"value": -1.0}),
        ("lt", {"max_value": 1.0}),
    ],
    "sold_at": [
        ("lt", {"max_value": END}),
        ("ne", {"value": END}),
        ("le", {"max_value": END}),
        ("gt", {"min_value": datetime(2023, 1, 1, tzinfo=UTC)}),
    ],
    "day": [
        ("lt", {"max_value": END.date()}),
        ("ne", {"value": END.date()}),
        ("le", {"max_value": END.date()}),
        ("gt", {"min_value": date(2023, 1, 1)}),
        ("ne", {"value": date(2023, 1, 1)}),
    ],
}
TYPES: dict[str, Any] = {
    "order_id": pl.Int64,
    "customer": pl.String,
    "channel": pl.String,
    "quantity": pl.Int64,
    "price": pl.Float64,
    "discount": pl.Float64,
    "sold_at": MOMENT,
    "day": pl.Date,
}


def schema(count: int) -> DataFrameSchema:
    """The schema of orders with 10 or 40 rules, beside those that no column is empty."""
    import pandera.polars as pa  # a peer does without it

    rules = {name: [*TEN[name], *(MORE[name] if count > len(TYPES) + 2 else [])] for name in TYPES}
    checks = {name: [getattr(pa.Check, kind)(**given) for kind, given in rules[name]] for name in TYPES}
    if sum(map(len, checks.values())) != count:
        raise ValueError(f"{sum(map(len, checks.values()))} rules, not {count}")
    return pa.DataFrameSchema({name: pa.Column(dtype, checks[name]) for name, dtype in TYPES.items()}, name="Order")
