"""The same work written by hand in Polars, as a careful author would without any framework. No Sluice is imported."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.transaction import AddAction

RULES = {
    "transaction_id": r"^TXN[0-9]{3,}$",
    "store_id": r"^ST[0-9]{3,}$",
    "customer_id": r"^CUST[0-9]{3,}$",
    "product_id": r"^PRD[0-9]{3,}$",
}
AMOUNT = pl.Decimal(18, 2)


def valid(now: pl.Expr) -> pl.Expr:
    """The rules on sale lines, as one condition."""
    shapes = [pl.col(name).str.contains(pattern) for name, pattern in RULES.items()]
    return pl.all_horizontal(
        *shapes,
        pl.col("quantity") > 0,
        pl.col("unit_price") >= 0,
        pl.col("discount_percent").is_between(0, 100),
        pl.col("transaction_timestamp") <= now,
    ).fill_null(value=False)


def valued(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add the day and the amounts."""
    gross = (pl.col("quantity") * pl.col("unit_price")).round(2, mode="half_away_from_zero").cast(AMOUNT)
    net = (pl.col("gross_amount") * (100 - pl.col("discount_percent")) / 100).round(2, mode="half_away_from_zero")
    return rows.with_columns(day=pl.col("transaction_timestamp").dt.date(), gross_amount=gross).with_columns(
        net_amount=net.cast(AMOUNT)
    )


def sales_to_delta(raw: Path, lake: Path) -> None:
    """Check, value and deduplicate a year of sale lines (the newest file wins); write a Delta table by day."""
    files = sorted((raw / "sales").glob("*.parquet"), key=lambda f: (f.stat().st_mtime, f.name))
    known = pl.scan_parquet(lake / "products.parquet").select("product_id", known=pl.lit(value=True))
    times = pl.LazyFrame({"path": [str(f) for f in files], "order": range(len(files))})
    rows = (
        pl.scan_parquet(files, include_file_paths="path", row_index_name="line")
        .join(times, on="path", how="left")
        .join(known, on="product_id", how="left")
    )
    is_good = valid(pl.lit(datetime.now(UTC))) & pl.col("known").is_not_null()
    judged = rows.with_columns(good=is_good)
    newest = pl.col("order") * 2**32 + pl.col("line")
    accepted = (
        judged.filter("good").filter(newest == newest.max().over("transaction_id")).drop("good", "known", "order")
    )
    table = lake / "sales"
    written: list[pl.io.partition.SinkedPathsCallbackArgs] = []
    target = pl.PartitionBy(
        table,
        key="day",
        include_key=False,
        file_path_provider=lambda a: f"day={a.partition_keys.item()}/{uuid.uuid4()}.parquet",
    )
    sinks = [
        valued(accepted).sink_parquet(
            target,
            compression_level=1,
            mkdir=True,
            maintain_order=False,
            lazy=True,
            sinked_paths_callback=written.append,
        ),
        judged.filter(~pl.col("good")).sink_parquet(lake / "bad.parquet", lazy=True),
        judged.select(pl.len(), pl.col("good").sum()),
    ]
    schema = valued(accepted).collect_schema()
    pl.collect_all(sinks, engine="streaming")
    delta = DeltaTable.create(str(table), schema=Schema.from_arrow(schema), partition_by=["day"])
    adds = [
        AddAction(
            path=str(Path(p.path).relative_to(table)),
            size=p.num_bytes,
            partition_values={"day": Path(p.path).parent.name.removeprefix("day=")},
            modification_time=0,
            data_change=True,
            stats=f'{{"numRecords": {p.num_rows}}}',
        )
        for args in written
        for p in args.paths
    ]
    delta.create_write_transaction(adds, "append", delta.schema(), ["day"], commit_properties=CommitProperties())
