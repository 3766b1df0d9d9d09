"""Bring a table to another schema: what can be said in its metadata alone is, everything else is written again.

Delta can add columns to a table without touching its files; rows of before have null there. Every other change
(another type, a default for rows that have none, a column that goes or is called otherwise) would need features that
most readers lack (column mapping, type widening; deltalake 1.6 writes neither), so the files are written again, in the
commit that brings the new rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deltalake import CommitProperties, Transaction

from framework.core.faults import fault
from framework.errors import CommitError
from framework.lake.delta import Reshape, TableHandle, delta_schema, open_table, schema_app, sync_log
from framework.lake.stage import StagingArea

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import polars as pl

    from framework.lake.merge import Staged
    from framework.storage import StorageLocation

ATTEMPTS = 10


def only_adds_columns(handle: TableHandle, reshape: Reshape) -> bool:
    """Whether a table is brought to another schema by adding columns that are null in all of its rows."""
    if reshape.names or reshape.fills:
        return False
    there = {field.name: field.type for field in handle.delta.schema().fields}
    now = {field.name: field.type for field in delta_schema(reshape.schema).fields}
    return all(now.get(name) == dtype for name, dtype in there.items())


def is_at(handle: TableHandle, schema: pl.Schema) -> bool:
    """Whether a table has a schema, apart from the order of its columns."""
    there = {field.name: field.type for field in handle.delta.schema().fields}
    return there == {field.name: field.type for field in delta_schema(schema).fields}


def extend(
    lake: StorageLocation, handle: TableHandle, schema: pl.Schema, version: int, metadata: Mapping[str, Any]
) -> TableHandle:
    """Add the columns that a table lacks, in a commit of its own that says which registered schema it has now.

    It holds no rows: whoever dies after it has left a table with columns that are null. Two runners may do it at once.

    Raises:
        CommitError: when the commit cannot be made.
    """
    found, lost = handle, None
    for _ in range(ATTEMPTS):
        missing = {name: dtype for name, dtype in schema.items() if name not in found.schema}
        if not missing:
            return found
        fault("commit.before")
        try:
            found.delta.alter.add_columns(
                list(delta_schema(type(schema)(missing)).fields),
                commit_properties=CommitProperties(
                    custom_metadata={key: str(value) for key, value in metadata.items() if value is not None},
                    max_commit_retries=0,
                    app_transactions=[Transaction(schema_app(handle.name), version)],
                ),
            )
            fault("commit.after")
        except Exception as error:  # noqa: BLE001 - deltalake raises plain Exception; the table's schema decides
            lost = error
        reopened = open_table(lake, handle.name)
        if reopened is None:
            raise CommitError(f"table '{handle.name}' is gone from {lake.uri()}") from lost
        found = reopened
        sync_log(found)
    raise CommitError(f"table '{handle.name}' could not be given its new columns: {lost}") from lost


def rewritten(staged: Staged, handle: TableHandle, area: StagingArea, reshape: Reshape) -> Staged:
    """Write the files that would stay again in another schema, so that one commit replaces all of the table.

    Args:
        staged: What the commit does to the table, apart from its schema.
        handle: The table as it is.
        area: Where its rows were staged, in the new schema.
        reshape: How a row of before is read as one of the new schema.
    """
    gone = {file.path for file in staged.removes}
    stay = [file for file in handle.files() if file.path not in gone]
    rows = replace(handle, reshape=reshape).scan_files(stay)
    again = StagingArea(area.location, area.schema, area.partition_by).write(rows).files() if stay else []
    return replace(
        staged,
        handle=handle,
        adds=[*staged.adds, *again],
        removes=[*staged.removes, *stay],
        new_schema=area.schema,
    )
