"""The newest features of every user, as both models take them: a table, and JSON feature vectors."""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, json_file, step, table
from pipelines.features.featurizers import FEATURIZERS, NUMBERS
from pipelines.features.learning import encode_rows, encoded_columns
from schemas.features import Cutoff, Encoding, Features, FeatureVector, ServingFeatures, User, UserDay

VECTOR = (*NUMBERS, *encoded_columns("_churn"), *encoded_columns("_spend_cents"))
"""What the vector holds, in this order. New features go to the end."""


@step(returns=Cutoff)
def cutoffs(users: LazyFrame[User], user_days: LazyFrame[UserDay]) -> pl.LazyFrame:
    """Ask for every user with a profile or any activity, after the newest day of all: one row per user. Lazy."""
    newest = user_days.select(as_of=pl.col("last_active_day").max() + pl.duration(days=1)).drop_nulls()
    known = pl.concat([users.select("user_id"), user_days.select("user_id")]).unique()
    return known.join(newest, how="cross")


@step(returns=ServingFeatures)
def serving_features(
    features: LazyFrame[Features], churn_encodings: LazyFrame[Encoding], value_encodings: LazyFrame[Encoding]
) -> pl.LazyFrame:
    """Encode with what both models have learned: one row per user. Lazy."""
    return features.pipe(encode_rows, churn_encodings, "_churn").pipe(encode_rows, value_encodings, "_spend_cents")


@step(returns=FeatureVector)
def serving(serving_features: LazyFrame[ServingFeatures]) -> pl.LazyFrame:
    """Put the numbers into one vector: one row per user. Lazy."""
    return serving_features.select(
        "user_id",
        "as_of",
        names=pl.concat_list(pl.lit(name) for name in VECTOR),
        vector=pl.concat_list(VECTOR),
    )


pipeline = Pipeline(
    "features.serving",
    sources={
        "users": delta_table("features/users", sample_by="user_id"),
        "user_days": delta_table("features/user_days", sample_by="user_id"),
        "churn_encodings": delta_table("features/churn_encodings"),
        "value_encodings": delta_table("features/value_encodings"),
    },
    steps=[cutoffs, *FEATURIZERS, serving_features, serving],
    outputs=[
        table("features/serving_features", of=serving_features),
        table("features/serving", of=serving),
        json_file("features/serving.json", of=serving, order_by="user_id"),
    ],
)
