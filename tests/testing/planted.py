"""A project with one mistake of each kind that `sluice test` looks for, and the same one without them."""

# ruff: noqa: E501, ISC004 - the code of a project as text

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SCHEMAS = """
from typing import Annotated

import pandera.polars as pa
import polars as pl

Amount = Annotated[pl.Decimal, 18, 2]


class Order(pa.DataFrameModel):
    order_id: str = pa.Field(str_matches=r"O[0-9]{1,4}$")
    customer: str = pa.Field(isin=["ann", "bob"])
    currency: str = pa.Field(isin=["EUR", "USD"])
    amount: Amount = pa.Field(ge=0, le=1000)
    quantity: int = pa.Field(nullable=True, ge=0, le=100)
    day: pl.Date


class Rate(pa.DataFrameModel):
    currency: str = pa.Field(isin=["EUR", "USD"])
    rate: float = pa.Field(ge=0.5, le=2)


class Named(pa.DataFrameModel):
    customer: str
    value: str


class Counted(pa.DataFrameModel):
    customer: str
    cents: int


class Priced(pa.DataFrameModel):
    order_id: str
    quantity: int = pa.Field(ge=0)


class Shared(pa.DataFrameModel):
    customer: str
    share: float = pa.Field(ge=0, le=1)


class Valued(pa.DataFrameModel):
    order_id: str = pa.Field(unique=True)
    value: float


class Compared(pa.DataFrameModel):
    order_id: str
    value: float = pa.Field(nullable=True)


class Stamped(pa.DataFrameModel):
    order_id: str
    loaded_at: Annotated[pl.Datetime, "us", "UTC"]


class Total(pa.DataFrameModel):
    order_id: str
    total: Amount
"""

HEAD = """
from datetime import UTC, datetime

import polars as pl

from framework import PROVENANCE, LazyFrame, Pipeline, csv_files, delta_table, run_time, step, table
from schemas.shop import *

CALLS = []


def numbered(text):
    CALLS.append(text)
    return f"{text} {len(CALLS)}"


def with_total(rows):
    return rows.with_columns(value=pl.col("amount").sum().cast(pl.Float64))


AMOUNT = pl.Decimal(18, 2)
CENTS = (pl.col("amount") * 100).cast(pl.Int64)
"""

STEPS = {
    "first_currency": (
        "order",
        "Named",
        "(orders: LazyFrame[Order])",
        'orders.group_by("customer").agg(value=pl.col("currency").first())',
        'orders.group_by("customer").agg(value=pl.col("currency").min())',
    ),
    "revenue": (
        "order",
        "Counted",
        "(orders: LazyFrame[Order])",
        'orders.group_by("customer").agg(cents=(pl.col("amount").cast(pl.Float64).sum() * 100).cast(pl.Int64))',
        'orders.group_by("customer").agg(cents=CENTS.sum())',
    ),
    "quantities": (
        "contract",
        "Priced",
        "(orders: LazyFrame[Order])",
        'orders.select("order_id", quantity=pl.col("quantity") * 2)',
        'orders.select("order_id", quantity=pl.col("quantity").fill_null(0) * 2)',
    ),
    "shares": (
        "contract",
        "Shared",
        "(orders: LazyFrame[Order])",
        'orders.group_by("customer").agg(share=pl.col("quantity").max().fill_null(0) / pl.col("quantity").sum())',
        (
            'orders.group_by("customer").agg(share=pl.when(pl.col("quantity").sum() > 0)'
            '.then(pl.col("quantity").max() / pl.col("quantity").sum()).otherwise(0.0))'
        ),
    ),
    "newest": (
        "order",
        "Priced",
        "(orders: LazyFrame[Order])",
        'orders.head(2).select("order_id", quantity=pl.lit(1))',
        'orders.sort("order_id").head(2).select("order_id", quantity=pl.lit(1))',
    ),
    "labels": (
        "repeat",
        "Named",
        "(orders: LazyFrame[Order])",
        'orders.select("customer", value=pl.col("currency").map_elements(numbered, return_dtype=pl.String))',
        'orders.select("customer", value=pl.col("currency") + " 1")',
    ),
    "stamped": (
        "repeat",
        "Stamped",
        "(orders: LazyFrame[Order])",
        'orders.select("order_id", loaded_at=pl.lit(datetime.now(UTC)).dt.cast_time_unit("us"))',
        'orders.select("order_id", loaded_at=pl.lit(run_time()).dt.cast_time_unit("us"))',
    ),
    "valued": (
        "contract",
        "Valued",
        "(orders: LazyFrame[Order], rates: LazyFrame[Rate])",
        'orders.join(rates, on="currency").select("order_id", value=pl.col("amount").cast(pl.Float64) * pl.col("rate"))',
        (
            'orders.join(rates.group_by("currency").agg(pl.col("rate").max()), on="currency")'
            '.select("order_id", value=pl.col("amount").cast(pl.Float64) * pl.col("rate"))'
        ),
    ),
    "totals_of_dear_orders": (
        "engines",
        "Compared",
        "(orders: LazyFrame[Order])",
        'orders.select("order_id", "amount").map_batches(with_total, predicate_pushdown=True, '
        'schema={"order_id": pl.String, "amount": AMOUNT, "value": pl.Float64})'
        '.filter(pl.col("amount") > 1).select("order_id", "value")',
        'orders.select("order_id", "amount", value=pl.col("amount").sum().cast(pl.Float64))'
        '.filter(pl.col("amount") > 1).select("order_id", "value")',
    ),
    "collected": (
        "collects",
        "Priced",
        "(orders: LazyFrame[Order])",
        'orders.collect().lazy().select("order_id", quantity=pl.lit(1))',
        'orders.select("order_id", quantity=pl.lit(1))',
    ),
    "from_the_mean": (
        "parts",
        "Compared",
        "(orders: LazyFrame[Order])",
        'orders.select("order_id", value=(pl.col("quantity") - pl.col("quantity").mean()).cast(pl.Float64))',
        'orders.select("order_id", value=pl.col("quantity").cast(pl.Float64))',
    ),
    "divided": (
        "raises",
        "Priced",
        "(orders: LazyFrame[Order])",
        'orders.select("order_id", quantity=pl.col("order_id").str.slice(1).cast(pl.Int8).cast(pl.Int64))',
        'orders.select("order_id", quantity=pl.col("order_id").str.slice(1).cast(pl.Int64))',
    ),
}
"""By step: the check that finds the mistake, the schema it returns, its arguments, the mistake, and how it is mended."""

