"""What several pipelines share: the events that count, and those of them that are touches."""

import polars as pl

from framework import LazyFrame, step
from schemas.marketing import Event, Robot

LOOKBACK = "21d"
"""For so long before a conversion a click may have led to it."""


@step(returns=Event)
def people(events: LazyFrame[Event], robots: LazyFrame[Robot]) -> pl.LazyFrame:
    """Keep what people from outside did. One row per event. Lazy.

    An event whose address cannot be read is not known to come from inside, and counts.
    """
    return events.filter(~pl.col("is_internal").fill_null(value=False)).join(robots, on="user_id", how="anti")


def touches_of(people: pl.LazyFrame) -> pl.LazyFrame:
    """Give the clicks of people, as touches."""
    return people.filter(pl.col("type") == "click").select(
        "user_id", "event_id", "channel", "campaign_id", touched_at="occurred_at"
    )
