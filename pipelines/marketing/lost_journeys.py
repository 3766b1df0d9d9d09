"""Journeys of those who have not converted yet. Only users with new events or conversions are computed again."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import find_journeys
from pipelines.marketing.people import LOOKBACK, people, touches_of
from schemas.marketing import ConversionValue, Event, LostTouch


@step(returns=LostTouch)
def lost_journeys(people: LazyFrame[Event], conversion_values: LazyFrame[ConversionValue]) -> pl.LazyFrame:
    """Find the touches of those who have not converted, as far as a last click looks back. One row per touch. Lazy."""
    touches = touches_of(people).join(conversion_values, on="user_id", how="anti")
    ends = touches.group_by("user_id").agg(ended_at=pl.col("touched_at").max())
    return touches.pipe(
        find_journeys,
        ends.with_columns(conversion_id="user_id"),
        by="user_id",
        touch_time=["touched_at", "event_id"],
        conversion_time="ended_at",
        conversion="conversion_id",
        lookback=LOOKBACK,
    )


pipeline = Pipeline(
    "marketing.lost_journeys",
    sources={
        "events": delta_table("marketing/events", sample_by="user_id"),
        "robots": delta_table("marketing/robots", sample_by="user_id"),
        "conversion_values": delta_table("marketing/conversion_values", sample_by="user_id"),
    },
    steps=[people, lost_journeys],
    outputs=[
        table(
            "marketing/lost_journeys",
            of=lost_journeys,
            mode="merge",
            key=["user_id", "position"],
            recompute_by="user_id",
        ),
    ],
)
