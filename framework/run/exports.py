"""Exports: files made of published tables, written again until they show a version that is not older than the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.core.events import emit
from framework.core.faults import fault
from framework.core.frames import PROVENANCE
from framework.core.report import ExportReport
from framework.errors import StorageError
from framework.lake import app_id, open_table
from framework.sinks import write_json

if TYPE_CHECKING:
    from framework.core.export import Export
    from framework.definition import Output, Pipeline
    from framework.lake import TableHandle
    from framework.run.workspace import Workspace


def export_all(pipeline: Pipeline, space: Workspace) -> dict[str, ExportReport]:
    """Write every file that a pipeline makes of its tables. Any number of times gives the same files."""
    done = {}
    for export in pipeline.exports:
        fault("export.before")
        done[export.path] = _export(pipeline, export, space)
        emit("file.exported", f"{export.path}: {done[export.path].rows} records", path=export.path)
    return done


def export_missing(pipeline: Pipeline, space: Workspace) -> dict[str, ExportReport]:
    """Write the files that are not there though their tables are: new in the definition, or deleted."""
    return {
        export.path: _export(pipeline, export, space)
        for export in pipeline.exports
        if not space.files.exists(export.path) and open_table(space.lake, _output(pipeline, export).table)
    }


def _output(pipeline: Pipeline, export: Export) -> Output:
    return next(output for output in pipeline.outputs if output.of == export.of)


def _export(pipeline: Pipeline, export: Export, space: Workspace) -> ExportReport:
    """Write a file from the newest version of its table; again, if the table has moved on meanwhile.

    So of two runners the slower one cannot leave an older version behind.
    """
    output = _output(pipeline, export)
    while True:
        handle = _open(space, output.table)
        rows = _ordered(handle, output, export)
        written = write_json(
            rows, space.files, export.path, layout=export.layout, head=_head(pipeline, output.table, handle)
        )
        if _open(space, output.table).version == handle.version:
            return ExportReport(export.path, output.table, handle.version, written.rows, written.bytes, written.sha256)


def _open(space: Workspace, table: str) -> TableHandle:
    handle = open_table(space.lake, table)
    if handle is None:
        raise StorageError(f"table '{table}' cannot be opened any more")
    return handle


def _ordered(handle: TableHandle, output: Output, export: Export) -> Any:
    """The rows in an order of their own, so that equal tables give equal files."""
    columns = export.columns or tuple(name for name in handle.schema if name not in PROVENANCE)
    order = export.order_by or output.key or output.partition_by
    rows = handle.scan()
    ordered = rows.sort(order, maintain_order=False, nulls_last=True) if order else rows
    return ordered.select(columns)


def _head(pipeline: Pipeline, table: str, handle: TableHandle) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "pipeline": pipeline.name,
        "table": table,
        "version": handle.version,
        "seq": handle.sequence(app_id(pipeline.name, table)),
        "columns": {name: str(dtype) for name, dtype in handle.schema.items() if name not in PROVENANCE},
    }
