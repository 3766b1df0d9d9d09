"""Currency rates by the day from which they hold; of one stated twice the newest file's holds."""

from framework import Pipeline, csv_files, table
from schemas.marketing import Rate

pipeline = Pipeline(
    "marketing.rates",
    sources={"rates": csv_files("marketing/reference/rates_*.csv", schema=Rate)},
    outputs=[table("marketing/rates", of="rates", mode="merge", key=["currency", "valid_from"])],
)
