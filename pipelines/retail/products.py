"""The product catalogue: of a product's records the one updated last holds."""

from framework import Pipeline, json_files, table
from schemas.retail import Product

pipeline = Pipeline(
    "retail.products",
    sources={"products": json_files("products/*.json", records="products", schema=Product)},
    outputs=[table("retail/products", of="products", mode="merge", key="product_id", newest_by="last_updated")],
)
