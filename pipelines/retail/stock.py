"""Units on hand per store and product. Only stores and products with new movements are computed again."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from schemas.retail import InventoryUpdate, Stock


@step(returns=Stock)
def stock(inventory: LazyFrame[InventoryUpdate]) -> pl.LazyFrame:
    """Sum movements up to one row per store and product. Lazy."""
    return inventory.group_by("store_id", "product_id").agg(
        on_hand=pl.col("quantity_change").sum(), last_update=pl.col("update_timestamp").max()
    )


pipeline = Pipeline(
    "retail.stock",
    sources={"inventory": delta_table("retail/inventory", sample_by="product_id")},
    steps=[stock],
    outputs=[
        table(
            "retail/stock",
            of=stock,
            mode="merge",
            key=["store_id", "product_id"],
            recompute_by=["store_id", "product_id"],
        ),
    ],
)
