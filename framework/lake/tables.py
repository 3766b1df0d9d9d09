"""What the lake holds: its tables, a look at their rows, and their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from framework.errors import SelectionError, did_you_mean
from framework.lake.delta import TableHandle, open_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from framework.storage import StorageLocation

LOG = "_delta_log"
MAX_DEPTH = 4


@dataclass(frozen=True)
class TableSummary:
    """One table: its version, and the size of what it holds."""

    name: str
    version: int
    rows: int
    files: int
    bytes: int
    partitions: int
    updated_at: datetime


def list_tables(lake: StorageLocation) -> list[TableSummary]:
    """Summarise every table of the lake (the quarantine apart), by name."""
    found = (open_table(lake, name) for name in table_names(lake))
    return [_summary(handle) for handle in found if handle is not None]


def table_names(lake: StorageLocation) -> list[str]:
    """The names of the lake's tables, sorted. Folders that start with an underscore are not looked into."""
    return sorted(_walk(lake, "", 0))


def _walk(lake: StorageLocation, folder: str, depth: int) -> Iterator[str]:
    names = lake.folders(folder)
    if LOG in names:
        yield folder
        return
    if depth < MAX_DEPTH:
        for name in names:
            if not name.startswith(("_", ".")):
                yield from _walk(lake, f"{folder}/{name}".lstrip("/"), depth + 1)


def _summary(handle: TableHandle) -> TableSummary:
    files = handle.files()
    newest = handle.delta.history(1)[0]
    return TableSummary(
        name=handle.name,
        version=handle.version,
        rows=sum(f.rows for f in files),
        files=len(files),
        bytes=sum(f.size for f in files),
        partitions=len({f.partition for f in files if f.partition}),
        updated_at=_moment(newest["timestamp"]),
    )


def require_table(lake: StorageLocation, name: str, version: int | None = None) -> TableHandle:
    """Open a table that must be there.

    Raises:
        SelectionError: when there is none by that name; suggests the nearest.
    """
    handle = open_table(lake, name, version)
    if handle is None:
        hint = did_you_mean(name, table_names(lake)) or "the lake is empty; `sluice run` fills it"
        raise SelectionError(f"no table is called '{name}'; {hint}")
    return handle


def head(lake: StorageLocation, name: str, limit: int, version: int | None = None) -> pl.DataFrame:
    """The first rows of a table, in no particular order."""
    return require_table(lake, name, version).scan().head(limit).collect()


def history(lake: StorageLocation, name: str) -> list[dict[str, Any]]:
    """The versions of a table, newest first, with the run that made each."""
    return [
        {
            "version": entry["version"],
            "at": _moment(entry["timestamp"]),
            "operation": entry["operation"],
            "run_id": entry.get("run_id"),
            "pipeline": entry.get("pipeline"),
            "seq": entry.get("seq"),
            "rows_added": entry.get("rows_added"),
            "rows_removed": entry.get("rows_removed"),
            "schema_version": _number(entry.get("schema_version")),
        }
        for entry in require_table(lake, name).delta.history()
    ]


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
