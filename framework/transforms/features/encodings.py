"""Categories as numbers learned from training rows; what was learned is a table of its own.

An encoding table has one row per feature and category, and one row per feature for everything else: `feature` (the
column it was learned from), `value` (the category as text; null is a category), `is_prior` (true in the row for
unknown categories, whose value is null), `encoding` (Float64), `rows` (Int64, how many training rows it rests on).
Store it like any table; a model then names the version it was trained with, and `encode` applies that version later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_absent, require_columns, require_some, require_type
from framework.transforms.features.categories import category_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ENCODINGS = {
    "feature": pl.String(),
    "value": pl.String(),
    "is_prior": pl.Boolean(),
    "encoding": pl.Float64(),
    "rows": pl.Int64(),
}
VALUE, ANY, LEARNED, PRIOR = "__encode_value", "__encode_any", "__encode_learned", "__encode_prior"
"""Columns while the plan runs."""


def fit_target_encoding(
    training: pl.LazyFrame, columns: str | Sequence[str], *, target: str, smoothing: float = 10.0
) -> pl.LazyFrame:
    """Learn for each category the mean of a target, drawn towards the mean of all rows. One row per category; no order.

    With n rows of a category, their sum s, the mean p of all rows and m the smoothing, the encoding is
    `(s + m * p) / (n + m)` (m-estimate): m counts like that many rows of the mean, so rare categories keep near it. The
    row of unknown categories holds p; without any training rows, null. Rows whose target is null or NaN teach nothing.
    Give it training rows only; for those rows themselves use `encode_out_of_fold`, since each has its own target in
    here. Lazy, streaming. Sums are exact for integers and booleans, and to rounding for floats and decimals.
    (D. Micci-Barreca, A Preprocessing Scheme for High-Cardinality Categorical Attributes, 2001.)

    Raises:
        TransformError: at definition, when a column is not there or does not fit, or smoothing is negative.

    >>> training = pl.LazyFrame({"city": ["Rome", "Rome", "Oslo"], "bought": [1, 1, 0]})
    >>> learned = training.pipe(fit_target_encoding, "city", target="bought", smoothing=1)
    >>> learned.select("value", "is_prior", pl.col("encoding").round(3), "rows").sort("value").collect().rows()
    [(None, True, 0.667, 3), ('Oslo', False, 0.333, 1), ('Rome', False, 0.889, 2)]
    """
    where, names = "fit_target_encoding", require_some("fit_target_encoding", "columns", columns)
    schema = require_columns(training, where, [*names, target])
    require_smoothing(where, smoothing)
    number = target_of(schema, where, target)
    learned = []
    for name in names:
        value = category_of(schema, where, name).alias("value")
        known = training.select(value, number.alias("sum")).drop_nulls("sum")
        sums = known.group_by("value").agg(pl.col("sum").sum(), pl.len().cast(pl.Int64).alias("rows"))
        prior = mean_of(pl.col("sum").sum(), pl.col("rows").sum())
        categories = sums.with_columns(smoothed(pl.col("sum"), pl.col("rows"), prior, smoothing).alias("encoding"))
        unknown = sums.select(prior.alias("encoding"), pl.col("rows").sum())
        learned += [_table(unknown, name, is_prior=True), _table(categories, name, is_prior=False)]
    return pl.concat(learned)


def fit_frequency_encoding(training: pl.LazyFrame, columns: str | Sequence[str]) -> pl.LazyFrame:
    """Learn for each category its share of the rows. One row per category, and one for unknown ones (0); no order.

    Null is a category. Lazy, streaming.

    Raises:
        TransformError: at definition, when a column is not there or none of text, integers and booleans.

    >>> training = pl.LazyFrame({"city": ["Rome", "Rome", "Oslo", None]})
    >>> learned = training.pipe(fit_frequency_encoding, "city").filter(~pl.col("is_prior"))
    >>> learned.select("value", "encoding", "rows").sort("value").collect().rows()
    [(None, 0.25, 1), ('Oslo', 0.25, 1), ('Rome', 0.5, 2)]
    """
    where, names = "fit_frequency_encoding", require_some("fit_frequency_encoding", "columns", columns)
    schema = require_columns(training, where, names)
    learned = []
    for name in names:
        value = category_of(schema, where, name).alias("value")
        counts = training.group_by(value).agg(pl.len().cast(pl.Int64).alias("rows"))
        categories = counts.with_columns((pl.col("rows") / pl.col("rows").sum()).alias("encoding"))
        unknown = counts.select(pl.lit(0.0).alias("encoding"), pl.col("rows").sum())
        learned += [_table(unknown, name, is_prior=True), _table(categories, name, is_prior=False)]
    return pl.concat(learned)


def encode(
    rows: pl.LazyFrame, encodings: pl.LazyFrame, columns: str | Sequence[str], *, suffix: str = "_encoded"
) -> pl.LazyFrame:
    """Add what was learned of each row's categories. One row per row given, in the same order.

    A category that is not in the table, or a null where training rows had none, gets the value for unknown ones.
    Categories compare as text, so integers of another width fit. A table that has nothing of a column, or a category
    twice, fails the run (Polars' ComputeError, "expected a single value"). Lazy, streaming. Adds `{column}{suffix}`
    (Float64).

    Raises:
        TransformError: at definition, when a column is not there or would be written over, or the table is none of
            `fit_target_encoding` or `fit_frequency_encoding`.

    >>> training = pl.LazyFrame({"city": ["Rome", "Rome", "Oslo", "Oslo"], "bought": [1, 1, 0, 0]})
    >>> learned = training.pipe(fit_target_encoding, "city", target="bought", smoothing=0)
    >>> users = pl.LazyFrame({"city": ["Oslo", "Rome", "Lima"]})
    >>> users.pipe(encode, learned, "city").collect()["city_encoded"].to_list()
    [0.0, 1.0, 0.5]
    """
    names = require_some("encode", "columns", columns)
    schema = require_columns(rows, "encode", names)
    table = require_columns(encodings, "encode, encodings", ENCODINGS)
    for column, dtype in ENCODINGS.items():
        require_type(table, "encode, encodings", column, dtype.is_, str(dtype))
    require_absent(schema, "encode", [*(f"{name}{suffix}" for name in names), VALUE, ANY, LEARNED, PRIOR])
    encoded = rows
    for name in names:
        of_name = encodings.filter(pl.col("feature") == name)
        learned = of_name.filter(pl.col("is_prior").not_()).group_by(pl.col("value").alias(VALUE))
        unknown = of_name.filter("is_prior").select(pl.col("encoding").item().alias(PRIOR), pl.lit(1).alias(ANY))
        found = encoded.with_columns(category_of(schema, "encode", name).alias(VALUE), pl.lit(1).alias(ANY))
        found = join_each(found, learned.agg(pl.col("encoding").item().alias(LEARNED)), VALUE)
        found = join_each(found, unknown, ANY)
        either = pl.coalesce(LEARNED, PRIOR).alias(f"{name}{suffix}")
        encoded = found.with_columns(either).drop(VALUE, ANY, LEARNED, PRIOR)
    return encoded


def target_of(schema: pl.Schema, where: str, target: str) -> pl.Expr:
    """Give a target as numbers, null where it teaches nothing.

    Raises:
        TransformError: at definition, when it is neither numbers nor booleans.
    """
    fits = "numbers or booleans"
    dtype = require_type(schema, where, target, lambda kind: kind.is_numeric() or kind == pl.Boolean, fits)
    if dtype.is_float() or dtype.is_decimal():
        return pl.col(target).cast(pl.Float64).fill_nan(None)
    return pl.col(target).cast(pl.Int64)


def require_smoothing(where: str, smoothing: float) -> None:
    """Refuse a smoothing that is no number of rows.

    Raises:
        TransformError: at definition.
    """
    if not 0 <= smoothing < float("inf"):
        raise TransformError(f"{where}: smoothing={smoothing} must be 0 or above: as how many rows the mean counts")


def mean_of(total: pl.Expr, count: pl.Expr) -> pl.Expr:
    """Give a mean, null of nothing."""
    return pl.when(count > 0).then(total.cast(pl.Float64) / count)


def smoothed(total: pl.Expr, count: pl.Expr, prior: pl.Expr, smoothing: float) -> pl.Expr:
    """Give the m-estimate of a category's mean; of no rows the prior, whatever the smoothing."""
    return pl.when(count > 0).then((total.cast(pl.Float64) + prior * smoothing) / (count + smoothing)).otherwise(prior)


def join_each(rows: pl.LazyFrame, table: pl.LazyFrame, on: str) -> pl.LazyFrame:
    """Give rows, in their order, with what a table of one row per key says; null is a key."""
    # NOTE: validate="m:1" would leave the streaming engine (polars 2.1).
    return rows.join(table, on=on, how="left", nulls_equal=True, maintain_order="left")


def _table(learned: pl.LazyFrame, feature: str, *, is_prior: bool) -> pl.LazyFrame:
    """Rows of an encoding table, in its columns and types."""
    value = pl.lit(None, pl.String).alias("value") if is_prior else pl.col("value")
    return learned.select(
        pl.lit(feature).alias("feature"), value, pl.lit(is_prior).alias("is_prior"), "encoding", "rows"
    )
