"""The taxonomy of channels by utm source and medium; the newest file's word holds."""

from framework import Pipeline, csv_files, table
from schemas.marketing import Channel

pipeline = Pipeline(
    "marketing.channels",
    sources={"channels": csv_files("marketing/reference/channels_*.csv", schema=Channel)},
    outputs=[table("marketing/channels", of="channels", mode="merge", key=["source", "medium"])],
)
