"""The quarantine table of a pipeline, `_quarantine/<pipeline>`: its columns, its states, and how its rows are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
import polars_hash as plh

from framework.lake.delta import add_columns, open_or_create, open_table

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from framework.lake.delta import DataFile, TableHandle
    from framework.storage import StorageLocation

FOLDER = "_quarantine"
IDENTITY = ("source", "file", "file_time", "line")
"""Names a row among those that are not closed for good: a file that is delivered again has another time."""
PENDING = ("open", "waiting", "mended", "queued")
"""What is still to be settled."""
TAKEN = ("waiting", "queued")
"""What a run judges again."""
CHANGEABLE = (*PENDING, "discarded")
"""What people may still change."""
CLOSED = ("released", "superseded", "discarded")
STATES = (*PENDING, *CLOSED)
FAILURES = ("cast", "rule", "reference", "parse", "udf", "file")

SCHEMA = pl.Schema(
    {
        "source": pl.String(),
        "file": pl.String(),
        "file_time": pl.Datetime("us", "UTC"),
        "line": pl.Int64(),
        "failure": pl.String(),
        "reasons": pl.List(pl.String()),
        "raw": pl.String(),
        "mended": pl.String(),
        "attempts": pl.Int64(),
        "trail": pl.List(pl.String()),
        "changed_by": pl.String(),
        "changed_at": pl.Datetime("us", "UTC"),
        "run_id": pl.String(),
        "seq": pl.Int64(),
        "quarantined_at": pl.Datetime("us", "UTC"),
        "state": pl.String(),
    }
)
"""One row per quarantined row or file (a file has no line).

`raw`: its values as read, JSON; `mended`: all of them as they shall count instead, JSON. `attempts`: how often it was
judged again. `trail`: what was done to it, one JSON object each, oldest first. `run_id`, `seq`, `quarantined_at`: the
run that quarantined it first.
"""
ID_LENGTH = 12
OF_FILE = "file: "
"""Begins the reason for which a file was refused as a whole."""
_NO_TRAIL = pl.lit([], dtype=pl.List(pl.String))


@dataclass(frozen=True)
class Selection:
    """Which rows of a quarantine are meant. What is not given restricts nothing.

    `reason`: a part of any of its reasons. `ids`: row ids, or the beginning of some (with the `q`).
    """

    source: str | None = None
    reason: str | None = None
    states: tuple[str, ...] = ()
    failure: str | None = None
    file: str | None = None
    ids: tuple[str, ...] = ()

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The rows that are meant, of rows with their id. Lazy; the order is kept."""
        wanted = [
            pl.col(name) == value
            for name, value in (("source", self.source), ("failure", self.failure), ("file", self.file))
            if value is not None
        ]
        if self.states:
            wanted.append(pl.col("state").is_in(self.states))
        if self.reason is not None:
            wanted.append(pl.col("reasons").list.join("\n").str.contains(self.reason, literal=True))
        if self.ids:
            whole = [one for one in self.ids if len(one) == len("q") + ID_LENGTH]
            begun = [pl.col("id").str.starts_with(one) for one in self.ids if len(one) != len("q") + ID_LENGTH]
            wanted.append(pl.any_horizontal(pl.col("id").is_in(whole), *begun))
        return rows.filter(wanted) if wanted else rows


def table_name(pipeline: str) -> str:
    """The name of a pipeline's quarantine table."""
    return f"{FOLDER}/{pipeline}"


def pipelines(lake: StorageLocation) -> list[str]:
    """The pipelines that have a quarantine."""
    return lake.folders(FOLDER)


def open_quarantine(lake: StorageLocation, pipeline: str) -> TableHandle:
    """Open the quarantine of a pipeline for writing: created if it is not there, widened if it is from earlier days."""
    handle = open_or_create(lake, table_name(pipeline), SCHEMA, ("state",), pipeline)
    missing = pl.Schema({name: dtype for name, dtype in SCHEMA.items() if name not in handle.schema})
    return add_columns(lake, handle, missing) if missing else handle


