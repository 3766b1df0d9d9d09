"""Return on investment of the last 7 and 28 days, by campaign and by channel. Small: computed as a whole.

The JSON file beside the table is made for BI tools.
"""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, json_file, step, table
from framework.transforms import rolling_roi
from schemas.marketing import AdDay, Credit, Roi

DAYS = [7, 28]
CHANNEL, CAMPAIGN = ["channel"], ["channel", "campaign_id"]


@step(returns=Roi)
def roi(ad_metrics: LazyFrame[AdDay], credit: LazyFrame[Credit], model: str = "last") -> pl.LazyFrame:
    """Hold revenue against spend. One row per campaign and day, and one per channel and day. Lazy.

    Revenue is what `model` credits, on the day of the conversion; refunds lower it on theirs. Unknown spend counts as
    zero. Channels that cost nothing have a revenue and no return.
    """
    spent = ad_metrics.select(*CAMPAIGN, "day", "spend_eur")
    earned = credit.filter(pl.col("model") == model).select(*CAMPAIGN, "day", revenue_eur="credit_eur")
    daily = pl.concat([spent, earned], how="diagonal")
    levels = {
        level: daily.pipe(rolling_roi, spend="spend_eur", revenue="revenue_eur", day="day", by=by, days=DAYS)
        for level, by in {"campaign": CAMPAIGN, "channel": CHANNEL}.items()
    }
    marked = [rows.select(pl.lit(level).alias("level"), pl.all()) for level, rows in levels.items()]
    return pl.concat(marked, how="diagonal")


pipeline = Pipeline(
    "marketing.roi",
    sources={"ad_metrics": delta_table("marketing/ad_metrics"), "credit": delta_table("marketing/attribution")},
    steps=[roi],
    outputs=[
        table("marketing/roi", of=roi, mode="overwrite"),
        json_file("marketing/roi.json", of=roi, layout="document", order_by=["level", "channel", "campaign_id", "day"]),
    ],
)
