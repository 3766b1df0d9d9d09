"""Rows that came after their window was thought to be complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import duration_of, require_absent, require_columns, require_type
from framework.transforms.windows.aggregating import MOMENTS, is_datetime

if TYPE_CHECKING:
    from datetime import timedelta


def mark_late(
    rows: pl.LazyFrame, *, time: str, arrived: str, allowed: str | timedelta, into: str = "is_late"
) -> pl.LazyFrame:
    """Say which rows arrived more than `allowed` after the time they are about. One row per row given, in order.

    A row that arrived exactly `allowed` later is not late, nor is one that arrived before its time. Where one of the
    times is null, so is the mark. Times are compared to the microsecond. Adds `into` (Boolean).

    This is lateness of each row by itself ("allowed lateness" of Akidau et al., The Dataflow Model, PVLDB 8(12), 2015).
    There is no watermark, since that would depend on the rows seen before. What late rows do to results is settled by
    the table that is written: with `recompute_by` the windows that they touch are computed again, from all their rows.

    Lazy, streaming.

    Raises:
        TransformError: at definition, when a column is not there or no Datetime, only one of the two has a zone, or
            `allowed` cannot be read.

    >>> from datetime import datetime
    >>> times = {"at": [datetime(2024, 1, 1), datetime(2024, 1, 1)]}
    >>> rows = pl.LazyFrame(times | {"loaded_at": [datetime(2024, 1, 2), datetime(2024, 1, 2, 0, 1)]})
    >>> late = rows.pipe(mark_late, time="at", arrived="loaded_at", allowed="1d")
    >>> late.collect()["is_late"].to_list()
    [False, True]
    """
    schema = require_columns(rows, "mark_late", [time, arrived])
    require_absent(schema, "mark_late", [into])
    zones = [_zone(require_type(schema, "mark_late", name, is_datetime, MOMENTS)) for name in (time, arrived)]
    if (zones[0] is None) != (zones[1] is None):
        without = time if zones[0] is None else arrived
        fix = "say which zone its times are in with dt.replace_time_zone"
        raise TransformError(f"mark_late: column '{without}' has no zone and the other has; {fix}")
    moments = [pl.col(name).dt.convert_time_zone("UTC").dt.cast_time_unit("us") for name in (time, arrived)]
    delay = moments[1] - moments[0]
    return rows.with_columns((delay > duration_of(allowed, "mark_late", "allowed")).alias(into))


def _zone(dtype: pl.DataType) -> str | None:
    return dtype.time_zone if isinstance(dtype, pl.Datetime) else None