def scan_rows(location: StorageLocation, files: Sequence[DataFile], path_column: str | None = None) -> pl.LazyFrame:
    """The rows of data files below the quarantine's folder, lazy, in the columns of `SCHEMA`.

    What files of earlier days lack is null, but the failure where it is beyond doubt.
    """
    if not files:
        empty = pl.LazyFrame(schema=SCHEMA)
        return empty.with_columns(pl.lit(None, dtype=pl.String).alias(path_column)) if path_column else empty
    rows = pl.scan_parquet(
        [location.uri(f.path) for f in files],
        hive_partitioning=True,
        hive_schema={"state": pl.String()},
        schema={name: dtype for name, dtype in SCHEMA.items() if name != "state"},
        missing_columns="insert",
        glob=False,
        include_file_paths=path_column,
        storage_options=location.options() or None,
    )
    told = rows.with_columns(
        pl.coalesce("failure", _guessed_failure()).alias("failure"),
        pl.col("attempts").fill_null(0),
        pl.coalesce("trail", _NO_TRAIL).alias("trail"),
    )
    return told.select(*SCHEMA.names(), *([path_column] if path_column else []))


def _guessed_failure() -> pl.Expr:
    """What stopped a row of earlier days. A first reason that names none of its columns may be one of its line."""
    column = pl.col("reasons").list.first().str.split(": ").list.first()
    names_column = pl.col("raw").str.contains(pl.concat_str(pl.lit('"'), column, pl.lit('":')), literal=True)
    return (
        pl.when(pl.col("line").is_null())
        .then(pl.lit("file"))
        .when(pl.col("state") == "waiting")
        .then(pl.lit("reference"))
        .when(~names_column)
        .then(pl.lit("parse"))
    )


def files_in(handle: TableHandle, states: Collection[str]) -> list[DataFile]:
    """The data files that hold rows in some states."""
    return [f for f in handle.files() if dict(f.partition)["state"] in states]


def rows_in(handle: TableHandle | None, states: Collection[str] = STATES) -> pl.LazyFrame:
    """The rows of a quarantine that are in some states, lazy; none where there is no quarantine."""
    return pl.LazyFrame(schema=SCHEMA) if handle is None else scan_rows(handle.location, files_in(handle, states))


def rows_at(
    lake: StorageLocation, pipeline: str, version: int | None = None, states: Collection[str] = STATES
) -> pl.LazyFrame:
    """The rows of a quarantine that are in some states at a version (default: the newest), lazy."""
    return rows_in(open_table(lake, table_name(pipeline), version), states)


def with_id(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add the `id` of each row, by which people name it: `q` and hexadecimal digits, made of `IDENTITY`. Lazy.

    The `q` keeps spreadsheets from taking it for a number.
    """
    parts = [
        pl.col("source").fill_null(""),
        pl.col("file").fill_null(""),
        pl.col("file_time").dt.epoch("us").cast(pl.String).fill_null(""),
        pl.col("line").cast(pl.String).fill_null(""),
    ]
    text = plh.concat_str(parts, separator="\x1f")
    return rows.with_columns(pl.concat_str(pl.lit("q"), text.chash.sha2_256().str.head(ID_LENGTH)).alias("id"))


def refused_files(handle: TableHandle, seq: int, run_id: str) -> dict[str, dict[str, str]]:
    """The files that a sequence refused as a whole, be it once more: per source their paths, with the reason.

    A file that is refused again keeps the sequence that refused it first; its trail has the run.
    """
    again = pl.col("trail").list.join("\n").str.contains(f'"by": "run {run_id}", "did": "refused"', literal=True)
    of_files = handle.scan().filter(pl.col("line").is_null() & ((pl.col("seq") == seq) | again.fill_null(value=False)))
    found: dict[str, dict[str, str]] = {}
    for source, file, reasons in of_files.select("source", "file", "reasons").collect().rows():
        found.setdefault(source, {})[file] = str(reasons[0]).removeprefix(OF_FILE)
    return found


def ever_refused(lake: StorageLocation, pipeline: str, source: str) -> set[tuple[str, datetime]]:
    """The files of a source that were refused as a whole, in the shape that they had then: path and time of change."""
    handle = open_table(lake, table_name(pipeline))
    if handle is None:
        return set()
    of_files = handle.scan().filter((pl.col("source") == source) & pl.col("line").is_null())
    return set(of_files.select("file", "file_time").collect().rows())
