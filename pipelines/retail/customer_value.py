"""What each customer has bought so far. Only customers with new sales or another profile are computed again."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from schemas.retail import AMOUNT, Customer, CustomerValue, ValuedSale

DAY_S = 24 * 60 * 60


@step(returns=CustomerValue)
def customer_value(sales: LazyFrame[ValuedSale], customers: LazyFrame[Customer]) -> pl.LazyFrame:
    """Sum sales up to one row per customer who has a profile or has bought. Lazy.

    `days_between`: mean days between consecutive orders, which is the span of all over their number less one; null
    below two orders. `tier` is null without a profile.
    """
    bought = sales.group_by("customer_id").agg(
        orders=pl.len().cast(pl.Int64),
        net_amount=pl.col("net_amount").sum(),
        first_purchase=pl.col("transaction_timestamp").min(),
        last_purchase=pl.col("transaction_timestamp").max(),
    )
    span_s = (pl.col("last_purchase") - pl.col("first_purchase")).dt.total_seconds()
    return (
        customers.select("customer_id", tier="customer_tier")
        .join(bought, on="customer_id", how="full", coalesce=True)
        .with_columns(
            orders=pl.col("orders").fill_null(0),
            net_amount=pl.col("net_amount").fill_null(0).cast(AMOUNT),
            days_between=pl.when(pl.col("orders") > 1).then(span_s / DAY_S / (pl.col("orders") - 1)),
        )
    )


pipeline = Pipeline(
    "retail.customer_value",
    sources={
        "sales": delta_table("retail/sales", sample_by="customer_id"),
        "customers": delta_table("retail/customers", sample_by="customer_id"),
    },
    steps=[customer_value],
    outputs=[
        table(
            "retail/customer_value",
            of=customer_value,
            mode="merge",
            key="customer_id",
            recompute_by="customer_id",
        ),
    ],
)
