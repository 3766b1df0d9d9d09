"""Featurizers that every model and the serving share: cut-offs in, model-safe features out.

A pipeline that has the sources `users` and `user_days` and a step `cutoffs` (one row per user and `as_of`) takes
`FEATURIZERS` into its steps. That training and serving run the same steps is what keeps them from drifting apart.
"""

from collections.abc import Callable
from typing import Any

import polars as pl

from framework import LazyFrame, step
from framework.transforms import as_of, with_defaults
from schemas.features import Cutoff, Features, ProfiledCutoff, User, UserDay

NUMBERS = (
    "tenure_days",
    "days_since_active",
    "events_7d",
    "events_28d",
    "events_lag_1",
    "events_lag_7",
    "sessions_7d",
    "sessions_28d",
    "checkouts_28d",
    "orders_28d",
    "phone_share_7d",
    "spend_7d",
    "spend_28d",
    "spend_before",
    "active_days_before",
)
CATEGORIES = ("plan", "country")
LONG_AGO_DAYS = 365.0
DEFAULTS: dict[str, float | str] = {
    **dict.fromkeys(NUMBERS, 0.0),
    "days_since_active": LONG_AGO_DAYS,
    **dict.fromkeys(CATEGORIES, "unknown"),
}
"""What stands for a value that is not known, to the model as in training."""


@step(returns=ProfiledCutoff)
def profiled_cutoffs(cutoffs: LazyFrame[Cutoff], users: LazyFrame[User]) -> pl.LazyFrame:
    """Add the profile of the last export before each cut-off. One row per cut-off; null without one. Lazy.

    The export of the day itself comes after the day has begun, so it is not known yet.
    """
    profiles = users.select("user_id", "exported", *CATEGORIES, "signed_up")
    return cutoffs.pipe(as_of, profiles, by="user_id", time="as_of", features_time="exported").select(
        "user_id", "as_of", *CATEGORIES, tenure_days=(pl.col("as_of") - pl.col("signed_up")).dt.total_days()
    )


@step(returns=Features)
def features(profiled_cutoffs: LazyFrame[ProfiledCutoff], user_days: LazyFrame[UserDay]) -> pl.LazyFrame:
    """Add what the user had done before each cut-off. One row per cut-off; unknown values have their defaults. Lazy.

    A row of `user_days` tells of the time before its day, so that of the day itself counts. Amounts become floats here:
    models take nothing else.
    """
    known = profiled_cutoffs.pipe(
        as_of, user_days, by="user_id", time="as_of", features_time="day", same_instant=True
    ).with_columns(
        days_since_active=(pl.col("as_of") - pl.col("last_active_day")).dt.total_days(),
        phone_share_7d=pl.col("phone_events_7d") / pl.col("events_7d"),
    )
    return known.select("user_id", "as_of", *CATEGORIES, *(pl.col(name).cast(pl.Float64) for name in NUMBERS)).pipe(
        with_defaults, DEFAULTS
    )


FEATURIZERS: list[Callable[..., Any]] = [profiled_cutoffs, features]
