"""Sessions of users with what happened in them. Only users with new or other events are computed again."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import summarize_sessions
from schemas.features import DatedEvent, Session

GAP = "30m"


AGGREGATES = {
    "views": (pl.col("kind") == "view").sum(),
    "searches": (pl.col("kind") == "search").sum(),
    "carts": (pl.col("kind") == "add_to_cart").sum(),
    "checkouts": (pl.col("kind") == "checkout").sum(),
    "categories": pl.col("category").drop_nulls().n_unique(),
    "phone_events": (pl.col("device") == "phone").sum(),
    "is_bounce": pl.len() == 1,
}


@step(returns=Session)
def sessions(events: LazyFrame[DatedEvent]) -> pl.LazyFrame:
    """Sum events up to one row per user and session. Lazy. A category or device that is not known counts as none."""
    return events.pipe(summarize_sessions, AGGREGATES, by="user_id", time="at", gap=GAP)


pipeline = Pipeline(
    "features.session_features",
    sources={"events": delta_table("features/events", sample_by="user_id")},
    steps=[sessions],
    outputs=[
        table(
            "features/session_features",
            of=sessions,
            mode="merge",
            key=["user_id", "session_start"],
            recompute_by="user_id",
        ),
    ],
)
