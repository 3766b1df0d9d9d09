"""How far the values of columns have moved away from those of a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_columns, require_some
from framework.transforms.features.categories import category_of

if TYPE_CHECKING:
    from collections.abc import Sequence

EMPTY = 0.0001
"""The least share that a bin counts with, on either side: the logarithm of 0 has no value."""
MISSING = -1
"""The bin of null and NaN."""


def drift(rows: pl.LazyFrame, reference: pl.LazyFrame, columns: str | Sequence[str], *, bins: int = 10) -> pl.LazyFrame:
    """Measure how the values of columns differ from those of a reference. One row per column, in the order given.

    `psi` is the population stability index, the sum over bins of `(a - e) * ln(a / e)`, e being the share of the
    reference's rows in a bin and a that of the rows; a share below 0.0001 counts as that, and a bin that is empty on
    both sides is none. Numbers and times are put in bins of the reference's quantiles: a value lies in bin
    `floor(bins * q)`, q being the share of the reference's values below it (in the last bin where it is above all of
    them). Text and booleans have a bin per value. Null and NaN have a bin of their own. Usual readings: below 0.1
    little, to 0.25 some, above it a large shift (N. Siddiqi, Credit Risk Scorecards, 2006).

    `ks` is the Kolmogorov-Smirnov statistic of numbers and times without null and NaN, the largest distance of the two
    cumulative shares; null for text and booleans, or without values on a side. For n and m values a distance above
    `1.36 * sqrt((n + m) / (n * m))` happens by chance in 5 of 100 cases. (N. Smirnov, 1948.)

    Gives column, psi, ks, rows and reference_rows (Int64, all of them). Without rows on a side psi is null. Lazy,
    streaming; holds the distinct values of a column, decimals as floats.

    Raises:
        TransformError: at definition, when a column is not there or of another type in the two, or bins are below 2.

    >>> reference = pl.LazyFrame({"age": range(100)})
    >>> older = pl.LazyFrame({"age": range(20, 120)})
    >>> older.pipe(drift, reference, "age").select("column", pl.col("psi", "ks").round(3), "rows").collect().rows()
    [('age', 1.6, 0.2, 100)]
    """
    names = require_some("drift", "columns", columns)
    if bins < 2:  # noqa: PLR2004 - one bin holds everything on both sides
        raise TransformError(f"drift: bins={bins} must be 2 or above")
    schema = require_columns(rows, "drift", names)
    theirs = require_columns(reference, "drift, reference", names)
    measured = []
    for name in names:
        if schema[name] != theirs[name]:
            raise TransformError(
                f"drift: column '{name}' is {schema[name]}, that of the reference {theirs[name]}; cast one"
            )
        value, ordered = _value_of(schema, name)
        counts = _counts(rows.select(value), reference.select(value))
        binned = _by_quantile(counts, bins) if ordered else _by_value(counts)
        measured.append(_measured(binned, name))
    return pl.concat(measured)


def _value_of(schema: pl.Schema, name: str) -> tuple[pl.Expr, bool]:
    """What is compared of a column, null where nothing is, and whether it has an order."""
    dtype = schema[name]
    value = pl.col(name)
    if dtype.is_float() or dtype.is_decimal():
        value = value.cast(pl.Float64).fill_nan(None)
    elif dtype.is_temporal():
        value = value.to_physical()
    elif not dtype.is_integer():
        return category_of(schema, "drift", name).alias("value"), False
    return value.alias("value"), True


def _counts(rows: pl.LazyFrame, reference: pl.LazyFrame) -> pl.LazyFrame:
    """How many rows each value has on the two sides. One row per value, null among them."""
    marked = [reference.with_columns(is_reference=pl.lit(True)), rows.with_columns(is_reference=pl.lit(False))]
    return (
        pl.concat(marked)
        .group_by("value")
        .agg(
            pl.col("is_reference").sum().cast(pl.Int64).alias("expected"),
            pl.col("is_reference").not_().sum().cast(pl.Int64).alias("actual"),
        )
    )


def _by_value(counts: pl.LazyFrame) -> pl.LazyFrame:
    """One bin per value, null among them; without an order there is no distance."""
    return counts.select("expected", "actual", pl.lit(None, pl.Float64).alias("distance"))


def _by_quantile(counts: pl.LazyFrame, bins: int) -> pl.LazyFrame:
    """One row per bin: its counts, and the largest distance of the cumulative shares at its values."""
    value, is_value = pl.col("value"), pl.col("value").is_not_null()
    total = {side: pl.col(side).filter(is_value).sum() for side in ("expected", "actual")}
    until = {side: pl.col(side).cum_sum() for side in total}
    below = until["expected"] - pl.col("expected")
    quantile = pl.when(total["expected"] > 0).then((below * bins // total["expected"]).clip(0, bins - 1)).otherwise(0)
    gap = (until["expected"] / total["expected"] - until["actual"] / total["actual"]).abs().fill_nan(None)
    return (
        counts.sort(value, nulls_last=True)
        .select(
            "expected",
            "actual",
            pl.when(is_value).then(quantile).otherwise(MISSING).alias("bin"),
            pl.when(is_value).then(gap).alias("distance"),
        )
        .group_by("bin")
        .agg(pl.col("expected", "actual").sum(), pl.col("distance").max())
    )


def _measured(binned: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """The one row of a column, from its bins."""
    both = (pl.col("expected").sum() > 0) & (pl.col("actual").sum() > 0)
    share = {side: (pl.col(side) / pl.col(side).sum()).clip(EMPTY, None) for side in ("expected", "actual")}
    shift = (share["actual"] - share["expected"]) * (share["actual"] / share["expected"]).log()
    return binned.select(
        pl.lit(name).alias("column"),
        pl.when(both).then(shift.sum()).alias("psi"),
        pl.when(both).then(pl.col("distance").max()).alias("ks"),
        pl.col("actual").sum().alias("rows"),
        pl.col("expected").sum().alias("reference_rows"),
    )