FED = {
    "first_orders": (
        'table("shop/first_orders", of=first_orders, mode="append")',
        'table("shop/first_orders", of=first_orders, mode="merge", key="order_id")',
        "Total",
        'orders.group_by("customer").agg(pl.col("order_id").min(), total=pl.lit(1).cast(AMOUNT))',
        'orders.select("order_id", *PROVENANCE, total=pl.lit(1).cast(AMOUNT))',
    ),
    "running": (
        'table("shop/running", of=running, mode="merge", key="order_id")',
        'table("shop/running", of=running, mode="merge", key="order_id")',
        "Total",
        'orders.select("order_id", *PROVENANCE, total=pl.col("amount").sum().cast(AMOUNT))',
        'orders.select("order_id", *PROVENANCE, total="amount")',
    ),
}
"""By pipeline that reads files: its output and its step, with a mistake and mended."""


def write_project(folder: Path, *, mended: bool) -> None:
    """Write the project into a folder."""
    (folder / "schemas").mkdir(parents=True)
    (folder / "schemas/__init__.py").touch()
    (folder / "schemas/shop.py").write_text(SCHEMAS)
    (folder / "pipelines").mkdir()
    (folder / "pipelines/__init__.py").write_text("\n".join([HEAD, *_steps(mended), *_fed(mended)]))


def _steps(mended: bool):
    for name, (_, schema, arguments, wrong, right) in STEPS.items():
        row_wise = ", row_wise=True" if name == "from_the_mean" else ""
        yield f"\n\n@step(returns={schema}{row_wise})\ndef {name}{arguments} -> pl.LazyFrame:"
        yield f"    return {right if mended else wrong}"
    sources = '{"orders": delta_table("shop/orders"), "rates": delta_table("shop/rates")}'
    outputs = ", ".join(f'table("shop/{name}", of={name})' for name in STEPS)
    yield f'\n\nsteps = Pipeline("shop.steps", sources={sources}, steps=[{", ".join(STEPS)}], outputs=[{outputs}])'
    orders = 'csv_files("orders/*.csv", schema=Order)'
    output = 'table("shop/orders", of="orders", mode="merge", key="order_id")'
    yield f'orders = Pipeline("shop.orders", sources={{"orders": {orders}}}, outputs=[{output}])'


def _fed(mended: bool):
    for name, (wrong_output, right_output, schema, wrong, right) in FED.items():
        yield f"\n\n@step(returns={schema})\ndef {name}(orders: LazyFrame[Order]) -> pl.LazyFrame:"
        yield f"    return {right if mended else wrong}"
        sources = '{"orders": csv_files("orders/*.csv")}'
        output = right_output if mended else wrong_output
        yield f'\n\n{name}_pipeline = Pipeline("shop.{name}", sources={sources}, steps=[{name}], outputs=[{output}])'
