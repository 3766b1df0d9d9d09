"""The one adapter to deltalake: a table opened once and pinned, its files, and the raw commit.

Only a pinned handle fences two runners (an application transaction given through a path commits twice), and a low-level
commit checks nothing: both are why nothing else in the house calls deltalake to write. Pinned to deltalake 1.6.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from framework.core.faults import fault
from framework.errors import CommitError, SchemaError
from framework.storage import sync_file, sync_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from framework.storage import StorageLocation

CREATE_ATTEMPTS = 5


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table: its path below the table, its size, and what is known of its rows."""

    path: str
    size: int
    rows: int
    partition: tuple[tuple[str, str | None], ...] = ()
    stats: str = "{}"
    ranges: dict[str, tuple[Any, Any]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Reshape:
    """How rows of a table become rows of another schema.

    `names`: what a column was called before; `fills`: what takes the place of null, in stored types.
    """

    schema: pl.Schema
    names: Mapping[str, str] = field(default_factory=dict)
    fills: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, rows: pl.LazyFrame, others: Sequence[str] = ()) -> pl.LazyFrame:
        """Give the rows in the other schema, lazy, one per row; with columns beyond it that are asked for.

        A value that its new type cannot hold fails the run.
        """
        there = rows.collect_schema()
        columns = []
        for name, dtype in self.schema.items():
            before = self.names.get(name, name)
            value = pl.col(before).cast(dtype) if before in there else pl.lit(None, dtype=dtype)
            filled = value.fill_null(pl.lit(self.fills[name], dtype=dtype)) if name in self.fills else value
            columns.append(filled.alias(name))
        return rows.select(*columns, *others)


@dataclass(frozen=True)
class TableHandle:
    """A table at one version. Everything that a run reads from it and commits to it goes through one handle."""

    name: str
    location: StorageLocation
    delta: DeltaTable
    reshape: Reshape | None = None
    """How its rows are read as those of another schema; None: as they are."""

    @property
    def version(self) -> int:
        """The version at which the handle is pinned."""
        return self.delta.version()

    @cached_property
    def changed_at(self) -> datetime:
        """When its newest version was committed (UTC)."""
        return datetime.fromtimestamp(self.delta.history(1)[0]["timestamp"] / 1000, UTC)

    @property
    def partition_by(self) -> tuple[str, ...]:
        """The table's partition columns."""
        return tuple(self.delta.metadata().partition_columns)

    @cached_property
    def schema(self) -> pl.Schema:
        """The table's columns in Polars' types."""
        arrow = self.delta.schema().to_arrow()
        return pl.Schema(pl.Schema(arrow))

    @property
    def schema_version(self) -> int:
        """The version of its registered schema; 0 when it has none."""
        return self.sequence(schema_app(self.name))

    def sequence(self, app: str) -> int:
        """The last sequence that an application has committed; 0 when it has not."""
        return self.delta.transaction_version(app) or 0

    def scan(self) -> pl.LazyFrame:
        """Its rows at the pinned version, lazy."""
        options = self.location.options() or None
        return pl.scan_delta(self.location.uri(), version=self.version, storage_options=options)

    def files(self) -> list[DataFile]:
        """Its data files, with the range of each column where the log knows it.

        NOTE: deltalake (1.6) encodes paths when they are committed, and gives them as they are in the log.
        """
        found = pl.DataFrame(self.delta.get_add_actions(flatten=True))
        ranged = [name for name in self.schema if f"min.{name}" in found.columns and f"max.{name}" in found.columns]
        files = []
        for row in found.iter_rows(named=True):
            values = tuple((name, partition_text(row[f"partition.{name}"])) for name in self.partition_by)
            ranges = {n: (row[f"min.{n}"], row[f"max.{n}"]) for n in ranged if row[f"min.{n}"] is not None}
            files.append(DataFile(unquote(row["path"]), row["size_bytes"], row["num_records"], values, ranges=ranges))
        return files

    def scan_files(self, files: Sequence[DataFile], path_column: str | None = None) -> pl.LazyFrame:
        """The rows of some of its files, lazy, with the partition columns; optionally with each row's file path."""
        rows = scan_data_files(self.location, files, self.schema, self.partition_by, path_column)
        return rows if self.reshape is None else self.reshape.apply(rows, [path_column] if path_column else [])


