"""Encodings for the training rows themselves, of which none is learned from the row that gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_absent, require_columns, require_some
from framework.transforms.features.categories import category_of
from framework.transforms.features.encodings import join_each, mean_of, require_smoothing, smoothed, target_of
from framework.transforms.hashing import hash_fraction

if TYPE_CHECKING:
    from collections.abc import Sequence

SALT = int.from_bytes(b"folds")
"""Sets folds apart from samples and splits by the same key."""
FOLD, VALUE = "__folds_fold", "__folds_value"
"""Columns while the plan runs."""
MOST_FOLDS = 50


def encode_out_of_fold(
    training: pl.LazyFrame,
    columns: str | Sequence[str],
    *,
    target: str,
    key: str | Sequence[str],
    folds: int = 5,
    smoothing: float = 10.0,
    suffix: str = "_encoded",
) -> pl.LazyFrame:
    """Add target encodings to the rows they are learned from. One row per row given, in the same order.

    Rows are put in folds by the hash of their key; each gets what `fit_target_encoding` learns from the other folds,
    their mean included. So neither a row's own target nor that of another row of its key (a user's) enters its
    encoding, which `encode` could not promise for training rows. The folds follow from the key alone, whatever the
    order of rows; null is a key like any other. Where the other folds have no target at all, null. New rows get the
    encoding fitted on all training rows. Lazy, streaming. Adds `{column}{suffix}` (Float64), which `encode` adds too.
    (D. Micci-Barreca, 2001; out-of-fold estimates are the stacking of D. Wolpert, Stacked Generalization, 1992.)

    Raises:
        TransformError: at definition, when a column is not there, of a type that does not fit, or would be written
            over, or folds are not from 2 to 50.

    >>> training = pl.LazyFrame({"id": range(6), "city": ["Rome"] * 6, "bought": [1, 0, 0, 0, 0, 0]})
    >>> found = training.pipe(encode_out_of_fold, "city", target="bought", key="id", folds=2, smoothing=0).collect()
    >>> found["city_encoded"].to_list()
    [0.0, 0.0, 0.5, 0.5, 0.5, 0.5]
    """
    where = "encode_out_of_fold"
    names, keys = require_some(where, "columns", columns), require_some(where, "key", key)
    schema = require_columns(training, where, [*names, target, *keys])
    require_absent(schema, where, [*(f"{name}{suffix}" for name in names), FOLD, VALUE])
    require_smoothing(where, smoothing)
    if not 2 <= folds <= MOST_FOLDS:  # noqa: PLR2004 - with one fold there are no others
        raise TransformError(f"{where}: folds={folds} must be from 2 to {MOST_FOLDS}")
    fold_of = (hash_fraction(schema, keys, seed=SALT, where=where) * folds).cast(pl.Int64).alias(FOLD)
    number = target_of(schema, where, target)
    encoded = training
    for name in names:
        value = category_of(schema, where, name).alias(VALUE)
        learned = _learned(training.select(value, fold_of, number.alias("number")), folds, smoothing)
        found = join_each(encoded.with_columns(value, fold_of), learned, VALUE)
        own = pl.coalesce(pl.when(pl.col(FOLD) == fold).then(_without(fold)) for fold in range(folds))
        encoded = found.with_columns(own.alias(f"{name}{suffix}")).drop(VALUE, FOLD, *map(_without, range(folds)))
    return encoded


def _learned(pairs: pl.LazyFrame, folds: int, smoothing: float) -> pl.LazyFrame:
    """For each category one column per fold: the encoding learned without it.

    Sums of the other folds are added up, never taken off the whole: a fold's own targets do not enter even by rounding.
    """
    in_fold = [pl.col(FOLD) == fold for fold in range(folds)]
    number = pl.col("number")
    sums = pairs.group_by(VALUE).agg(
        *(number.filter(where).sum().alias(f"sum_{fold}") for fold, where in enumerate(in_fold)),
        *(number.filter(where).count().cast(pl.Int64).alias(f"rows_{fold}") for fold, where in enumerate(in_fold)),
    )
    learned = []
    for fold in range(folds):
        others = [other for other in range(folds) if other != fold]
        total = pl.sum_horizontal(f"sum_{other}" for other in others)
        rows = pl.sum_horizontal(f"rows_{other}" for other in others)
        learned.append(smoothed(total, rows, mean_of(total.sum(), rows.sum()), smoothing).alias(_without(fold)))
    return sums.select(VALUE, *learned)


def _without(fold: int) -> str:
    """The column of what is learned without a fold."""
    return f"__folds_without_{fold}"
