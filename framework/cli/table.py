"""`sluice table`: what the lake holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from framework.cli.frames import show_frame
from framework.cli.options import Exit, settings
from framework.cli.output import columns, hint, show, size

if TYPE_CHECKING:
    from framework.storage import StorageLocation


def table_list() -> int:
    """List the tables of the lake."""
    from framework.lake.tables import list_tables

    found = [asdict(summary) for summary in list_tables(_lake())]
    rows = [{**row, "table": row["name"], "size": size(row["bytes"]), "updated": row["updated_at"]} for row in found]
    names = ("table", "version", "rows", "partitions", "files", "size", "updated")
    show({"tables": found}, lambda: columns(rows, names, empty="the lake holds no tables yet"))
    hint(f"next: sluice table show {found[0]['name']}" if found else "next: sluice run")
    return Exit.OK


def table_show(name: str, *, limit: int = 10, version: int | None = None) -> int:
    """Show rows of a table.

    Args:
        name: The table, such as `retail/sales`.
        limit: How many rows.
        version: At an earlier version (default: the newest).
    """
    from framework.lake.tables import head

    show_frame(head(_lake(), name, limit, version), table=name)
    return Exit.OK


def table_history(name: str) -> int:
    """List the versions of a table and the runs that made them, newest first.

    Args:
        name: The table, such as `retail/sales`.
    """
    from framework.lake.tables import history

    versions = history(_lake(), name)
    names = ("version", "at", "operation", "run_id", "pipeline", "seq", "rows_added", "rows_removed")
    show({"table": name, "versions": versions}, lambda: columns(versions, names, empty="no versions"))
    return Exit.OK


def _lake() -> StorageLocation:
    from framework.run.workspace import open_workspace

    return open_workspace(settings()).lake
