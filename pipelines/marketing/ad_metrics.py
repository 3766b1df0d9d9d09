"""What all platforms report, in euros, without gaps. Small: computed as a whole.

Every campaign has every day from its first to the last on which any platform has delivered:

- its platform has delivered and the campaign is in it: as reported;
- its platform has delivered and the campaign is not in it: it did not run, all is zero;
- its platform has delivered nothing: what was last known, no more than three days old, marked `is_fallback`;
- nothing is known, or known for longer: null.

A delivery that comes after all takes the place of the fallback. An amount in a currency without a rate on its day
counts as not known.
"""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import Rates, convert_currency, fill_calendar, fill_last_known
from schemas.marketing import COST, AdDay, AdMetric, Rate

OLDEST = "3d"
METRICS = ["impressions", "clicks", "spend_eur"]
CAMPAIGN = ["platform", "campaign_id"]


@step(returns=AdMetric)
def reported(
    search_ads: LazyFrame[AdMetric], social_ads: LazyFrame[AdMetric], display_ads: LazyFrame[AdMetric]
) -> pl.LazyFrame:
    """Put the platforms together. One row per platform, campaign and day as reported. Lazy."""
    return pl.concat([search_ads, social_ads, display_ads], how="diagonal")


@step(returns=AdDay)
def ad_metrics(reported: LazyFrame[AdMetric], rates: LazyFrame[Rate]) -> pl.LazyFrame:
    """Give every campaign every day, in euros. One row per platform, campaign and day. Lazy.

    Euros are rounded half away from zero to the millionth. A campaign's name is the one it had last.
    """
    in_euros = reported.pipe(
        convert_currency, Rates(rates), amount="cost", currency="currency", date="day", into="spend_eur"
    ).select(*CAMPAIGN, "campaign", "day", *METRICS[:2], pl.col("spend_eur").cast(COST))
    has_delivered = (~pl.col("is_filled")).any().over("platform", "day")
    is_display = pl.col("platform") == "display"
    did_not_run = pl.col("is_filled") & has_delivered
    return (
        in_euros.pipe(fill_calendar, by=CAMPAIGN, time="day", every="1d", until="frame")
        .with_columns(pl.when(did_not_run).then(0).otherwise(pl.col(name)).alias(name) for name in METRICS)
        .pipe(fill_last_known, METRICS, by=CAMPAIGN, order="day", max_age=OLDEST)
        .with_columns(
            campaign=pl.col("campaign").forward_fill().over(CAMPAIGN, order_by="day"),
            channel=pl.when(is_display).then(pl.col("platform")).otherwise(pl.lit("paid_") + pl.col("platform")),
        )
        .drop("is_filled")
    )


pipeline = Pipeline(
    "marketing.ad_metrics",
    sources={
        "search_ads": delta_table("marketing/search_ads", if_failed="use_last"),
        "social_ads": delta_table("marketing/social_ads", if_failed="use_last"),
        "display_ads": delta_table("marketing/display_ads", if_failed="use_last"),
        "rates": delta_table("marketing/rates"),
    },
    steps=[reported, ad_metrics],
    outputs=[table("marketing/ad_metrics", of=ad_metrics, mode="overwrite")],
)
