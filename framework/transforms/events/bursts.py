"""Traffic of machines, told by its speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import duration_of, names_of, require_absent, require_columns, require_type

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta


def mark_bursts(
    rows: pl.LazyFrame,
    *,
    by: str | Sequence[str],
    time: str,
    limit: int,
    within: str | timedelta,
    into: str = "is_burst",
) -> pl.LazyFrame:
    """Mark the rows of a key that come faster than `limit` in `within`. One row per row given, in the same order.

    A row is marked when some window [s, s + within) of time holds it and more than `limit` rows of its key in all: the
    whole burst is marked, from its first row on, and not only what exceeds the limit. Windows slide freely; their end
    is not in them, so that one row a second is 60 in a minute, never 61. Work grows with the number of rows only,
    however many a key has.

    Lazy, streaming. Rows with a null in their key or time are in no window: they are not marked. The mark is never
    null. Adds `into`.

    Raises:
        TransformError: at definition, when a column is not there, the time is no Datetime, or the limit is below 1.

    >>> from datetime import datetime, timedelta
    >>> start = datetime(2024, 1, 1)
    >>> seconds = [0, 1, 2, 90]
    >>> clicks = pl.LazyFrame({"ip": ["10.0.0.1"] * 4, "at": [start + timedelta(seconds=s) for s in seconds]})
    >>> clicks.pipe(mark_bursts, by="ip", time="at", limit=2, within="1m").collect()["is_burst"].to_list()
    [True, True, True, False]
    """
    keys = names_of(by)
    schema = require_columns(rows, "mark_bursts", [*keys, time])
    require_type(schema, "mark_bursts", time, lambda t: isinstance(t, pl.Datetime), "Datetime")
    require_absent(schema, "mark_bursts", [into])
    if not keys:
        raise TransformError("mark_bursts: `by` names no key")
    if limit < 1:
        raise TransformError(f"mark_bursts: limit={limit} must be 1 or more")
    length = duration_of(within, "mark_bursts", "within")
    placed = pl.all_horizontal(pl.col(*keys, time).is_not_null())
    return rows.with_columns((placed & _in_burst(time, limit, length).over(keys, order_by=time)).alias(into))


def _in_burst(time: str, limit: int, length: timedelta) -> pl.Expr:
    """Over the rows of one key in order of time: whether one of the `limit` rows before, or the row, begins a burst.

    A row begins one where the row `limit` places on comes within the length. Null times stand first and begin none.
    """
    place = pl.int_range(pl.len())
    begins = pl.col(time).shift(-limit) - pl.col(time) < length
    last_begin = pl.when(begins).then(place).forward_fill()
    return (place - last_begin <= limit).fill_null(value=False)
