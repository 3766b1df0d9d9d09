"""Stage rows: Parquet files under the table's folder with unique names, which nobody sees until they are committed.

Polars' own partitioned sink (2.1) holds all rows of all partitions until the end. Here batches are pulled from the
plan, cut by partition and buffered up to a budget; what has not grown for longest is written first. Input that arrives
roughly in the order of its partitions, as most does, so gives one file per partition in little memory.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import polars as pl

from framework.lake.delta import DataFile
from framework.lake.storable import storable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from framework.storage import StorageLocation

    Watch = Callable[[pl.DataFrame, Mapping[str, tuple[Any, Any]]], None]

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
BUDGET = 24 * 2**20
"""Bytes that an area buffers at most, as Polars estimates them."""
ROWS_PER_FILE = 1_000_000
ROW_GROUP = 250_000
WRITERS = 2
RANGED = (pl.String, pl.Date, pl.Int64, pl.Int32, pl.Int16, pl.Int8)
"""The types whose minimum and maximum go into the log: those whose text form there is beyond doubt."""
LONGEST_RANGE = 64
"""Longer text is not written into the log as a minimum or maximum."""


@dataclass
class _Buffer:
    frames: list[pl.DataFrame] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0

    def add(self, frame: pl.DataFrame, size: int) -> None:
        self.frames.append(frame)
        self.rows += frame.height
        self.bytes += size


class StagingArea:
    """Takes the rows of a plan and writes them below a table's folder; `files` says what it wrote."""

    def __init__(self, location: StorageLocation, schema: pl.Schema, partition_by: Sequence[str]) -> None:
        self.location = location
        self.schema = schema
        self.partition_by = tuple(partition_by)
        self._watches: list[Watch] = []
        self._buffers: OrderedDict[tuple[Any, ...], _Buffer] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._writing: list[Future[DataFile]] = []
        self._written: list[DataFile] = []

    def show_to(self, watch: Watch) -> None:
        """Show the rows of each file to somebody as it is written, with the ranges of columns that are known then.

        It is called from several threads, and must not raise.
        """
        self._watches.append(watch)

    def add(self, rows: pl.DataFrame) -> None:
        """Take rows that have the area's columns. Safe to call from several threads, and from within a plan.

        NOTE: it waits for no writer: `write_parquet` (polars 2.1) needs the workers on which functions of a plan run.
        """
        self._take(rows.select(self.schema.names()), waits=False)

    def sink(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Give the lazy sink of rows into this area; it runs with the plan it becomes part of."""
        return rows.select(self.schema.names()).sink_batches(self._take, maintain_order=False, lazy=True)

    def write(self, rows: pl.LazyFrame) -> StagingArea:
        """Run a plan of its own into this area."""
        pl.collect_all([self.sink(rows)], engine="streaming")
        return self

    def files(self) -> list[DataFile]:
        """The files written. Valid only after the plan has run to its end: the rest of the buffers is written now."""
        with self._lock:
            for key in list(self._buffers):
                self._flush(key)
            self._collect(left=0)
            if self._pool is not None:
                self._pool.shutdown()
                self._pool = None
        return list(self._written)

    def discard(self) -> None:
        """Delete what was written, and forget what was not: nobody is going to commit it."""
        with self._lock:
            self._buffers.clear()
            self._bytes = 0
            ended = [future for future in self._writing if future.exception() is None]
            self._written += [future.result() for future in ended]
            self._writing.clear()
            if self._pool is not None:
                self._pool.shutdown()
                self._pool = None
            gone, self._written = self._written, []
        for file in gone:
            self.location.delete(file.path)

    def _take(self, batch: pl.DataFrame, *, waits: bool = True) -> None:
        with self._lock:
            for key, part in self._cut(batch):
                size = int(part.estimated_size())
                buffer = self._buffers.setdefault(key, _Buffer())
                buffer.add(part, size)
                self._bytes += size
                self._buffers.move_to_end(key)
                if buffer.rows >= ROWS_PER_FILE:
                    self._flush(key, waits=waits)
            while self._bytes > BUDGET and self._buffers:
                self._flush(next(iter(self._buffers)), waits=waits)

    def _cut(self, batch: pl.DataFrame) -> list[tuple[tuple[Any, ...], pl.DataFrame]]:
        if batch.is_empty():
            return []
        if not self.partition_by:
            return [((), batch)]
        return list(batch.partition_by(self.partition_by, as_dict=True, include_key=False).items())

    def _flush(self, key: tuple[Any, ...], *, waits: bool = True) -> None:
        buffer = self._buffers.pop(key)
        self._bytes -= buffer.bytes
        if waits:
            self._collect(left=WRITERS)
        self._pool = self._pool or ThreadPoolExecutor(WRITERS, thread_name_prefix="stage")
        self._writing.append(self._pool.submit(self._write, key, buffer.frames))

    def _collect(self, *, left: int) -> None:
        while len(self._writing) > left:
            self._written.append(self._writing.pop(0).result())

    def _write(self, key: tuple[Any, ...], frames: list[pl.DataFrame]) -> DataFile:
        """Write one file. Its name is unique: a second attempt at the same rows must never meet it."""
        rows = pl.concat(frames)
        partition = tuple((name, None if v is None else str(v)) for name, v in zip(self.partition_by, key, strict=True))
        folders = [f"{n}={NULL_PARTITION if v is None else quote(v, safe=' ')}" for n, v in partition]
        path = "/".join([*folders, f"part-{uuid.uuid4().hex}.parquet"])
        target = self.location.uri(path)
        if self.location.is_local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(
            target,
            compression="zstd",
            compression_level=1,
            row_group_size=ROW_GROUP,
            storage_options=self.location.options() or None,
        )
        stats, ranges = _statistics(rows)
        for watch in self._watches:
            watch(self._whole(rows, key), ranges)
        return DataFile(path, self._size(path), rows.height, partition, stats, ranges)

    def _whole(self, rows: pl.DataFrame, key: tuple[Any, ...]) -> pl.DataFrame:
        """Rows of a file with the columns that its folder says."""
        said = zip(self.partition_by, key, strict=True)
        return rows.with_columns(pl.lit(value, dtype=self.schema[name]).alias(name) for name, value in said)

    def _size(self, path: str) -> int:
        if self.location.is_local:
            return Path(self.location.uri(path)).stat().st_size
        return int(self.location.filesystem().size(self.location.uri(path)))


def _statistics(rows: pl.DataFrame) -> tuple[str, dict[str, tuple[Any, Any]]]:
    """The statistics of a file as the Delta log holds them, and the range of each column that has one."""
    ranged = [name for name, dtype in rows.schema.items() if isinstance(dtype, RANGED)]
    low, high = rows.select(pl.col(ranged).min()), rows.select(pl.col(ranged).max())
    ranges = {
        name: (low[name][0], high[name][0])
        for name in ranged
        if low[name][0] is not None and not _is_long(low[name][0]) and not _is_long(high[name][0])
    }
    document = {
        "numRecords": rows.height,
        # A struct's would be an object, and one that is none makes a reader ignore all of this.
        "nullCount": {name: rows[name].null_count() for name, t in rows.schema.items() if not isinstance(t, pl.Struct)},
        "minValues": {name: limits[0] for name, limits in ranges.items()},
        "maxValues": {name: limits[1] for name, limits in ranges.items()},
    }
    return json.dumps(document, default=str, ensure_ascii=False), ranges


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and len(value) > LONGEST_RANGE


def area_for(location: StorageLocation, table: str, frame: pl.LazyFrame, partition_by: Sequence[str]) -> StagingArea:
    """The staging area of a table, with the schema its files will have: types that Delta can hold."""
    schema = frame.collect_schema()
    return StagingArea(location.below(table), pl.Schema({**schema, **storable(schema)}), partition_by)
