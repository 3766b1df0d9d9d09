"""What people do to quarantined rows: each command is one commit that moves rows, made on what they have seen."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.faults import fault
from framework.errors import MAX_EXAMPLES, CommitError, ConfigurationError
from framework.lake.delta import commit, open_table, sync_data, sync_log
from framework.lake.quarantine.table import (
    CHANGEABLE,
    CLOSED,
    IDENTITY,
    SCHEMA,
    files_in,
    open_quarantine,
    scan_rows,
    with_id,
)
from framework.lake.stage import StagingArea

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from framework.lake.delta import DataFile, TableHandle
    from framework.storage import StorageLocation

PATH = "_path"
CHANGE_ATTEMPTS = 10
SEEN = ("state", "mended", "attempts", "changed_by", "changed_at")
"""What tells that a row is still as somebody has seen it."""


@dataclass(frozen=True)
class Changed:
    """What a change did: how many rows it moved, and the version it made (None: it moved none)."""

    rows: int
    version: int | None = None


def entry_of(did: str, *, by: str, at: datetime, **facts: Any) -> str:
    """One line of a row's trail: what was done to it, by whom and when."""
    return json.dumps({"at": at.isoformat(), "by": by, "did": did, **facts}, ensure_ascii=False)


def change(
    lake: StorageLocation,
    pipeline: str,
    seen: pl.DataFrame,
    after: pl.DataFrame,
    *,
    did: str,
    version: int | None = None,
) -> Changed:
    """Put rows in the place of those that were seen, in one commit; nothing happens where one of them has changed.

    Args:
        lake: The lake.
        pipeline: The pipeline whose quarantine it is.
        seen: The rows as they were read, in the columns of `SCHEMA`.
        after: The same rows as they shall be.
        did: What is done to them, for the table's log.
        version: The version of the table at which they were read, or an earlier one. It spares comparing them.

    Raises:
        ConfigurationError: when one of the rows has been changed since by somebody else, or by a run; names them.
        CommitError: when the commit cannot be made.
    """
    if after.is_empty():
        return Changed(0)

    def prepare(handle: TableHandle) -> _Rewrite:
        touched = _touched(handle, seen, version)
        moved = after.lazy().select(SCHEMA.names())
        if sum(f.rows for f in touched) == after.height:
            return _Rewrite(moved, touched, after.height)
        kept = scan_rows(handle.location, touched).join(moved, on=list(IDENTITY), how="anti", nulls_equal=True)
        return _Rewrite(pl.concat([kept, moved]), touched, after.height)

    return _commit(lake, pipeline, prepare, did=did)


def prune(lake: StorageLocation, pipeline: str, *, before: datetime, decided: bool = False) -> Changed:
    """Remove rows that were closed before a time, in one commit.

    Rows that were discarded, or accepted as mended, stay unless `decided`: a rebuild looks up what became of them.

    Raises:
        CommitError: when the commit cannot be made.
    """
    is_decided = (pl.col("mended").is_not_null() & (pl.col("state") == "released")) | (pl.col("state") == "discarded")
    is_old = (pl.coalesce("changed_at", "quarantined_at") < before).fill_null(value=False)
    goes = is_old if decided else is_old & ~is_decided

    def prepare(handle: TableHandle) -> _Rewrite:
        closed = files_in(handle, CLOSED)
        found = scan_rows(handle.location, closed, PATH).filter(goes).group_by(PATH).len().collect(engine="streaming")
        touched = _at(handle, closed, set(found[PATH]))
        return _Rewrite(scan_rows(handle.location, touched).filter(~goes), touched, int(found["len"].sum()))

    return _commit(lake, pipeline, prepare, did="prune")


@dataclass(frozen=True)
class _Rewrite:
    """What a change does: files that go, the rows that come in their place, and how many rows it is about."""

    rows: pl.LazyFrame
    removes: list[DataFile]
    count: int


