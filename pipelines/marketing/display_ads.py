"""What the display platform reports, per line item and day. A line item is a campaign; it comes without a name."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, parquet_files, step, table
from schemas.marketing import AdMetric, DisplayAd, Rate

NAMES = {"line_item": "campaign_id", "imps": "impressions", "media_cost": "cost"}


@step(returns=AdMetric)
def display_metrics(display_ads: LazyFrame[DisplayAd]) -> pl.LazyFrame:
    """Bring the report into the shape of all platforms. One row per campaign and day as reported. Lazy."""
    return display_ads.rename(NAMES).with_columns(platform=pl.lit("display"), campaign=pl.lit(None, dtype=pl.String))


pipeline = Pipeline(
    "marketing.display_ads",
    sources={
        "display_ads": parquet_files("marketing/display_ads/*.parquet", references={"currency": "rates"}),
        "rates": delta_table("marketing/rates", schema=Rate),
    },
    steps=[display_metrics],
    outputs=[
        table("marketing/display_ads", of=display_metrics, mode="merge", key=["platform", "campaign_id", "day"]),
    ],
)
