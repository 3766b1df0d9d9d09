"""The training set of the value model: what a user spends in the two weeks after a cut-off, split by time.

Outcomes look 14 days ahead, so those of late training rows reach into the time of the validation. With a long history
give `embargo_days=14`: the cut-offs of so many days after the end of a split are then set apart as `embargo`.
"""

from datetime import date, timedelta

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import split_by_time
from pipelines.features.featurizers import FEATURIZERS
from pipelines.features.learning import count_labels, encode_examples, learn
from schemas.features import Cutoff, Encoding, Features, Label, LabelCount, ValueExample, ValueTraining

KEY = ("user_id", "as_of")
CENTS = (pl.col("spend_next_14d") * 100).cast(pl.Int64)
"""Whole numbers add up to the same sum in any order."""


@step(returns=LabelCount)
def label_counts(labels: LazyFrame[Label]) -> pl.LazyFrame:
    """Count what is left out: one row per cut-off. Lazy."""
    return count_labels(labels, "spend_next_14d")


@step(returns=Cutoff)
def cutoffs(labels: LazyFrame[Label]) -> pl.LazyFrame:
    """Keep the cut-offs of users whose spend is known: one row per example. Lazy."""
    return labels.filter(pl.col("spend_next_14d").is_not_null()).select(KEY)


@step(returns=ValueExample)
def examples(
    features: LazyFrame[Features],
    labels: LazyFrame[Label],
    train_until: date = date(2024, 1, 11),
    validation_until: date = date(2024, 1, 13),
    embargo_days: int = 0,
) -> pl.LazyFrame:
    """Put features and spend together and split them by cut-off; the ends are exclusive. One row per example. Lazy."""
    ends = {"train": train_until, "validation": validation_until, "test": None}
    embargo = timedelta(days=embargo_days)
    is_apart = pl.any_horizontal(
        pl.col("as_of").is_between(end, end + embargo, closed="left") for end in (train_until, validation_until)
    )
    return (
        features.join(labels.select(*KEY, "spend_next_14d"), on=KEY)
        .pipe(split_by_time, ends, time="as_of")
        .with_columns(split=pl.when(is_apart).then(pl.lit("embargo")).otherwise("split"))
    )


@step(returns=Encoding)
def encodings(examples: LazyFrame[ValueExample]) -> pl.LazyFrame:
    """Learn from the training split. Lazy."""
    return learn(examples.with_columns(spend_cents=CENTS), "spend_cents")


@step(returns=ValueTraining)
def value_training(examples: LazyFrame[ValueExample], encodings: LazyFrame[Encoding]) -> pl.LazyFrame:
    """Encode the examples: one row per example. Lazy."""
    rows = examples.with_columns(spend_cents=CENTS)
    return encode_examples(rows, encodings, "spend_cents", "_spend_cents").drop("spend_cents")


pipeline = Pipeline(
    "features.value_training",
    sources={
        "labels": delta_table("features/labels", sample_by="user_id"),
        "users": delta_table("features/users", sample_by="user_id"),
        "user_days": delta_table("features/user_days", sample_by="user_id"),
    },
    steps=[label_counts, cutoffs, *FEATURIZERS, examples, encodings, value_training],
    outputs=[
        table("features/value_labels", of=label_counts),
        table("features/value_encodings", of=encodings),
        table("features/value_training", of=value_training),
    ],
)
