"""Which clicks of people led to which conversion. Only users with new events or conversions are computed again."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import find_journeys
from pipelines.marketing.people import LOOKBACK, people, touches_of
from schemas.marketing import ConversionValue, Event, Touch

NO_TOUCH = "(none)"


@step(returns=Touch)
def journeys(people: LazyFrame[Event], conversion_values: LazyFrame[ConversionValue]) -> pl.LazyFrame:
    """Find the touches of each conversion. One row per touch, or one for a conversion without any. Lazy.

    A touch counts for every conversion that it may have led to; clicks of one instant are in the order of their ids.
    """
    return (
        touches_of(people)
        .pipe(
            find_journeys,
            conversion_values,
            by="user_id",
            touch_time=["touched_at", "event_id"],
            conversion_time="converted_at",
            conversion="conversion_id",
            lookback=LOOKBACK,
        )
        .with_columns(pl.col("position").fill_null(0), pl.col("channel").fill_null(NO_TOUCH))
    )


pipeline = Pipeline(
    "marketing.journeys",
    sources={
        "events": delta_table("marketing/events", sample_by="user_id"),
        "robots": delta_table("marketing/robots", sample_by="user_id"),
        "conversion_values": delta_table("marketing/conversion_values", sample_by="user_id"),
    },
    steps=[people, journeys],
    outputs=[
        table(
            "marketing/journeys",
            of=journeys,
            mode="merge",
            key=["user_id", "conversion_id", "position"],
            recompute_by="user_id",
        ),
    ],
)
