"""What both models learn from their training split, and how their examples and the serving are encoded with it."""

import polars as pl

from framework.transforms import (
    encode,
    encode_out_of_fold,
    fit_frequency_encoding,
    fit_target_encoding,
    with_defaults,
)
from pipelines.features.featurizers import CATEGORIES

COUNTED = "country"
"""The category whose share of the training rows is a feature as well."""


def count_labels(labels: pl.LazyFrame, label: str) -> pl.LazyFrame:
    """Count labels, and those that are not known: one row per cut-off. Lazy."""
    return labels.group_by("as_of").agg(
        labels=pl.len().cast(pl.Int64), unlabelled=pl.col(label).null_count().cast(pl.Int64)
    )


def learn(examples: pl.LazyFrame, target: str) -> pl.LazyFrame:
    """Fit the encodings of a model: one row per way, column and category. Only training rows count. Lazy."""
    training = examples.filter(pl.col("split") == "train")
    rates = training.pipe(fit_target_encoding, CATEGORIES, target=target)
    shares = training.pipe(fit_frequency_encoding, COUNTED)
    return pl.concat([rates.with_columns(way=pl.lit("target")), shares.with_columns(way=pl.lit("frequency"))])


def encode_examples(examples: pl.LazyFrame, encodings: pl.LazyFrame, target: str, suffix: str) -> pl.LazyFrame:
    """Encode examples: one row per example, without order. Lazy.

    Training rows have what the other users of the training split taught, so that no label stands among its own
    features; all others have what all of the training split taught.
    """
    is_training = pl.col("split") == "train"
    training = examples.filter(is_training).pipe(
        encode_out_of_fold, CATEGORIES, target=target, key="user_id", suffix=suffix
    )
    others = examples.filter(~is_training).pipe(encode, _of(encodings, "target"), CATEGORIES, suffix=suffix)
    both = pl.concat([training, others], how="diagonal").pipe(
        encode, _of(encodings, "frequency"), COUNTED, suffix=f"{suffix}_share"
    )
    return both.pipe(with_defaults, dict.fromkeys(encoded_columns(suffix), 0.0))


def encode_rows(rows: pl.LazyFrame, encodings: pl.LazyFrame, suffix: str) -> pl.LazyFrame:
    """Encode rows that no model has seen: one row per row given. Lazy."""
    return (
        rows.pipe(encode, _of(encodings, "target"), CATEGORIES, suffix=suffix)
        .pipe(encode, _of(encodings, "frequency"), COUNTED, suffix=f"{suffix}_share")
        .pipe(with_defaults, dict.fromkeys(encoded_columns(suffix), 0.0))
    )


def encoded_columns(suffix: str) -> list[str]:
    """Name the columns that a model's encodings add."""
    return [*(f"{name}{suffix}" for name in CATEGORIES), f"{COUNTED}{suffix}_share"]


def _of(encodings: pl.LazyFrame, way: str) -> pl.LazyFrame:
    return encodings.filter(pl.col("way") == way).drop("way")
