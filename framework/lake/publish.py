"""Publish staged files: one Delta commit that carries rows and position together; the log decides its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.core.events import emit
from framework.core.faults import fault
from framework.errors import CommitError
from framework.lake.delta import TableHandle, commit, open_table, require_equal_schema, sync_data, sync_log
from framework.lake.merge import Staged, abandoned_files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMMIT_ATTEMPTS = 10


@dataclass(frozen=True)
class Committed:
    """A table as a run left it. `by_us` is False when another runner has committed the same sequence, or may have."""

    table: str
    version: int
    by_us: bool
    staged: Staged | None = None


def app_id(pipeline: str, table: str) -> str:
    """The application under which a pipeline's position stands in a table's log."""
    return f"sluice/{pipeline}/{table}"


def publish(
    staged: Staged,
    *,
    pipeline: str,
    seq: int,
    metadata: Mapping[str, Any],
    rebase: Callable[[TableHandle], Staged],
) -> Committed:
    """Commit staged files together with a pipeline's position `seq`; see `publish_as`."""
    return publish_as(staged, app=app_id(pipeline, staged.handle.name), seq=seq, metadata=metadata, rebase=rebase)


def publish_as(
    staged: Staged, *, app: str, seq: int, metadata: Mapping[str, Any], rebase: Callable[[TableHandle], Staged]
) -> Committed:
    """Commit staged files together with the position `seq` of an application.

    An exception out of the commit means that its outcome is unknown: the table is opened again, and if it is at the
    sequence, the commit landed (ours, or that of another runner of the same plan). If it is not, somebody else changed
    the table since the handle was pinned: `rebase` reconciles with the newer version, and the commit is tried again.
    Data files of a commit that was tried are never deleted.

    Raises:
        CommitError: when the commit cannot be made.
        SchemaError: when the staged schema is not the table's.
    """
    name = staged.handle.name
    current = staged
    last: Exception | None = None
    for _ in range(COMMIT_ATTEMPTS):
        if current.handle.sequence(app) >= seq:
            return committed_before(current.handle)
        fault("sync.before")
        sync_data(current.handle, current.adds)
        fault("commit.before")
        has_landed = False
        try:
            _commit(current, app, seq, metadata)
            has_landed = True
            fault("commit.after")
        except Exception as error:  # noqa: BLE001 - deltalake raises plain Exception; the log decides, see above
            last = error
        found = _reopen(current.handle)
        if found.sequence(app) >= seq:
            sync_log(found)
            fault("commit.synced")
            return _outcome(current, found, has_landed=has_landed)
        emit("commit.retried", f"{name}: commit not made, trying again ({last})", level="WARNING", table=name)
        current = rebase(found)
    raise CommitError(
        f"table '{name}': sequence {seq} could not be committed in {COMMIT_ATTEMPTS} attempts; the last said: {last}"
    ) from last


def committed_before(handle: TableHandle) -> Committed:
    """A table that is at the sequence already. Whoever committed it may have died before the commit was on disk."""
    sync_log(handle)
    return Committed(handle.name, handle.version, by_us=False)


def _commit(staged: Staged, app: str, seq: int, metadata: Mapping[str, Any]) -> None:
    counts = {"rows_added": sum(f.rows for f in staged.adds), "rows_removed": sum(f.rows for f in staged.removes)}
    commit(
        staged.handle,
        adds=staged.adds,
        removes=staged.removes,
        app=app,
        seq=seq,
        metadata={**metadata, **counts, "schema_version": staged.schema_version},
        new_schema=staged.new_schema,
        schema_version=staged.schema_version,
    )


def _outcome(staged: Staged, found: TableHandle, *, has_landed: bool) -> Committed:
    """Tell whose commit it is, where its answer was lost by its files; one that adds none could be anybody's."""
    ours = {f.path for f in staged.adds}
    by_us = has_landed or (bool(ours) and ours <= {f.path for f in found.files()})
    if by_us:
        for file in abandoned_files(staged):
            staged.handle.location.delete(file.path)
    return Committed(staged.handle.name, found.version, by_us, staged if by_us or not ours else None)


def _reopen(handle: TableHandle) -> TableHandle:
    root, _, _ = handle.location.uri().rpartition(f"/{handle.name}")
    location = type(handle.location)(root, handle.location.s3)
    found = open_table(location, handle.name)
    if found is None:
        raise CommitError(f"table '{handle.name}' is gone from {root}")
    return found


__all__ = ["Committed", "app_id", "publish", "publish_as", "require_equal_schema"]
