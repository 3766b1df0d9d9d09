"""Countries of address ranges; the newest file's word holds."""

from framework import Pipeline, csv_files, table
from schemas.marketing import AddressRange

pipeline = Pipeline(
    "marketing.geo",
    sources={"ranges": csv_files("marketing/reference/geo_*.csv", schema=AddressRange)},
    outputs=[table("marketing/geo", of="ranges", mode="merge", key=["first", "last"])],
)
