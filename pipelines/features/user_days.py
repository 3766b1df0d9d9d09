"""What was known of each user when a day began. Only users with other events or payments are computed again."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import expanding, fill_calendar, lags, rolling
from schemas.features import AMOUNT, DatedEvent, DayActivity, Session, Transaction, UserDay

EMPTY_AFTER = pl.duration(days=29)
"""So long after the last active day even the longest window, of 28 days, holds nothing."""
COUNTS = ("events", "phone_events", "checkouts", "sessions", "orders")
WEEK = ("events", "phone_events", "sessions", "spend")
MONTH = ("events", "sessions", "checkouts", "orders", "spend")
KEY = ("user_id", "day")


@step(returns=DayActivity)
def day_activity(
    events: LazyFrame[DatedEvent], sessions: LazyFrame[Session], transactions: LazyFrame[Transaction]
) -> pl.LazyFrame:
    """Sum events, sessions and payments up to one row per user and active day. Lazy."""
    done = events.group_by(KEY).agg(
        events=pl.len().cast(pl.Int64),
        phone_events=(pl.col("device") == "phone").sum().cast(pl.Int64),
        checkouts=(pl.col("kind") == "checkout").sum().cast(pl.Int64),
    )
    begun = sessions.group_by("user_id", day=pl.col("session_start").dt.date()).agg(sessions=pl.len().cast(pl.Int64))
    paid = transactions.group_by("user_id", day=pl.col("at").dt.date()).agg(
        orders=pl.len().cast(pl.Int64), spend=pl.col("amount").sum()
    )
    return (
        pl.concat([done, begun, paid], how="diagonal")
        .group_by(KEY)
        .agg(pl.col(*COUNTS, "spend").sum())
        .with_columns(pl.col("spend").cast(AMOUNT))
    )


@step(returns=UserDay)
def user_days(day_activity: LazyFrame[DayActivity]) -> pl.LazyFrame:
    """Look back from the beginning of every day: one row per user and day, the day itself left out. Lazy."""
    active = day_activity.with_columns(active_day=pl.col("day").dt.epoch("d").cast(pl.Int64))
    ends = day_activity.group_by("user_id").agg(day=pl.col("day").max() + EMPTY_AFTER)
    days = pl.concat([active, ends], how="diagonal").pipe(fill_calendar, by="user_id", time="day", every="1d")
    return (
        days.with_columns(pl.col(*COUNTS, "spend").fill_null(0))
        .pipe(rolling, {f"{name}_7d": (name, "sum") for name in WEEK}, by="user_id", time="day", window="7d")
        .pipe(rolling, {f"{name}_28d": (name, "sum") for name in MONTH}, by="user_id", time="day", window="28d")
        .pipe(
            expanding,
            {
                "spend_before": ("spend", "sum"),
                "active_days_before": ("active_day", "count"),
                "last_active_day": ("active_day", "max"),
            },
            by="user_id",
            time="day",
        )
        .pipe(lags, "events", by="user_id", time="day", steps=(1, 7))
        .with_columns(pl.col("last_active_day").cast(pl.Int32).cast(pl.Date))
        .select(*UserDay.to_schema().columns)
    )


pipeline = Pipeline(
    "features.user_days",
    sources={
        "events": delta_table("features/events", sample_by="user_id"),
        "sessions": delta_table("features/session_features", sample_by="user_id"),
        "transactions": delta_table("features/transactions", sample_by="user_id"),
    },
    steps=[day_activity, user_days],
    outputs=[table("features/user_days", of=user_days, mode="merge", key=KEY, recompute_by="user_id")],
)
