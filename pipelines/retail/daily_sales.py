"""Sales per day, store and category. Only days whose sales, or whose products, have changed are computed again."""

import polars as pl

from framework import LazyFrame, Pipeline, Quality, agree, delta_table, expect, json_file, step, table
from schemas.retail import AMOUNT, DailySale, Product, ValuedSale


@step(returns=DailySale)
def daily_sales(sales: LazyFrame[ValuedSale], products: LazyFrame[Product]) -> pl.LazyFrame:
    """Sum sale lines up to one row per day, store and category. `margin` is net less units at cost price. Lazy."""
    cost = (pl.col("quantity") * pl.col("cost_price")).round(2, mode="half_away_from_zero")
    return (
        sales.join(products.select("product_id", "category", "cost_price"), on="product_id")
        .with_columns(margin=pl.col("net_amount") - cost)
        .group_by("day", "store_id", "category")
        .agg(
            transactions=pl.len().cast(pl.Int64),
            units=pl.col("quantity").sum(),
            gross_amount=pl.col("gross_amount").sum(),
            net_amount=pl.col("net_amount").sum(),
            margin=pl.col("margin").sum(),
        )
        .with_columns(pl.col("gross_amount", "net_amount", "margin").cast(AMOUNT))
    )


pipeline = Pipeline(
    "retail.daily_sales",
    sources={
        "sales": delta_table("retail/sales", sample_by="transaction_id"),
        "products": delta_table("retail/products", key="product_id"),
    },
    steps=[daily_sales],
    outputs=[
        table(
            "retail/daily_sales",
            of=daily_sales,
            mode="replace_partitions",
            partition_by="day",
            recompute_by="day",
            quality=Quality(time="day", expect=[expect("null_rate", "margin", at_most="1%")]),
        ),
        json_file(
            "retail/daily_sales.json", of=daily_sales, layout="document", order_by=["day", "store_id", "category"]
        ),
    ],
    rules=[
        agree(
            "every_sale_is_counted",
            left=daily_sales,
            right="sales",
            on=pl.col("net_amount").sum(),
            by="day",
            message="the days of daily_sales must add up to the sale lines",
            owner="finance",
            description="A line whose product is not in the catalogue would be lost in the join.",
            holds=[
                {
                    "daily_sales": [{"day": "2024-05-01", "net_amount": "7.50"}],
                    "sales": [
                        {"day": "2024-05-01", "net_amount": "5.00"},
                        {"day": "2024-05-01", "net_amount": "2.50"},
                    ],
                }
            ],
            breaks=[
                {
                    "daily_sales": [{"day": "2024-05-01", "net_amount": "5.00"}],
                    "sales": [{"day": "2024-05-01", "net_amount": "7.50"}],
                },
                {"daily_sales": [], "sales": [{"day": "2024-05-01", "net_amount": "0.00"}]},
            ],
        ),
    ],
)
