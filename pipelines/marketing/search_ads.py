"""What the search platform reports, per campaign and day; it states a day anew on the next two: the newest holds."""

import polars as pl

from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table
from schemas.marketing import COST, AdMetric, Rate, SearchAd

MICROS = 1_000_000


@step(returns=AdMetric)
def search_metrics(search_ads: LazyFrame[SearchAd]) -> pl.LazyFrame:
    """Bring the export into the shape of all platforms. One row per campaign and day as reported. Lazy."""
    cost = (pl.col("cost_micros").cast(pl.Decimal(38, 6)) / MICROS).cast(COST)
    return search_ads.rename({"date": "day"}).with_columns(platform=pl.lit("search"), cost=cost).drop("cost_micros")


pipeline = Pipeline(
    "marketing.search_ads",
    sources={
        "search_ads": csv_files("marketing/search_ads/*.csv", references={"currency": "rates"}),
        "rates": delta_table("marketing/rates", schema=Rate),
    },
    steps=[search_metrics],
    outputs=[
        table("marketing/search_ads", of=search_metrics, mode="merge", key=["platform", "campaign_id", "day"]),
    ],
)
