"""What was spent per channel and day, in euros. Small: computed as a whole."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import daily_spend as spend_by_day
from schemas.marketing import AdDay, DailySpend


@step(returns=DailySpend)
def daily_spend(ad_metrics: LazyFrame[AdDay]) -> pl.LazyFrame:
    """Sum spend up. One row per channel and day. Lazy.

    Says how many campaigns it is the sum of, how many of these amounts are earlier days' (`fallbacks`), and how many
    are `unknown` and so not in it. Days are those of the platforms' accounts, which are kept in Berlin.
    """
    names = {"entries": "campaigns", "unpriced": "unknown"}
    spent = ad_metrics.pipe(spend_by_day, spend="spend_eur", time="day", by="channel").rename(names)
    fallbacks = ad_metrics.group_by("channel", "day").agg(fallbacks=pl.col("is_fallback").sum().cast(pl.Int64))
    return spent.join(fallbacks, on=["channel", "day"]).drop("refunds")


pipeline = Pipeline(
    "marketing.daily_spend",
    sources={"ad_metrics": delta_table("marketing/ad_metrics")},
    steps=[daily_spend],
    outputs=[table("marketing/daily_spend", of=daily_spend, mode="overwrite")],
)
