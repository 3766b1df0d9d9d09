"""Impressions and clicks of people per hour, channel and campaign. Only days with changed events are computed again."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import tumbling
from pipelines.marketing.people import people
from schemas.marketing import Event, HourlyTraffic


@step(returns=HourlyTraffic)
def hourly(people: LazyFrame[Event]) -> pl.LazyFrame:
    """Count what was shown and clicked. One row per hour, channel and campaign with either. Lazy.

    A day is Berlin's, so it has 23 or 25 hours where clocks change.
    """
    kinds = {"impressions": "impression", "clicks": "click"}
    counts = {name: (pl.col("type") == kind).sum() for name, kind in kinds.items()}
    return (
        people.filter(pl.col("type").is_in(list(kinds.values())))
        .pipe(tumbling, counts, time="occurred_at", every="1h", by=["day", "channel", "campaign_id"])
        .rename({"window_start": "hour_start", "window_end": "hour_end"})
    )


pipeline = Pipeline(
    "marketing.hourly",
    sources={
        "events": delta_table("marketing/events", sample_by="user_id"),
        "robots": delta_table("marketing/robots", key="user_id", sample_by="user_id"),
    },
    steps=[people, hourly],
    outputs=[
        table("marketing/hourly", of=hourly, mode="replace_partitions", partition_by="day", recompute_by="day"),
    ],
)
