"""What the windows share: sums per group, with the caller's aggregates beside their own columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl
from polars import selectors as cs

from framework.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOMENTS = "Datetime (read text with str.to_datetime and its format)"
DAYS_OR_MOMENTS = "Date or Datetime (read text with str.to_date or str.to_datetime and its format)"
UNSIGNED = (pl.UInt8, pl.UInt16, pl.UInt32)


def is_datetime(dtype: pl.DataType) -> bool:
    """Whether a column holds moments."""
    return isinstance(dtype, pl.Datetime)


def is_day_or_datetime(dtype: pl.DataType) -> bool:
    """Whether a column holds days or moments."""
    return isinstance(dtype, pl.Date | pl.Datetime)


def summed_up(
    rows: pl.LazyFrame,
    groups: Sequence[str],
    own: Mapping[str, pl.Expr],
    aggregates: Mapping[str, pl.Expr],
    where: str,
) -> pl.LazyFrame:
    """Give one row per group, null being a group of its own. Unsigned counts become Int64, which every table can hold.

    Raises:
        TransformError: at definition, when two columns would have the same name.
    """
    require_distinct([*groups, *own, *aggregates], where)
    asked = [aggregate.alias(name) for name, aggregate in {**own, **aggregates}.items()]
    counts = cs.by_name([*own, *aggregates]) & cs.by_dtype(UNSIGNED)
    return rows.group_by(*groups).agg(asked).with_columns(counts.cast(pl.Int64))


def require_distinct(names: Sequence[str], where: str) -> None:
    """Refuse a result in which two columns would have the same name.

    Raises:
        TransformError: at definition, naming them.
    """
    twice = [f"'{name}'" for name, count in Counter(names).items() if count > 1]
    if twice:
        raise TransformError(
            f"{where}: two columns of the result would be named {', '.join(twice)}; rename one of each"
        )
