"""How far what is served has moved from what the models were trained on."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import drift as measure_drift
from pipelines.features.featurizers import CATEGORIES, NUMBERS
from schemas.features import ChurnTraining, Drift, ServingFeatures

SEEN_DAYS = 7
"""Labels are given to users seen in the week before, so only such users are compared."""
WATCHED = (*CATEGORIES, "tenure_days", "events_7d", "sessions_7d", "phone_share_7d", "spend_7d")
"""The others follow the calendar: a single day its weekday, longer windows the history, until it fills them."""
LARGE = 0.25
"""The population stability index from which a shift is called large."""


@step(returns=Drift)
def drift(serving_features: LazyFrame[ServingFeatures], churn_training: LazyFrame[ChurnTraining]) -> pl.LazyFrame:
    """Hold the features of users served against those of the training split: one row per feature. Lazy."""
    served = serving_features.filter(pl.col("days_since_active") <= SEEN_DAYS)
    training = churn_training.filter(pl.col("split") == "train")
    is_large = pl.col("psi").ge(LARGE).fill_null(value=False)
    return (
        served.pipe(measure_drift, training, [*NUMBERS, *CATEGORIES])
        .rename({"column": "feature"})
        .with_columns(is_watched=pl.col("feature").is_in(WATCHED))
        .with_columns(is_drifting=pl.col("is_watched") & is_large)
    )


pipeline = Pipeline(
    "features.drift",
    sources={
        "serving_features": delta_table("features/serving_features", sample_by="user_id"),
        "churn_training": delta_table("features/churn_training", sample_by="user_id"),
    },
    steps=[drift],
    outputs=[table("features/drift", of=drift)],
)
