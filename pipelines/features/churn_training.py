"""The training set of the churn model: who is gone for two weeks after a cut-off. Made as a whole, so one version fits.

Users are split, not rows, in the same shares of those who left among the users of each first cut-off: what a later
cut-off brings moves nobody who was there before.
"""

import polars as pl

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.transforms import split_by_key
from pipelines.features.featurizers import FEATURIZERS
from pipelines.features.learning import count_labels, encode_examples, learn
from schemas.features import ChurnExample, ChurnTraining, Cutoff, Encoding, Features, Label, LabelCount

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
KEY = ("user_id", "as_of")


@step(returns=LabelCount)
def label_counts(labels: LazyFrame[Label]) -> pl.LazyFrame:
    """Count what is left out: one row per cut-off. Lazy."""
    return count_labels(labels, "churned")


@step(returns=Cutoff)
def cutoffs(labels: LazyFrame[Label]) -> pl.LazyFrame:
    """Keep the cut-offs of users whose label is known: one row per example. Lazy."""
    return labels.filter(pl.col("churned").is_not_null()).select(KEY)


@step(returns=ChurnExample)
def examples(features: LazyFrame[Features], labels: LazyFrame[Label], seed: int = 7) -> pl.LazyFrame:
    """Put features and labels together and split them by user: one row per example. Lazy."""
    first = pl.struct("as_of", "churned").sort_by("as_of").first().over("user_id")
    return (
        features.join(labels.select(*KEY, "churned"), on=KEY)
        .with_columns(first.struct.rename_fields(["first_as_of", "first_churned"]).struct.unnest())
        .pipe(split_by_key, SHARES, key="user_id", seed=seed, strata=("first_as_of", "first_churned"))
        .drop("first_as_of", "first_churned")
    )


@step(returns=Encoding)
def encodings(examples: LazyFrame[ChurnExample]) -> pl.LazyFrame:
    """Learn from the training split. Lazy."""
    return learn(examples, "churned")


@step(returns=ChurnTraining)
def churn_training(examples: LazyFrame[ChurnExample], encodings: LazyFrame[Encoding]) -> pl.LazyFrame:
    """Encode the examples: one row per example. Lazy."""
    return encode_examples(examples, encodings, "churned", "_churn")


pipeline = Pipeline(
    "features.churn_training",
    sources={
        "labels": delta_table("features/labels", sample_by="user_id"),
        "users": delta_table("features/users", sample_by="user_id"),
        "user_days": delta_table("features/user_days", sample_by="user_id"),
    },
    steps=[label_counts, cutoffs, *FEATURIZERS, examples, encodings, churn_training],
    outputs=[
        table("features/churn_labels", of=label_counts),
        table("features/churn_encodings", of=encodings),
        table("features/churn_training", of=churn_training),
    ],
)
