"""What channels and campaigns are credited with, by several models. Only days with other conversions are computed."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import attribute
from schemas.marketing import AMOUNT, Credit, Touch

MODELS = ["first", "last", "linear", "time_decay", "position"]
HALF_LIFE = "7d"


@step(returns=Credit)
def credit(journeys: LazyFrame[Touch]) -> pl.LazyFrame:
    """Sum up what each model gives. One row per model, channel, campaign and day of conversion. Lazy.

    A model's credit of a day is the value of its conversions, to the cent; those without a touch are `(none)`.
    `touches` are those that are credited with something.
    """
    return (
        journeys.pipe(
            attribute,
            model=MODELS,
            value="value_eur",
            conversion="conversion_id",
            half_life=HALF_LIFE,
            into="credit_eur",
        )
        .filter(pl.col("credit_eur") != 0)
        .group_by("day", "model", "channel", "campaign_id")
        .agg(touches=pl.len().cast(pl.Int64), credit_eur=pl.col("credit_eur").sum().cast(AMOUNT))
    )


pipeline = Pipeline(
    "marketing.attribution",
    sources={"journeys": delta_table("marketing/journeys", sample_by="user_id")},
    steps=[credit],
    outputs=[
        table("marketing/attribution", of=credit, mode="replace_partitions", partition_by="day", recompute_by="day"),
    ],
)
