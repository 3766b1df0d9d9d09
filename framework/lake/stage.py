"""Stage rows: Parquet files under the table's folder with unique names, which nobody sees until they are committed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import polars as pl

from framework.lake.delta import DataFile, file_stats, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.storage import StorageLocation

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
ROWS_PER_FILE = 8_000_000
ROW_GROUP = 250_000
RANGED = (pl.String, pl.Date, pl.Int64, pl.Int32, pl.Int16, pl.Int8)
"""The types whose minimum and maximum go into the log: those whose text form there is beyond doubt."""


@dataclass
class StagingArea:
    """Collects the files that a sink writes into a table's folder."""

    location: StorageLocation
    schema: pl.Schema
    partition_by: tuple[str, ...]
    sunk: list[Any] = field(default_factory=list)

    def sink(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Give the lazy sink of rows into this area; it runs with the plan it becomes part of.

        Files have unique names: a sink that fails may still finish its file a moment later, and a second attempt must
        never meet it.
        """
        target = pl.PartitionBy(
            self.location.uri(),
            key=list(self.partition_by) or None,
            include_key=False if self.partition_by else None,
            file_path_provider=self._path,
            max_rows_per_file=ROWS_PER_FILE,
        )
        return rows.select(self.schema.names()).sink_parquet(
            target,
            compression="zstd",
            compression_level=1,
            row_group_size=ROW_GROUP,
            maintain_order=False,
            mkdir=self.location.is_local,
            storage_options=self.location.options() or None,
            sinked_paths_callback=self.sunk.append,
            lazy=True,
        )

    def _path(self, args: Any) -> str:
        name = f"part-{uuid.uuid4().hex}.parquet"
        if not self.partition_by:
            return name
        row = args.partition_keys.row(0)
        folders = (f"{n}={_folder(v)}" for n, v in zip(self.partition_by, row, strict=True))
        return "/".join([*folders, name])

    def files(self, key: str | None = None) -> list[DataFile]:
        """The files written, with their statistics. Valid only after the plan has run to its end."""
        found = []
        for written in (path for args in self.sunk for path in args.paths):
            if written.num_rows == 0:
                continue
            path = _below(self.location.uri(), str(written.path))
            partition = tuple(self._partition(path))
            stats, low, high = self._statistics(path, written.num_rows, key)
            found.append(DataFile(path, written.num_bytes, written.num_rows, partition, stats, low, high))
        return found

    def _partition(self, path: str) -> list[tuple[str, str | None]]:
        values = []
        for folder in path.split("/")[:-1]:
            name, _, value = folder.partition("=")
            values.append((name, None if value == NULL_PARTITION else unquote(value)))
        return values

    def _statistics(self, path: str, rows: int, key: str | None) -> tuple[str, Any, Any]:
        import pyarrow.parquet as pq

        with self.location.filesystem().open(self.location.uri(path), "rb") as file:
            footer = pq.read_metadata(file)
        nulls: dict[str, int] = {}
        low: dict[str, Any] = {}
        high: dict[str, Any] = {}
        for index in range(footer.num_columns):
            name = footer.schema.column(index).path
            if name not in self.schema:
                continue
            groups = [footer.row_group(g).column(index).statistics for g in range(footer.num_row_groups)]
            if any(g is None or not g.has_null_count for g in groups):
                continue
            nulls[name] = sum(g.null_count for g in groups)
            ranged = [g for g in groups if g.has_min_max]
            if isinstance(self.schema[name], RANGED) and len(ranged) == len(groups):
                low[name] = min(g.min for g in ranged)
                high[name] = max(g.max for g in ranged)
        return file_stats(rows, nulls, low, high), low.get(key or ""), high.get(key or "")


def area_for(location: StorageLocation, table: str, frame: pl.LazyFrame, partition_by: Sequence[str]) -> StagingArea:
    """The staging area of a table, with the schema its files will have: types that Delta can hold."""
    schema = frame.collect_schema()
    return StagingArea(location.below(table), pl.Schema({**schema, **storable(schema)}), tuple(partition_by))


def to_storable(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Widen the columns that Delta cannot hold; nothing is lost."""
    return frame.cast(storable(frame.collect_schema()))  # type: ignore[arg-type]


def _folder(value: Any) -> str:
    return NULL_PARTITION if value is None else quote(str(value), safe=" ")


def _below(root: str, path: str) -> str:
    return path.removeprefix("file://").removeprefix(root).lstrip("/")