def _commit(lake: StorageLocation, pipeline: str, prepare: Callable[[TableHandle], _Rewrite], *, did: str) -> Changed:
    """Prepare a change and commit it, again on the newer version where somebody was first."""
    last: Exception | None = None
    mark = uuid.uuid4().hex
    for _ in range(CHANGE_ATTEMPTS):
        handle = open_quarantine(lake, pipeline)
        prepared = prepare(handle)
        if not prepared.count:
            return Changed(0)
        area = StagingArea(handle.location, SCHEMA, ("state",)).write(prepared.rows)
        sync_data(handle, area.files())
        metadata = {"pipeline": pipeline, "did": did, "rows": prepared.count, "change": mark}
        fault("commit.before")
        try:
            commit(handle, adds=area.files(), removes=prepared.removes, app=None, seq=0, metadata=metadata)
            fault("commit.after")
        except Exception as error:  # noqa: BLE001 - deltalake raises plain Exception; the log decides
            last = error
        version = _version_of(lake, handle, mark)
        if version is not None:
            return Changed(prepared.count, version)
    raise CommitError(
        f"the quarantine of {pipeline} could not be changed in {CHANGE_ATTEMPTS} attempts; the last said: {last}"
    ) from last


def _version_of(lake: StorageLocation, handle: TableHandle, mark: str) -> int | None:
    """The version that a change made, whatever its commit said; None when it has not landed."""
    found = open_table(lake, handle.name)
    if found is None or found.version == handle.version:
        return None
    newer = found.delta.history(found.version - handle.version)
    version = next((int(entry["version"]) for entry in newer if entry.get("change") == mark), None)
    if version is not None:
        sync_log(found)
    return version


def _at(handle: TableHandle, files: Sequence[DataFile], paths: set[str]) -> list[DataFile]:
    return [f for f in files if handle.location.uri(f.path) in paths]


def _touched(handle: TableHandle, seen: pl.DataFrame, version: int | None) -> list[DataFile]:
    """The files that hold the rows that were seen, and hold them as they were seen."""
    if handle.version == version:
        files = files_in(handle, seen["state"].unique())
        if sum(f.rows for f in files) == seen.height:
            return files
    files = files_in(handle, CHANGEABLE)
    held = _held(handle, files, seen)
    if handle.version != version:
        _require_as_seen(handle, held, seen)
    return _at(handle, files, set(held[PATH].unique()))


def _held(handle: TableHandle, files: Sequence[DataFile], seen: pl.DataFrame) -> pl.DataFrame:
    """The rows that were seen, as the table holds them now."""
    rows = scan_rows(handle.location, files, PATH).select(*IDENTITY, *SEEN, PATH)
    wanted = seen.lazy().select(IDENTITY)
    return rows.join(wanted, on=list(IDENTITY), how="semi", nulls_equal=True).collect(engine="streaming")


def _require_as_seen(handle: TableHandle, held: pl.DataFrame, seen: pl.DataFrame) -> None:
    same = seen.join(held, on=[*IDENTITY, *SEEN], how="semi", nulls_equal=True)
    if same.height == seen.height == held.height:
        return
    stale = seen.lazy().join(same.lazy(), on=list(IDENTITY), how="anti", nulls_equal=True)
    closed = scan_rows(handle.location, handle.files()).join(stale, on=list(IDENTITY), how="semi", nulls_equal=True)
    now = with_id(closed.sort(pl.coalesce("changed_at", "quarantined_at"))).unique(
        "id", keep="last", maintain_order=True
    )
    words = [
        f"row {row['id']} ({row['file']}{':' + str(row['line']) if row['line'] is not None else ''}): {happened(row)}"
        for row in now.collect().iter_rows(named=True)
    ]
    gone = with_id(stale.join(closed, on=list(IDENTITY), how="anti", nulls_equal=True)).collect()
    words += [f"row {row}: it is no longer in the quarantine" for row in gone["id"]]
    head = f"{plural(len(words))} changed while this was under way, so nothing was done; look at them and try again:"
    more = [f"  - and {len(words) - MAX_EXAMPLES} more"] if len(words) > MAX_EXAMPLES else []
    raise ConfigurationError("\n".join([head, *(f"  - {word}" for word in words[:MAX_EXAMPLES]), *more]))


def plural(count: int) -> str:
    """A number of rows in words."""
    return "1 row" if count == 1 else f"{count:,} rows"


def happened(row: Mapping[str, Any]) -> str:
    """Say how a row stands, and who brought it there.

    >>> happened({"state": "open", "trail": []})
    'it is open'
    >>> happened({"state": "open", "trail": ['{"at": "2026-03-01T10:00:59+00:00", "by": "ann", "did": "mended"}']})
    'it was mended by ann at 2026-03-01 10:00 UTC'
    """
    if not row["trail"]:
        return f"it is {row['state']}"
    last = json.loads(row["trail"][-1])
    return f"it was {last['did']} by {last['by']} at {last['at'][:16].replace('T', ' ')} UTC"
