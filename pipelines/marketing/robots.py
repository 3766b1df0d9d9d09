"""Users of the click-stream who are robots. Only users with new events are judged again, from all their events.

Their events stay where they are; what counts people leaves these users out.
"""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import mark_bursts
from schemas.marketing import Event, Robot

LIMIT, WITHIN = 20, "1m"
"""More events than this in such a time are no person's."""


@step(returns=Robot)
def robots(events: LazyFrame[Event]) -> pl.LazyFrame:
    """Find users with the agent of a robot, or with a burst of events. One row per robot. Lazy."""
    return (
        events.pipe(mark_bursts, by="user_id", time="occurred_at", limit=LIMIT, within=WITHIN)
        .group_by("user_id")
        .agg(has_bot_agent=pl.col("is_bot_agent").any(), has_burst=pl.col("is_burst").any())
        .filter(pl.col("has_bot_agent") | pl.col("has_burst"))
    )


pipeline = Pipeline(
    "marketing.robots",
    sources={"events": delta_table("marketing/events", sample_by="user_id")},
    steps=[robots],
    outputs=[table("marketing/robots", of=robots, mode="merge", key="user_id", recompute_by="user_id")],
)
