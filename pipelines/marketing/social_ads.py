"""What the social platform reports, per campaign and day: one record each in the daily dumps of its API."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, json_files, step, table
from schemas.marketing import AdMetric, Rate, SocialAd

FIELDS = {
    "campaign_id": "campaign.id",
    "campaign": "campaign.name",
    "day": "date_start",
    "impressions": "insights.impressions",
    "clicks": "insights.clicks",
    "cost": "insights.spend",
    "currency": "account_currency",
}


@step(returns=AdMetric)
def social_metrics(social_ads: LazyFrame[SocialAd]) -> pl.LazyFrame:
    """Bring the dump into the shape of all platforms. One row per campaign and day as reported. Lazy."""
    return social_ads.with_columns(platform=pl.lit("social"))


pipeline = Pipeline(
    "marketing.social_ads",
    sources={
        "social_ads": json_files(
            "marketing/social_ads/*.json", records="data", fields=FIELDS, references={"currency": "rates"}
        ),
        "rates": delta_table("marketing/rates", schema=Rate),
    },
    steps=[social_metrics],
    outputs=[
        table("marketing/social_ads", of=social_metrics, mode="merge", key=["platform", "campaign_id", "day"]),
    ],
)
