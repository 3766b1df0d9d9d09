"""Sale lines, typed and valued: one row per transaction, the newest file's line holds.

A line whose product is unknown waits in quarantine until the catalogue has it.
"""

import polars as pl

from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table
from schemas.retail import AMOUNT, Product, Sale, ValuedSale

EXACT = pl.Decimal(38, 8)
"""Holds an amount times a percentage without rounding: a decimal of fewer places would round twice."""


def to_cents(amount: pl.Expr) -> pl.Expr:
    """Round half away from zero to the cent."""
    return amount.round(2, mode="half_away_from_zero").cast(AMOUNT)


@step(returns=ValuedSale)
def valued_sales(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    """Value each sale line: gross is quantity times price, net is gross less the discount. One row per line. Lazy."""
    gross = to_cents(pl.col("quantity") * pl.col("unit_price"))
    net = to_cents(pl.col("gross_amount").cast(EXACT) * (100 - pl.col("discount_percent")) / 100)
    day = pl.col("transaction_timestamp").dt.date()
    return sales.with_columns(day=day, gross_amount=gross).with_columns(net_amount=net)


pipeline = Pipeline(
    "retail.sales",
    sources={
        "sales": csv_files(
            "sales/*.csv",
            encodings=["latin-1"],
            references={"product_id": "products"},
            sample_by="transaction_id",
        ),
        "products": delta_table("retail/products", schema=Product),
    },
    steps=[valued_sales],
    outputs=[
        table("retail/sales", of=valued_sales, mode="merge", key="transaction_id", partition_by="day"),
    ],
)
