"""What channels are credited with by models that look at all journeys together. Small: computed as a whole."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import markov_credit, shapley_credit
from schemas.marketing import AMOUNT, ChannelCredit, LostTouch, Touch

NO_TOUCH = "(none)"


@step(returns=ChannelCredit)
def channel_credit(journeys: LazyFrame[Touch], lost_journeys: LazyFrame[LostTouch]) -> pl.LazyFrame:
    """Credit channels by all journeys together. One row per model and channel. Lazy.

    The chain also knows the journeys that led to nothing so far.
    """
    asked = {"channel": "channel", "value": "value_eur", "conversion": "conversion_id"}
    models = {
        "shapley": journeys.pipe(shapley_credit, **asked),
        "markov": journeys.pipe(markov_credit, **asked, non_converting=lost_journeys),
    }
    return pl.concat(
        rows.select(
            pl.lit(model).alias("model"),
            pl.col("channel").fill_null(NO_TOUCH),
            credit_eur=pl.col("credit").cast(AMOUNT),
        )
        for model, rows in models.items()
    )


pipeline = Pipeline(
    "marketing.channel_credit",
    sources={
        "journeys": delta_table("marketing/journeys", sample_by="user_id"),
        "lost_journeys": delta_table("marketing/lost_journeys", sample_by="user_id"),
    },
    steps=[channel_credit],
    outputs=[table("marketing/channel_credit", of=channel_credit, mode="overwrite")],
)
