"""The registry in the lake: `_sluice/_schemas/<table>/<version>.json`, each written once and never rewritten.

A document here says what a version means, and not that any table is at it. That is said by the table's own log, in the
same commit as the rows (docs/adr has the reasons). So a run that dies after the first and before the second leaves a
document that no table has; the next run with the same schema takes it up, one with another schema the next number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from framework.errors import ConfigurationError
from framework.registry.changes import find_changes
from framework.registry.document import Document

if TYPE_CHECKING:
    from framework.storage import StorageLocation

FOLDER = "_sluice/_schemas"


@dataclass(frozen=True)
class Registry:
    """The registered schemas of a lake."""

    lake: StorageLocation

    def path(self, table: str, version: int) -> str:
        """Where a document stands, relative to the lake."""
        return f"{FOLDER}/{table}/{version:06d}.json"

    def find(self, table: str, version: int) -> Document | None:
        """The document of a version, if it is registered.

        Raises:
            ConfigurationError: when it cannot be read, or a newer Sluice wrote it.
        """
        path = self.path(table, version)
        content = self.lake.read(path)
        return Document.from_json(content, path) if content is not None else None

    def require(self, table: str, version: int) -> Document:
        """The document of a version that a table is at.

        Raises:
            ConfigurationError: when the lake has lost it, or it cannot be read.
        """
        found = self.find(table, version)
        if found is None:
            raise ConfigurationError(
                f"{self.path(table, version)} is gone, so what version {version} of the schema of {table} says is"
                " unknown; restore it from a copy of the lake"
            )
        return found

    def versions(self, table: str) -> dict[int, Document]:
        """All registered documents of a table, by version. The numbers have no gaps."""
        found: dict[int, Document] = {}
        while (document := self.find(table, len(found) + 1)) is not None:
            found[len(found) + 1] = document
        return found

    def register(self, document: Document, *, after: int) -> int:
        """Give a document its version: the one it has above `after`, or the next that is free.

        Any number of processes may do it at once: those with one document get one number.

        Raises:
            ConfigurationError: when a document on the way cannot be read.
        """
        content = document.to_json()
        version = after + 1
        while True:
            if self.lake.create(self.path(document.table, version), content):
                return version
            if is_same(self.require(document.table, version), document):
                return version
            version += 1


def is_same(one: Document, other: Document) -> bool:
    """Whether two documents say the same: equal, or different only in what is no change."""
    return one.fingerprint == other.fingerprint or not find_changes(replace(one, table=other.table), other)
