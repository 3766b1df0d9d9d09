"""Numbers made safe for a model: cut into buckets, and with a declared default where there is none."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_absent, require_columns, require_one_of, require_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    Number = int | float | Decimal
    Default = Number | str | bool | date


def bucketize(
    rows: pl.LazyFrame,
    column: str,
    breaks: Sequence[Number],
    *,
    into: str,
    labels: Sequence[str] | None = None,
    closed: str = "left",
) -> pl.LazyFrame:
    """Add the number of the bucket that a value lies in. One row per row given, in the same order.

    The breaks b0 < b1 < ... are declared, so that a bucket means the same for every batch. Bucket 0 is below b0, bucket
    1 from b0 to below b1, the last from the last break up; `closed="right"` counts a break to the bucket below it.
    Null and NaN have no bucket (null). Decimals are compared exactly. Lazy, streaming, row by row; the work is rows x
    breaks. Adds `into`: Int64, or String where labels name the buckets, one more than breaks.

    Raises:
        TransformError: at definition, when the column is no number or `into` is there already, breaks do not ascend, or
            labels do not fit them.

    >>> users = pl.LazyFrame({"age": [17, 18, 70, None]})
    >>> groups = users.pipe(bucketize, "age", [18, 65], into="group", labels=["minor", "adult", "senior"])
    >>> groups.collect()["group"].to_list()
    ['minor', 'adult', 'senior', None]
    """
    schema = require_columns(rows, "bucketize", [column])
    require_absent(schema, "bucketize", [into])
    require_one_of("bucketize", "closed", closed, ["left", "right"])
    dtype = require_type(schema, "bucketize", column, lambda kind: kind.is_numeric(), "numbers")
    _require_breaks(breaks, labels)
    value = pl.col(column).fill_nan(None) if dtype.is_float() else pl.col(column)
    ends = [Decimal(str(end)) if dtype.is_decimal() else end for end in breaks]
    above = [value >= end if closed == "left" else value > end for end in ends]
    bucket = pl.sum_horizontal(above).cast(pl.Int64) if labels is None else _named(above, labels)
    return rows.with_columns(pl.when(value.is_not_null()).then(bucket).alias(into))


def with_defaults(rows: pl.LazyFrame, defaults: Mapping[str, Default], *, mark: str | None = None) -> pl.LazyFrame:
    """Put a declared default where a column has no usable value. One row per row given, in the same order.

    Null is no usable value, of floats neither are NaN and the infinite. The columns named in `defaults` are changed in
    place and keep their type; none of them holds a null, NaN or infinite value afterwards. With `mark="_is_default"` a
    column `{column}_is_default` (Boolean) says where the default stands, which a model can learn from. Lazy, streaming,
    row by row.

    Raises:
        TransformError: at definition, when a column is not there, a default is not a finite value of the column's type,
            or a mark would write over a column.

    >>> users = pl.LazyFrame({"income": [1.5, float("nan"), None]})
    >>> users.pipe(with_defaults, {"income": 0.0}, mark="_is_default").collect().rows()
    [(1.5, False), (0.0, True), (0.0, True)]
    """
    schema = require_columns(rows, "with_defaults", defaults)
    require_absent(schema, "with_defaults", [] if mark is None else [f"{name}{mark}" for name in defaults])
    filled, marks = [], []
    for name, default in defaults.items():
        value = _default_of(name, default, schema[name])
        missing = pl.col(name).is_null()
        if schema[name].is_float():
            missing |= pl.col(name).is_finite().not_()
        filled.append(pl.when(missing).then(value).otherwise(pl.col(name)).alias(name))
        if mark is not None:
            marks.append(missing.alias(f"{name}{mark}"))
    return rows.with_columns(*filled, *marks)


def _named(above: Sequence[pl.Expr], labels: Sequence[str]) -> pl.Expr:
    """The label of the last break that a value is above; the first label where it is above none."""
    # NOTE: replace_strict of numbers by labels would leave the streaming engine (polars 2.1).
    name: pl.Expr = pl.lit(labels[0])
    for is_above, label in zip(above, labels[1:], strict=True):
        name = pl.when(is_above).then(pl.lit(label)).otherwise(name)
    return name


def _require_breaks(breaks: Sequence[Number], labels: Sequence[str] | None) -> None:
    """Refuse breaks that are no ascending finite numbers, and labels that are too few or too many."""
    ascending = all(isfinite(end) for end in breaks) and all(before < after for before, after in pairwise(breaks))
    if not breaks or not ascending:
        raise TransformError(f"bucketize: breaks={list(breaks)} must be finite numbers, one or more, ascending")
    if labels is not None and len(labels) != len(breaks) + 1:
        raise TransformError(
            f"bucketize: got {len(labels)} labels for {len(breaks)} breaks, expected one more than breaks"
        )


def _default_of(name: str, default: object, dtype: pl.DataType) -> pl.Expr:
    """A default as a value of the column's own type, without loss."""
    try:
        value = pl.Series([default], dtype=dtype, strict=True)
        kept = (
            default is not None and value.item() == default and not (isinstance(default, bool) and dtype != pl.Boolean)
        )
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        kept = False
    if not kept or (isinstance(default, float) and not isfinite(default)):
        raise TransformError(
            f"with_defaults: the default of '{name}' is {default!r}, expected a finite value of {dtype}"
        )
    return pl.lit(value.item(), dtype=dtype)
