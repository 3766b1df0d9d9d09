"""Sessions of people, by pauses of more than half an hour. Only users with new events are computed again."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import summarize_sessions
from pipelines.marketing.people import people
from schemas.marketing import ZONE, Event, Session

GAP = "30m"
VISITING = ["click", "page_view"]
"""What happens on the site; an impression is seen elsewhere."""


@step(returns=Session)
def sessions(people: LazyFrame[Event]) -> pl.LazyFrame:
    """Sum visits up to sessions. One row per user and session. Lazy.

    Channel, campaign and country are those of the session's first event; the day is the Berlin day on which it begins.
    """
    in_order = ["occurred_at", "event_id"]
    first = {name: pl.col(name).sort_by(in_order).first() for name in ("channel", "campaign_id", "country")}
    aggregates = {"clicks": (pl.col("type") == "click").sum(), **first, "is_bounce": pl.len() == 1}
    return (
        people.filter(pl.col("type").is_in(VISITING))
        .pipe(summarize_sessions, aggregates, by="user_id", time="occurred_at", gap=GAP)
        .with_columns(day=pl.col("session_start").dt.convert_time_zone(ZONE).dt.date())
    )


pipeline = Pipeline(
    "marketing.sessions",
    sources={
        "events": delta_table("marketing/events", sample_by="user_id"),
        "robots": delta_table("marketing/robots", sample_by="user_id"),
    },
    steps=[people, sessions],
    outputs=[
        table(
            "marketing/sessions",
            of=sessions,
            mode="merge",
            key=["user_id", "session_start"],
            recompute_by="user_id",
        ),
    ],
)
