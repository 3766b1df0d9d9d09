"""Rows of a frame for people and for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from framework.cli.output import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

WIDEST_TEXT = 40


def show_frame(frame: pl.DataFrame, **facts: Any) -> None:
    """Show the rows of a frame as a table, or with `--json` as objects with exact values."""
    document = {
        **facts,
        "columns": {name: str(dtype) for name, dtype in frame.schema.items()},
        "rows": plain_rows(frame),
    }
    show(document, lambda: frame_lines(frame))


def plain_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as objects with exact values, for JSON."""
    return [{name: _exact(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]


def _exact(value: Any) -> Any:
    """A value JSON can hold; what it cannot (dates, decimals, bytes) as text."""
    if isinstance(value, dict):
        return {name: _exact(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        return str(value)
    return value


def frame_lines(frame: pl.DataFrame) -> Iterator[str]:
    """Lay the rows of a frame out as a table; without rows: its columns."""
    import polars as pl

    if not frame.height:
        yield f"no rows; columns: {', '.join(f'{name} ({dtype})' for name, dtype in frame.schema.items())}"
        return
    with pl.Config(
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_width_chars=10_000,
        fmt_str_lengths=WIDEST_TEXT,
        fmt_table_cell_list_len=3,
        tbl_hide_dataframe_shape=True,
        tbl_formatting="NOTHING",
    ):
        yield from (line.rstrip() for line in str(frame).splitlines())


def parsed_raw(row: dict[str, Any]) -> dict[str, Any]:
    """A quarantined row with its raw values as an object, where they are JSON."""
    try:
        return {**row, "raw": json.loads(row["raw"])}
    except (TypeError, ValueError):  # not JSON: as it is
        return row
