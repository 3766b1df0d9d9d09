"""Two aggregates side by side: per group what each side comes to, and the groups in which the two do not agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.sql import read_sql
from framework.core.rule import read_tolerance

if TYPE_CHECKING:
    from framework.core.rule import Agreement, Side

VALUE, LEFT, RIGHT, DIFFERENCE = "_agreed_value", "_agreed_left", "_agreed_right", "_agreed_difference"
IN_LEFT, IN_RIGHT, AGREE = "_agreed_in_left", "_agreed_in_right", "_agreed"
GROUPS, FOUND = "_agreed_groups", "_agreed_found"
NOISE = 1e-9
"""Sums of floats may differ by so much of the larger one: they depend on the order of the rows."""
LARGEST_SCALE = 12
"""So many places behind the point are compared exactly; beyond, as floats."""


def expression_of(side: Side, schema: pl.Schema) -> pl.Expr:
    """The aggregate of a side, which may be SQL, over rows of a schema.

    Raises:
        SchemaError: when its text is no expression in SQL.
    """
    return read_sql(side.value, schema) if isinstance(side.value, str) else side.value


def group_names(rule: Agreement) -> list[str]:
    """What groups are called on both sides: as on the left."""
    return list(rule.left.by)


def side_value(rule: Agreement, side: Side, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Aggregate the rows of one side: one row per group, or one in all. Lazy.

    Columns: the groups, called as on the left, and the value.
    """
    value = expression_of(side, rows.collect_schema()).alias(VALUE)
    if not side.by:
        return rows.select(value)
    pairs = zip(side.by, rule.left.by, strict=True)
    return rows.group_by(pl.col(own).alias(name) for own, name in pairs).agg(value)


def differing(rule: Agreement, left: pl.LazyFrame, right: pl.LazyFrame) -> pl.LazyFrame:
    """Give the groups in which the two sides do not agree, the largest differences first. Lazy.

    Columns: the groups; both values, and the difference where there is one; whether each side has the group; how many
    groups there are, and how many differ.

    Args:
        rule: The agreement.
        left: What `side_value` gave of the left side.
        right: What it gave of the right side.
    """
    names = group_names(rule)
    marked = (
        left.rename({VALUE: LEFT}).with_columns(pl.lit(value=True).alias(IN_LEFT)),
        right.rename({VALUE: RIGHT}).with_columns(pl.lit(value=True).alias(IN_RIGHT)),
    )
    joined = (
        marked[0].join(marked[1], on=names, how="full", nulls_equal=True, coalesce=True)
        if names
        else pl.concat(marked, how="horizontal")
    )
    schema = joined.collect_schema()
    is_there = [pl.col(mark).fill_null(value=False).alias(mark) for mark in (IN_LEFT, IN_RIGHT)]
    compared = joined.with_columns(*is_there, _difference(schema).alias(DIFFERENCE))
    agree = pl.col(IN_LEFT) & pl.col(IN_RIGHT) & _agree(rule, schema)
    counted = compared.with_columns(agree.alias(AGREE)).with_columns(
        pl.len().alias(GROUPS), (~pl.col(AGREE)).sum().alias(FOUND)
    )
    order = [pl.col(DIFFERENCE).abs(), *map(pl.col, names)]
    return counted.filter(~pl.col(AGREE)).sort(order, descending=[True, *[False] * len(names)], nulls_last=False)


def _difference(schema: pl.Schema) -> pl.Expr:
    """Left less right in a type that holds it; null where it says nothing."""
    common = _common(schema[LEFT], schema[RIGHT])
    if common is None:
        return pl.lit(None, dtype=pl.Float64)
    return pl.col(LEFT).cast(common, strict=False) - pl.col(RIGHT).cast(common, strict=False)


def _common(left: pl.DataType, right: pl.DataType) -> pl.DataType | None:
    """The type in which two values are compared; None for what is no number."""
    if not (left.is_numeric() and right.is_numeric()):
        return None
    if left.is_float() or right.is_float():
        return pl.Float64()
    scales = [dtype.scale for dtype in (left, right) if isinstance(dtype, pl.Decimal)]
    scale = max(scales, default=0)
    return pl.Decimal(38, scale) if scale <= LARGEST_SCALE else pl.Float64()


def _agree(rule: Agreement, schema: pl.Schema) -> pl.Expr:
    """Whether two values agree; true where both are null, false where one is or either is not a number."""
    common = _common(schema[LEFT], schema[RIGHT])
    if common is None:
        return pl.col(LEFT).eq_missing(pl.col(RIGHT))
    read = read_tolerance(rule.within)
    within, is_percent = read if read is not None else (0, False)
    left, right = pl.col(LEFT).cast(pl.Float64), pl.col(RIGHT).cast(pl.Float64)
    larger, apart = pl.max_horizontal(left.abs(), right.abs()), (left - right).abs()
    is_noise = (left == right) | ((apart <= larger * NOISE) & apart.is_finite())
    if is_percent:
        is_near = (apart * 100 <= pl.lit(float(within)) * larger) & apart.is_finite() | (left == right)
    elif common == pl.Float64:
        is_near = apart <= pl.lit(float(within))
    else:  # where the difference is too large for a decimal, there is none
        is_near = pl.coalesce(_difference(schema).abs() <= pl.lit(within), is_noise)
    if common == pl.Float64:
        is_near = (is_near | is_noise) & left.is_not_nan() & right.is_not_nan()
    both_null = pl.col(LEFT).is_null() & pl.col(RIGHT).is_null()
    return both_null | is_near.fill_null(value=False)