def scan_data_files(
    location: StorageLocation,
    files: Sequence[DataFile],
    schema: pl.Schema,
    partition_by: Sequence[str],
    path_column: str | None = None,
) -> pl.LazyFrame:
    """The rows of data files below a table's folder, lazy, in the table's column order."""
    if not files:
        empty = pl.LazyFrame(schema=schema)
        return empty.with_columns(pl.lit(None, dtype=pl.String).alias(path_column)) if path_column else empty
    rows = pl.scan_parquet(
        [location.uri(f.path) for f in files],
        hive_partitioning=bool(partition_by),
        hive_schema={name: schema[name] for name in partition_by} or None,
        glob=False,
        include_file_paths=path_column,
        schema=schema,
        missing_columns="insert",  # a column that was added since is null in older files
        extra_columns="ignore",
        storage_options=location.options() or None,
    )
    return rows.select(*schema.names(), *([path_column] if path_column else []))


def partition_text(value: Any) -> str | None:
    """A partition value as the Delta log writes it."""
    return None if value is None else str(value)


def open_table(location: StorageLocation, name: str, version: int | None = None) -> TableHandle | None:
    """Open a table of the lake at a version (default: the newest); None when there is no such table."""
    at = location.below(name)
    try:
        delta = DeltaTable(at.uri(), version=version, storage_options=at.options() or None)
    except TableNotFoundError:
        return None
    return TableHandle(name, at, delta)


def open_or_create(
    location: StorageLocation, name: str, schema: pl.Schema, partition_by: Sequence[str], pipeline: str
) -> TableHandle:
    """Open a table, or create it empty. Two runners may create it at once: one wins, both go on with it."""
    found = open_table(location, name)
    if found is not None:
        if found.version == 0:
            _sync_table(found, location)  # whoever created it may have died before it was on disk
        return found
    fault("table.create")
    at = location.below(name)
    if at.is_local:
        Path(at.uri()).mkdir(parents=True, exist_ok=True)
    lost: Exception | None = None
    for _ in range(CREATE_ATTEMPTS):
        try:
            DeltaTable.create(
                at.uri(),
                schema=Schema.from_arrow(schema),
                mode="ignore",
                partition_by=list(partition_by),
                storage_options=at.options() or None,
                commit_properties=CommitProperties(custom_metadata={"pipeline": pipeline}, max_commit_retries=0),
            )
        except Exception as error:  # noqa: BLE001 - deltalake raises plain Exception; whether a table is there decides
            lost = error
        found = open_table(location, name)
        if found is not None:
            _sync_table(found, location)
            return found
    raise CommitError(f"table '{name}' could not be created: {lost}") from lost


def add_columns(location: StorageLocation, handle: TableHandle, columns: pl.Schema) -> TableHandle:
    """Add columns to a table, null in the rows it has: a commit of metadata alone. Two runners may do so at once.

    Raises:
        CommitError: when it cannot be made.
    """
    found, lost = handle, None
    for _ in range(CREATE_ATTEMPTS):
        missing = pl.Schema({name: dtype for name, dtype in columns.items() if name not in found.schema})
        if not missing:
            return found
        try:
            found.delta.alter.add_columns(
                list(delta_schema(missing).fields), commit_properties=CommitProperties(max_commit_retries=0)
            )
        except Exception as error:  # noqa: BLE001 - deltalake raises plain Exception; the schema decides
            lost = error
        found = open_table(location, handle.name) or found
        sync_log(found)
    if all(name in found.schema for name in columns):
        return found
    raise CommitError(f"table '{handle.name}' could not be given the columns {', '.join(columns)}: {lost}") from lost


def delta_schema(schema: pl.Schema) -> Schema:
    """The Delta schema of a frame's schema."""
    return Schema.from_arrow(schema)


