"""Which schemas a table had, since which of its versions, and what changed in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.errors import SelectionError
from framework.lake.tables import history, require_table
from framework.registry import Registry, find_changes
from framework.run.schemas.documents import published_document

if TYPE_CHECKING:
    from datetime import datetime

    from framework.registry import Document
    from framework.storage import StorageLocation


@dataclass(frozen=True)
class SchemaVersion:
    """One registered schema of a table.

    `table_version`: the first version of the table that had it, None where none has, or its log no longer says.
    """

    version: int
    fingerprint: str
    pipeline: str
    columns: int
    table_version: int | None
    at: datetime | None
    changes: list[str]


def at_version(lake: StorageLocation, table: str, version: int) -> Document:
    """A registered schema.

    Raises:
        SelectionError: when there is none of that version.
        ConfigurationError: when it cannot be read.
    """
    registry = Registry(lake)
    found = registry.find(table, version)
    if found is None:
        known = ", ".join(map(str, registry.versions(table))) or "none"
        raise SelectionError(f"the schema of '{table}' has no version {version}; registered: {known}")
    return found


def published_at(lake: StorageLocation, table: str) -> tuple[str, Document]:
    """The schema that a table has, and what it is called.

    Raises:
        SelectionError: when the lake does not have the table.
    """
    handle = require_table(lake, table)
    name = f"version {handle.schema_version}" if handle.schema_version else "as found, not registered"
    return name, published_document(Registry(lake), handle)


def versions_of(lake: StorageLocation, table: str) -> list[SchemaVersion]:
    """List the registered schemas of a table, newest first.

    Raises:
        SelectionError: when the lake does not have the table.
        ConfigurationError: when a document cannot be read.
    """
    require_table(lake, table)
    documents = Registry(lake).versions(table)
    first = {entry["schema_version"]: entry for entry in history(lake, table) if entry["schema_version"]}
    found = []
    for version, document in documents.items():
        before = documents.get(version - 1)
        entry = first.get(version, {})
        found.append(
            SchemaVersion(
                version,
                document.fingerprint,
                document.origin.get("pipeline", ""),
                len(document.columns),
                entry.get("version"),
                entry.get("at"),
                [str(change) for change in find_changes(before, document)] if before else [],
            )
        )
    return found[::-1]
