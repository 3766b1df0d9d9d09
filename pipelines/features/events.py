"""User events, one row per event, the newest file's record holds. Partitioned by day."""

import polars as pl

from framework import LazyFrame, Pipeline, json_files, step, table
from schemas.features import DatedEvent, Event


@step(returns=DatedEvent)
def dated_events(events: LazyFrame[Event]) -> pl.LazyFrame:
    """Add the UTC day of each event. One row per event. Lazy."""
    return events.with_columns(day=pl.col("at").dt.date())


pipeline = Pipeline(
    "features.events",
    sources={"events": json_files("features/events/*.ndjson", sample_by="user_id")},
    steps=[dated_events],
    outputs=[table("features/events", of=dated_events, mode="merge", key="event_id", partition_by="day")],
)
