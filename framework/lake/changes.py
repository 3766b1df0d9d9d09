"""Which values of a column have other rows now than at an earlier version of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.core.frames import PROVENANCE
from framework.lake.delta import open_table

MARKS = ("_count", "_high", "_low")

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.storage import StorageLocation


def changed_values(
    lake: StorageLocation, table: str, *, since: int | None, version: int, columns: Sequence[str]
) -> pl.DataFrame | None:
    """Find the values of columns whose rows differ between two versions of a table.

    Only files that were added or removed in between are read. Rows that were rewritten unchanged cancel out: per value
    the number of rows and the sums of their hashes are compared. Where a row came from is no difference.

    Returns:
        One row per value; None when the difference cannot be told (no earlier version, or it is no longer readable),
        so that everything must count as changed.
    """
    if since is None:
        return None
    then, now = open_table(lake, table, since), open_table(lake, table, version)
    if then is None or now is None or then.schema != now.schema:
        return None
    before, after = {f.path: f for f in then.files()}, {f.path: f for f in now.files()}
    gone = [f for path, f in before.items() if path not in after]
    added = [f for path, f in after.items() if path not in before]
    content = [name for name in now.schema if name not in PROVENANCE]
    signed = [
        handle.scan_files(files).select(
            *columns, *((part * sign).alias(name) for name, part in _marks(content).items())
        )
        for handle, files, sign in ((then, gone, -1), (now, added, 1))
        if files
    ]
    if not signed:
        return pl.DataFrame(schema={name: now.schema[name] for name in columns})
    sums = pl.concat(signed).group_by(columns).agg(pl.col(MARKS).sum())
    differing = sums.filter(pl.any_horizontal(pl.col(MARKS) != 0)).select(columns)
    try:
        return differing.collect(engine="streaming")
    except FileNotFoundError:
        return None  # a removed file has been vacuumed away


def _marks(columns: Sequence[str]) -> dict[str, pl.Expr]:
    """What a row adds to its value's sums: one, and the halves of its 64-bit hash, so that billions of rows fit."""
    hashed = pl.struct(columns).hash(seed=0)
    halves = (hashed // 2**32, hashed % 2**32)
    return dict(zip(MARKS, (pl.lit(1, dtype=pl.Int64), *(half.cast(pl.Int64) for half in halves)), strict=True))
