"""Tumbling windows: hours, local days, months, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.transforms.arguments import names_of, require_absent, require_columns
from framework.transforms.windows.aggregating import summed_up
from framework.transforms.windows.grid import grid_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

START = "window_start"
END = "window_end"


def tumbling(
    rows: pl.LazyFrame,
    aggregates: Mapping[str, pl.Expr],
    *,
    time: str,
    every: str,
    by: str | Sequence[str] = (),
    zone: str | None = None,
) -> pl.LazyFrame:
    """Sum up rows in windows that lie side by side. One row per key and window that has rows; order is not kept.

    `every` is one length in Polars' text: days, weeks from Monday, months, quarters or years (`1d`, `1w`, `1mo`, `1q`,
    `1y`), or a length of time that divides 24 hours (`15m`, `1h`, `6h`).

    Days are those of `zone`, or else of the zone that the times carry: they begin at local midnight and have 23 or 25
    hours where clocks change. What is shorter than a day is counted in elapsed time from the day's begin and ends with
    it at the latest: hourly batches are 23, 24 or 25, and the hour that a clock shows twice is two windows.

    Gives the key, `window_start`, `window_end` (the first moment after it) in that zone, and the aggregates, whose
    unsigned counts become Int64. For a column of dates the bounds are dates. Rows without a time are summed up too, in
    one window per key whose bounds are null; a null key is a key of its own.

    Lazy; streaming where the aggregates are (medians and lists are not).

    Raises:
        TransformError: at definition, when a column is not there, the time is neither Date nor Datetime, `every` or
            `zone` cannot be read, times without a zone are to be cut in one, or two columns would have one name.

    >>> from datetime import UTC, datetime
    >>> at = [datetime(2024, 10, 26, 21, 59, tzinfo=UTC), datetime(2024, 10, 26, 22, 0, tzinfo=UTC)]
    >>> clicks = pl.LazyFrame({"at": at})
    >>> days = clicks.pipe(tumbling, {"clicks": pl.len()}, time="at", every="1d", zone="Europe/Berlin")
    >>> hours = (pl.col("window_end") - pl.col("window_start")).dt.total_hours()
    >>> days.sort("window_start").select(pl.col("window_start").dt.date(), "clicks", hours=hours).collect().rows()
    [(datetime.date(2024, 10, 26), 1, 24), (datetime.date(2024, 10, 27), 1, 25)]
    """
    keys = names_of(by)
    schema = require_columns(rows, "tumbling", [*keys, time])
    grid = grid_of(schema, "tumbling", time, every, zone)
    require_absent(pl.Schema({name: schema[name] for name in keys}), "tumbling", [START, END])
    placed = rows.with_columns(grid.key(pl.col(time)).alias(KEY))
    summed = summed_up(placed, [*keys, KEY], {}, aggregates, "tumbling")
    bounds = [grid.start(pl.col(KEY)).alias(START), grid.end(pl.col(KEY)).alias(END)]
    return summed.select(*keys, *bounds, *aggregates)


KEY = "__window"
"""A column that is gone again in the result."""
