"""The quarantine: one table per pipeline, `_quarantine/<pipeline>`, with every row and file that was not accepted.

A row's `state` says what has become of it: `open` (broke a rule), `waiting` (only its reference is unknown yet),
`released` (its reference became known and it was accepted), `superseded` (its file was delivered again).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from framework.lake.delta import open_table
from framework.lake.merge import Staged
from framework.lake.stage import StagingArea

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.lake.delta import TableHandle
    from framework.storage import StorageLocation

FOLDER = "_quarantine"
PENDING = ("open", "waiting")
IDENTITY = ("source", "file", "file_time", "line")

SCHEMA = pl.Schema(
    {
        "source": pl.String(),
        "file": pl.String(),
        "file_time": pl.Datetime("us", "UTC"),
        "line": pl.Int64(),
        "reasons": pl.List(pl.String()),
        "raw": pl.String(),
        "run_id": pl.String(),
        "seq": pl.Int64(),
        "quarantined_at": pl.Datetime("us", "UTC"),
        "state": pl.String(),
    }
)
"""One row per quarantined row or file (a file has no line). `raw`: its values as read, JSON."""


def table_name(pipeline: str) -> str:
    """The name of a pipeline's quarantine table."""
    return f"{FOLDER}/{pipeline}"


def waiting_rows(lake: StorageLocation, pipeline: str, version: int, source: str) -> pl.LazyFrame:
    """The rows of a source that wait for a reference at a version of the quarantine, lazy."""
    handle = open_table(lake, table_name(pipeline), version)
    if handle is None:
        return pl.LazyFrame(schema=SCHEMA)
    return handle.scan().filter((pl.col("state") == "waiting") & (pl.col("source") == source))


def reconcile(
    handle: TableHandle,
    area: StagingArea,
    *,
    taken: pl.LazyFrame | None,
    redelivered: Sequence[tuple[str, str]],
    afresh: bool,
) -> Staged:
    """Reconcile newly quarantined rows with the quarantine.

    Args:
        handle: The quarantine table, pinned.
        area: The rows that this run quarantined.
        taken: The waiting rows that this run has judged again: those it did not quarantine again are released.
        redelivered: (source, file) pairs that were delivered with other content: what is pending of them is superseded.
        afresh: Everything was judged from scratch: what was pending is replaced.
    """
    staged = area.files()
    existing = handle.files()
    pending = [f for f in existing if dict(f.partition)["state"] in PENDING]
    if afresh:
        return Staged(handle, staged, pending)
    fresh = _scan(area, staged)
    closed: list[pl.LazyFrame] = []
    removes: list[Any] = []
    if taken is not None:
        closed.append(_as(taken.join(fresh, on=IDENTITY, how="anti", nulls_equal=True), "released"))
        removes = [f for f in pending if dict(f.partition)["state"] == "waiting"]
    if redelivered:
        gone = pl.LazyFrame(redelivered, schema={"source": pl.String, "file": pl.String}, orient="row")
        looked_at = pending if taken is None else [f for f in pending if f not in removes]
        old = handle.scan_files(looked_at)
        closed.append(_as(old.join(gone, on=["source", "file"], how="semi"), "superseded"))
        closed.append(old.join(gone, on=["source", "file"], how="anti"))
        removes = [*removes, *looked_at]
    if not removes:
        return Staged(handle, staged)
    again = StagingArea(area.location, area.schema, area.partition_by)
    again.write(pl.concat([frame.select(SCHEMA.names()) for frame in closed]))
    return Staged(handle, [*staged, *again.files()], removes)


def _scan(area: StagingArea, staged: list[Any]) -> pl.LazyFrame:
    from framework.lake.delta import scan_data_files

    return scan_data_files(area.location, staged, area.schema, area.partition_by)


def _as(rows: pl.LazyFrame, state: str) -> pl.LazyFrame:
    return rows.with_columns(pl.lit(state).alias("state"))


def pipelines(lake: StorageLocation) -> list[str]:
    """The pipelines that have a quarantine."""
    return lake.folders(FOLDER)


def summarise(lake: StorageLocation, pipeline: str | None = None) -> list[dict[str, Any]]:
    """Count the quarantine by pipeline, source, state and reason, most frequent first.

    A row counts once for each of its reasons; `files` is the number of files in which the reason occurs.
    """
    found: list[dict[str, Any]] = []
    for name in [pipeline] if pipeline else pipelines(lake):
        handle = open_table(lake, table_name(name))
        if handle is None:
            continue
        counted = (
            handle.scan()
            .select("source", "state", "file", reason=pl.col("reasons"))
            .explode("reason")
            .group_by("source", "state", "reason")
            .agg(rows=pl.len().cast(pl.Int64), files=pl.col("file").n_unique().cast(pl.Int64))
            .sort("state", "rows", "source", "reason", descending=[False, True, False, False])
            .collect()
        )
        found.extend({"pipeline": name, **row} for row in counted.iter_rows(named=True))
    return found


def rows(
    lake: StorageLocation,
    pipeline: str,
    *,
    source: str | None = None,
    reason: str | None = None,
    state: str | None = None,
    limit: int = 20,
) -> pl.DataFrame:
    """Show quarantined rows, by file and line. `reason` matches any part of a reason."""
    handle = open_table(lake, table_name(pipeline))
    if handle is None:
        return pl.DataFrame(schema=SCHEMA)
    chosen = handle.scan()
    for column, value in (("source", source), ("state", state)):
        if value is not None:
            chosen = chosen.filter(pl.col(column) == value)
    if reason is not None:
        chosen = chosen.filter(pl.col("reasons").list.join("\n").str.contains(reason, literal=True))
    columns = ("source", "file", "line", "state", "reasons", "raw", "run_id", "quarantined_at")
    return chosen.sort("source", "file", "line", nulls_last=False).head(limit).select(columns).collect()
