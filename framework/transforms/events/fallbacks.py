"""Last known values in place of missing ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import duration_of, names_of, require_absent, require_columns, require_type

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta


def fill_last_known(
    rows: pl.LazyFrame,
    columns: str | Sequence[str],
    *,
    by: str | Sequence[str],
    order: str,
    max_age: str | timedelta | None = None,
    mark: str = "is_fallback",
) -> pl.LazyFrame:
    """Fill nulls with the last known value of the same key, no older than `max_age`. One row per row given, same order.

    Lazy, streaming. Every column for itself: the values of one row may come from different earlier rows. A value comes
    from a row that is earlier by `order`, never from a later one or one of the same time; where several rows of that
    earlier time know one, the greatest holds. An age of exactly `max_age` is within it; a last known value that is
    older leaves the null, as does a key without one; ages are counted between instants where times have a zone, and
    between wall clocks where they have none. A row with a null in its key or `order` is neither filled nor
    filled from. `mark` is true where any of the columns was filled, false elsewhere, never null. Adds `mark`.

    Raises:
        TransformError: at definition, when a column is not there or has no order (objects), when `mark` is there
            already, or an age is asked for and `order` is no Date or Datetime.

    >>> from datetime import date
    >>> days = [date(2024, 1, day) for day in (1, 2, 9)]
    >>> rates = pl.LazyFrame({"pair": ["EURUSD"] * 3, "day": days, "rate": [1.1, None, None]})
    >>> filled = rates.pipe(fill_last_known, "rate", by="pair", order="day", max_age="7d")
    >>> filled.select("rate", "is_fallback").collect().rows()
    [(1.1, False), (1.1, True), (None, False)]
    """
    names, keys = names_of(columns), names_of(by)
    schema = require_columns(rows, "fill_last_known", [*names, *keys, order])
    require_absent(schema, "fill_last_known", [mark])
    _require_named(names, keys, order)
    for name in [*names, order]:
        require_type(schema, "fill_last_known", name, _has_order, "a type with an order")
    age = None if max_age is None else duration_of(max_age, "fill_last_known", "max_age")
    if age is not None:
        require_type(schema, "fill_last_known", order, _is_time, "Date or Datetime, which an age is counted in")
    known = {name: _last_known(name, keys, order, age) for name in names}
    filled = [pl.col(name).is_null() & last.is_not_null() for name, last in known.items()]
    values = [pl.coalesce(pl.col(name), last).alias(name) for name, last in known.items()]
    return rows.with_columns(*values, pl.any_horizontal(filled).alias(mark))


def _last_known(name: str, keys: list[str], order: str, age: timedelta | None) -> pl.Expr:
    """The last value known before each row; null where there is none, it is too old, or the row is without key or time.

    Within one time, nulls stand before values: so a null never sees a value of its own time. Rows without a key or time
    give no value, and see none: they are a key of their own, or stand before all others.
    """
    placed = pl.all_horizontal(pl.col(*keys, order).is_not_null())
    value = pl.when(placed).then(pl.col(name))
    last = value.forward_fill().over(keys, order_by=[order, name])
    if age is None:
        return last
    known_at = pl.when(value.is_not_null()).then(pl.col(order)).forward_fill().over(keys, order_by=[order, name])
    return pl.when(pl.col(order) - known_at <= age).then(last)


def _require_named(names: list[str], keys: list[str], order: str) -> None:
    """Refuse to fill nothing, for nobody, or what says whose and when a row is."""
    if not names or not keys:
        what = "`by` names no key" if names else "`columns` names nothing to fill"
        raise TransformError(f"fill_last_known: {what}")
    both = [name for name in names if name in [*keys, order]]
    if both:
        raise TransformError(
            f"fill_last_known: column '{both[0]}' is to be filled, but it is in `by` or `order` as well"
        )


def _has_order(dtype: pl.DataType) -> bool:
    return not dtype.is_object()


def _is_time(dtype: pl.DataType) -> bool:
    return isinstance(dtype, (pl.Date, pl.Datetime))
