"""Where a row came from: its file's time and path, and its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.core.frames import PROVENANCE, SOURCE_FILE, SOURCE_LINE, SOURCE_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.core.plan import FileInput

PROVENANCE_TYPES = pl.Schema(dict(zip(PROVENANCE, (pl.Datetime("us", "UTC"), pl.String(), pl.Int64()), strict=True)))
START = "_start"


def file_frame(rows: pl.DataFrame, file: FileInput) -> pl.DataFrame:
    """Add a file's path and time to its rows, which have their lines."""
    return rows.with_columns(_time(file).alias(SOURCE_TIME), pl.lit(file.path).alias(SOURCE_FILE))


def _time(file: FileInput) -> pl.Expr:
    return pl.lit(file.modified).dt.cast_time_unit("us").dt.convert_time_zone("UTC")


def locate_rows(rows: pl.LazyFrame, counts: Sequence[tuple[FileInput, int]], *, first: int) -> pl.LazyFrame:
    """Turn the running number of rows of one scan over several files into file, time and line.

    Args:
        rows: The scan, with a row index (from 0) named `SOURCE_LINE`, in the order of the files.
        counts: Each file with the number of its rows: exact, or every later row is misplaced.
        first: The line of a file's first row.

    Lazy and streaming: an as-of join on the row index, which costs next to nothing.
    """
    if len(counts) == 1:
        file = counts[0][0]
        line = pl.col(SOURCE_LINE).cast(pl.Int64) + first
        return rows.with_columns(line, _time(file).alias(SOURCE_TIME), pl.lit(file.path).alias(SOURCE_FILE))
    starts, start = [], 0
    for file, count in counts:
        if count:
            starts.append((start, file.modified, file.path))
            start += count
    schema = {START: pl.get_index_type(), SOURCE_TIME: pl.Datetime("us", "UTC"), SOURCE_FILE: pl.String}
    files = pl.LazyFrame(starts, schema=schema, orient="row").set_sorted(START)
    located = rows.set_sorted(SOURCE_LINE).join_asof(
        files, left_on=SOURCE_LINE, right_on=START, strategy="backward", coalesce=False
    )
    line = pl.col(SOURCE_LINE).cast(pl.Int64) - pl.col(START).cast(pl.Int64) + first
    return located.with_columns(line.alias(SOURCE_LINE)).drop(START)