def require_equal_schema(handle: TableHandle, schema: pl.Schema) -> None:
    """Hold the schema of staged files strictly equal to the table's.

    Raises:
        SchemaError: naming every column that is missing, new or of another type.
    """
    ours = {f.name: f.type for f in delta_schema(schema).fields}
    theirs = {f.name: f.type for f in handle.delta.schema().fields}
    wrong = [f"{n} is new" for n in ours if n not in theirs]
    wrong += [f"{n} is no longer there" for n in theirs if n not in ours]
    wrong += [
        f"{n} was {_words(theirs[n])}, is {_words(ours[n])}" for n in ours if n in theirs and ours[n] != theirs[n]
    ]
    if wrong:
        fix = "rebuild it with --full, or keep the columns"
        raise SchemaError(f"table '{handle.name}' has another schema: {'; '.join(wrong)} ({fix})")


def _words(dtype: Any) -> str:
    return str(getattr(dtype, "type", dtype))


def commit(  # noqa: PLR0913 - one keyword per part of a commit
    handle: TableHandle,
    *,
    adds: Sequence[DataFile],
    removes: Iterable[DataFile],
    app: str | None,
    seq: int,
    metadata: Mapping[str, Any],
    new_schema: pl.Schema | None = None,
    schema_version: int | None = None,
) -> None:
    """Make one commit on a pinned handle: actions, transaction and metadata. Any other commit since makes it fail.

    With `new_schema` the commit replaces all files and the schema; `schema_version` says which registered one the table
    has from here on. Without `app` it carries no position.

    Raises:
        Exception: of any kind; whether the commit landed is unknown then, and only the log can tell.
    """
    now = int(time.time() * 1000)
    actions: list[AddAction | RemoveAction] = [
        AddAction(
            path=file.path,
            size=file.size,
            partition_values=dict(file.partition),
            modification_time=now,
            data_change=True,
            stats=file.stats,
        )
        for file in adds
    ]
    if new_schema is None:
        actions += [
            RemoveAction(
                path=file.path,
                data_change=True,
                deletion_timestamp=now,
                size=file.size,
                partition_values=dict(file.partition),
            )
            for file in removes
        ]
    handle.delta.create_write_transaction(
        actions,
        mode="append" if new_schema is None else "overwrite",
        schema=handle.delta.schema() if new_schema is None else delta_schema(new_schema),
        partition_by=list(handle.partition_by),
        commit_properties=CommitProperties(
            custom_metadata={key: value for key, value in metadata.items() if value is not None},
            max_commit_retries=0,
            app_transactions=_positions(handle.name, app, seq, schema_version) or None,
        ),
    )


def schema_app(table: str) -> str:
    """The application under which the version of a table's registered schema stands in its log."""
    return f"sluice-schema/{table}"


def _positions(table: str, app: str | None, seq: int, schema_version: int | None) -> list[Transaction]:
    given = {schema_app(table): schema_version, app: seq}
    now = int(time.time() * 1000)
    return [Transaction(name, number, now) for name, number in given.items() if name and number]


def sync_data(handle: TableHandle, files: Iterable[DataFile]) -> None:
    """Force new data files and their folders to the local disk, which neither Polars nor deltalake does."""
    if not handle.location.is_local:
        return
    root = Path(handle.location.uri())
    folders = set()
    for file in files:
        sync_file(root / file.path)
        folders.add((root / file.path).parent)
    for folder in folders:
        sync_folders(folder, stop=root)


def _sync_table(handle: TableHandle, lake: StorageLocation) -> None:
    """Force a new table to the local disk, with the folders that lead to it."""
    sync_log(handle)
    if lake.is_local:
        sync_folders(Path(handle.location.uri()), stop=Path(lake.uri()).parent)


def sync_log(handle: TableHandle) -> None:
    """Force the newest log entries and checkpoints, and their folders, to the local disk."""
    if not handle.location.is_local:
        return
    log = Path(handle.location.uri()) / "_delta_log"
    newest = f"{handle.version:020d}"
    for file in log.iterdir():
        if file.name >= newest and file.name[:1].isdigit():
            sync_file(file)
    hint = log / "_last_checkpoint"
    if hint.exists():
        sync_file(hint)
    sync_folders(log, stop=log.parent)
