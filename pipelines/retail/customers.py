"""Customer profiles: the newest file's profile of a customer holds."""

from framework import Pipeline, parquet_files, table
from schemas.retail import Customer

pipeline = Pipeline(
    "retail.customers",
    sources={"customers": parquet_files("customers/*.parquet", schema=Customer)},
    outputs=[table("retail/customers", of="customers", mode="merge", key="customer_id")],
)
