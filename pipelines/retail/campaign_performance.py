"""How each campaign did, beside the net sales of its categories in its dates. Small: computed as a whole."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from schemas.retail import AMOUNT, CampaignPerformance, DailySale


def rate(numerator: str, denominator: str) -> pl.Expr:
    """A share of two counts or amounts; null where the denominator is zero."""
    return pl.when(pl.col(denominator) > 0).then(pl.col(numerator).cast(pl.Float64) / pl.col(denominator))


@step(returns=CampaignPerformance)
def campaign_performance(campaigns: pl.LazyFrame, daily_sales: LazyFrame[DailySale]) -> pl.LazyFrame:
    """Rate each campaign: one row per campaign. Lazy.

    `net_amount` sums the sales of its categories from its first day to its last, both included.
    """
    net = (
        campaigns.select("campaign_id", "start_date", "end_date", category="target_categories")
        .explode("category")
        .unique()
        .join(daily_sales.select("day", "category", "net_amount"), on="category")
        .filter(pl.col("day").is_between("start_date", "end_date"))
        .group_by("campaign_id")
        .agg(pl.col("net_amount").sum())
    )
    return campaigns.join(net, on="campaign_id", how="left").select(
        "campaign_id",
        ctr=rate("clicks", "impressions"),
        conversion_rate=rate("conversions", "clicks"),
        revenue_per_click=rate("revenue", "clicks"),
        net_amount=pl.col("net_amount").fill_null(0).cast(AMOUNT),
    )


pipeline = Pipeline(
    "retail.campaign_performance",
    sources={
        "campaigns": delta_table("retail/campaigns", schema="schemas/campaign.yaml"),
        "daily_sales": delta_table("retail/daily_sales"),
    },
    steps=[campaign_performance],
    outputs=[table("retail/campaign_performance", of=campaign_performance, mode="overwrite")],
)
