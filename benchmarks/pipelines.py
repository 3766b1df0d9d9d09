"""The pipelines under measurement: the retail ones, with sale lines from Parquet where a case asks for it."""

from __future__ import annotations

from framework import Pipeline, delta_table, parquet_files, table
from pipelines.retail.daily_sales import pipeline as daily_sales
from pipelines.retail.products import pipeline as products
from pipelines.retail.sales import pipeline as sales_from_csv
from pipelines.retail.sales import valued_sales

sales_from_parquet = Pipeline(
    "retail.sales",
    sources={
        "sales": parquet_files("sales/*.parquet", references={"product_id": "products"}, sample_by="transaction_id"),
        "products": delta_table("retail/products", schema=products.schema_of("products")),
    },
    steps=[valued_sales],
    outputs=[table("retail/sales", of=valued_sales, mode="merge", key="transaction_id", partition_by="day")],
)

__all__ = ["daily_sales", "products", "sales_from_csv", "sales_from_parquet"]
