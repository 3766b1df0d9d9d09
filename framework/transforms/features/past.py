"""What was known of an entity before a row: earlier values, and aggregates of all or of the last of its past.

In every function here the past of a row is *strictly* past: rows of the same entity at an earlier time. The row itself
and rows of the same instant do not count, since which of them came first is not known; so a target or a spend cannot
enter its own features. `include_current` counts all rows of the instant as well, the row itself among them. Rows whose
key or time is null have null features, and count in nobody's past.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import duration_of, require_some
from framework.transforms.features.running import (
    WIDEST,
    Stretch,
    aggregate_of,
    require_aggregates,
    require_entities,
    where_known,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def lags(
    rows: pl.LazyFrame,
    columns: str | Sequence[str],
    *,
    by: str | Sequence[str],
    time: str,
    steps: int | Sequence[int] = 1,
) -> pl.LazyFrame:
    """Add the values of an entity's earlier rows. One row per row given, in the same order.

    `{column}_lag_{n}` is the value in the n-th last row of the row's past, as it stands there (a null stays null); null
    also where the past is shorter. Past rows of one instant are in the order of their values in `columns`, from left to
    right, nulls first, so that all lags of a step come from one row. Lazy, streaming; holds the rows of an entity.

    Raises:
        TransformError: at definition, when a column is not there or would be written over, or a step is below 1.

    >>> from datetime import date
    >>> visits = pl.LazyFrame(
    ...     {"user": ["ann"] * 3, "day": [date(2024, 1, 2), date(2024, 1, 1), date(2024, 1, 2)], "pages": [5, 3, 7]}
    ... )
    >>> visits.pipe(lags, "pages", by="user", time="day").collect()["pages_lag_1"].to_list()
    [3, None, 3]
    """
    where, names = "lags", require_some("lags", "columns", columns)
    back = [steps] if isinstance(steps, int) else list(steps)
    if not back or min(back) < 1:
        raise TransformError(f"lags: steps={steps} must be one number or several, each 1 or above")
    adds = [f"{name}_lag_{step}" for name in names for step in back]
    _, keys = require_entities(rows, where, by, time, reads=names, adds=adds)
    before = pl.col(time).rank("min").cast(pl.Int64) - 1  # how many rows of the entity are strictly past
    order = [time, *names]
    found = []
    for name in names:
        ordered = pl.col(name).sort_by(order, nulls_last=[True, *[False] * len(names)])
        for step in back:
            earlier = ordered.gather(pl.when(before >= step).then(before - step)).over(keys)
            found.append(where_known(earlier, [*keys, time]).alias(f"{name}_lag_{step}"))
    return rows.with_columns(found)


def expanding(
    rows: pl.LazyFrame,
    aggregates: Mapping[str, tuple[str, str]],
    *,
    by: str | Sequence[str],
    time: str,
    include_current: bool = False,
) -> pl.LazyFrame:
    """Add aggregates of an entity's whole past. One row per row given, in the same order.

    Each aggregate is `name: (column, how)`, how being sum, count, mean, min or max. Null and NaN values do not count.
    Without any value sum and count are 0, mean, min and max null. Integers and booleans give Int64; decimals are exact,
    as Decimal(38) of their scale; floats, and every mean, give Float64. Lazy, streaming; holds the rows of an entity.

    Raises:
        TransformError: at definition, when a column is not there, is no number or would be written over, or an
            aggregate is unknown.

    >>> from datetime import date
    >>> orders = pl.LazyFrame(
    ...     {"user": ["ann"] * 3, "day": [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 2)], "paid": [5, 3, 7]}
    ... )
    >>> spent = orders.pipe(expanding, {"paid_before": ("paid", "sum")}, by="user", time="day")
    >>> spent.collect()["paid_before"].to_list()
    [0, 5, 5]
    """
    return _add("expanding", rows, aggregates, by, time, None, include_current=include_current)


def rolling(
    rows: pl.LazyFrame,
    aggregates: Mapping[str, tuple[str, str]],
    *,
    by: str | Sequence[str],
    time: str,
    window: str | timedelta,
    include_current: bool = False,
) -> pl.LazyFrame:
    """Add aggregates of the last stretch of an entity's past. One row per row given, in the same order.

    For a row at t these are the rows from `t - window` to before t, in exact hours (`7d` is 168 h, also where clocks
    change); with `include_current`, those after `t - window` up to and with t. Aggregates, types and nulls are those of
    `expanding`. Sums of floats run, so they carry the rounding errors of the largest value that has passed. Lazy,
    streaming, linear however many rows a window holds; holds the rows of an entity.

    Raises:
        TransformError: at definition, when a column is not there, is no number or would be written over, an aggregate
            is unknown, or the window is no length of time.

    >>> from datetime import date
    >>> orders = pl.LazyFrame(
    ...     {"user": ["ann"] * 3, "day": [date(2024, 1, 1), date(2024, 1, 5), date(2024, 1, 9)], "paid": [5, 3, 7]}
    ... )
    >>> week = orders.pipe(rolling, {"paid_7d": ("paid", "sum")}, by="user", time="day", window="7d")
    >>> week.collect()["paid_7d"].to_list()
    [0, 5, 3]
    """
    width = duration_of(window, "rolling", "window")
    return _add("rolling", rows, aggregates, by, time, width, include_current=include_current)


def _add(
    where: str,
    rows: pl.LazyFrame,
    aggregates: Mapping[str, tuple[str, str]],
    by: str | Sequence[str],
    time: str,
    width: timedelta | None,
    *,
    include_current: bool,
) -> pl.LazyFrame:
    """Add aggregates of the past, of all of it where no width is given."""
    require_aggregates(where, aggregates)
    columns = [column for column, _ in aggregates.values()]
    schema, keys = require_entities(rows, where, by, time, reads=columns, adds=aggregates)
    nanoseconds = isinstance(dtype := schema[time], pl.Datetime) and dtype.time_unit == "ns"
    ticks = WIDEST if width is None else (width // timedelta(microseconds=1)) * (1000 if nanoseconds else 1)
    stretch = Stretch(keys, time, "ns" if nanoseconds else "us", min(ticks, WIDEST), include_current)
    return rows.with_columns(
        where_known(aggregate_of(schema, where, column, how, stretch), [*keys, time]).alias(name)
        for name, (column, how) in aggregates.items()
    )
