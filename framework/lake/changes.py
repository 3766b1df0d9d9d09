"""Which values of a column have other rows now than at an earlier version of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.core.frames import PROVENANCE
from framework.lake.delta import open_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.storage import StorageLocation


def changed_values(
    lake: StorageLocation, table: str, *, since: int | None, version: int, columns: Sequence[str]
) -> pl.DataFrame | None:
    """Find the values of columns whose rows differ between two versions of a table.

    Only files that were added or removed in between are read. Rows that were rewritten unchanged cancel out: per value
    the number of rows and the sum of their hashes are compared. Where a row came from (its provenance) is no difference.

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
            *columns, _count=pl.lit(sign, dtype=pl.Int64), _hash=_hash(content) * pl.lit(sign, dtype=pl.Int64)
        )
        for handle, files, sign in ((then, gone, -1), (now, added, 1))
        if files
    ]
    if not signed:
        return pl.DataFrame(schema={name: now.schema[name] for name in columns})
    sums = pl.concat(signed).group_by(columns).agg(pl.col("_count", "_hash").sum())
    differing = sums.filter((pl.col("_count") != 0) | (pl.col("_hash") != 0)).select(columns)
    try:
        return differing.collect(engine="streaming")
    except FileNotFoundError:
        return None  # a removed file has been vacuumed away


def _hash(columns: Sequence[str]) -> pl.Expr:
    """A hash per row, small enough that billions of them add up without overflow."""
    return (pl.struct(columns).hash(seed=0) // 2**32).cast(pl.Int64)
