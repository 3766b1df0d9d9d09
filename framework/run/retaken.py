"""Quarantined rows that a run judges again: which they are, as the plan pins them, and how they become raw rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.frames import ABSENT, MALFORMED, SOURCE_FILE, SOURCE_LINE, SOURCE_TIME
from framework.core.plan import FileInput, FilesInput
from framework.core.reaching import reach
from framework.lake import PlanStore, open_table, signature
from framework.lake.quarantine import IDENTITY, SCHEMA, STATES, TAKEN, rows_at, table_name
from framework.sources import PROVENANCE_TYPES, textual
from framework.sources.json_values import loads, shape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from framework.core.plan import Input, RunPlan
    from framework.core.source import Expected, FileSource
    from framework.definition import Pipeline
    from framework.run.workspace import Workspace
    from framework.storage import FileInfo

Older = Mapping[str, tuple[str, ...]]
"""The names that columns had before, the latest first."""
TEXT = "_json"
UNFIT = "its values no longer fit the schema: {}"


@dataclass(frozen=True)
class Again:
    """What is queued for a run: the version of the quarantine that says so, how much it is, and files to read again."""

    version: int
    rows: int
    files: dict[str, tuple[FileInput, ...]]


def find_queued(pipeline: Pipeline, space: Workspace) -> Again | None:
    """Find what was queued for replay; None when nothing was. Rows of sources that are gone stay where they are."""
    handle = open_table(space.lake, table_name(pipeline.name))
    if handle is None:
        return None
    queued = rows_at(space.lake, pipeline.name, handle.version, ["queued"])
    ours = queued.filter(pl.col("source").is_in(list(pipeline.file_sources)))
    counts = ours.select(pl.len(), files=pl.col("line").is_null().sum()).collect(engine="streaming")
    rows, files = counts.row(0)
    if not rows:
        return None
    whole = ours.filter(pl.col("line").is_null()).select("source", "file", "file_time")
    return Again(handle.version, rows, _still_there(pipeline, space, whole.collect()) if files else {})


def _still_there(pipeline: Pipeline, space: Workspace, whole: pl.DataFrame) -> dict[str, tuple[FileInput, ...]]:
    """The queued files that are as they were when they were refused, by source."""
    found: dict[str, tuple[FileInput, ...]] = {}
    for (name,), files in whole.group_by("source"):
        times = dict(files.select("file", "file_time").iter_rows())
        listed = _listed(space, str(name), pipeline.file_sources[str(name)])
        same = {f.path: f for f in listed if f.path in times and f.modified == times[f.path]}
        found[str(name)] = tuple(FileInput(f.modified, f.path, f.size, f.etag) for f in same.values())
    return found


def _listed(space: Workspace, name: str, source: FileSource) -> list[FileInfo]:
    """All files of a source."""
    raw = space.raw.tried_once()
    with space.calls.to(name, source):
        return [file for one in source.patterns for file in reach(f"list {one}", partial(raw.files, one))]


def with_files(inputs: Mapping[str, Input], files: Mapping[str, tuple[FileInput, ...]]) -> dict[str, Input]:
    """Add files to read again to what a plan covers."""
    found = dict(inputs)
    for name, more in files.items():
        given = found.get(name)
        known = given.files if isinstance(given, FilesInput) else ()
        paths = {f.path for f in known}
        found[name] = FilesInput(tuple(sorted([*known, *(f for f in more if f.path not in paths)])))
    return found


def find_decided(pipeline: Pipeline, space: Workspace) -> int | None:
    """The version of the quarantine that a rebuild must heed: it holds rows that people mended or discarded."""
    handle = open_table(space.lake, table_name(pipeline.name))
    if handle is None:
        return None
    decided = _decided(rows_at(space.lake, pipeline.name, handle.version))
    return None if decided.head(1).collect(engine="streaming").is_empty() else handle.version


def _decided(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of which people have said what shall become of them, the latest word on each."""
    is_mended = pl.col("mended").is_not_null() & pl.col("state").is_in(["queued", "released"])
    said = rows.filter(pl.col("line").is_not_null() & (is_mended | (pl.col("state") == "discarded")))
    return said.sort("changed_at").unique(IDENTITY, keep="last", maintain_order=True)


def redelivered_files(plan: RunPlan, space: Workspace, source: str) -> list[str]:
    """The files of a plan whose content is not the one that was covered before."""
    given = plan.inputs[source]
    files = given.files if isinstance(given, FilesInput) else ()
    if plan.mode != "full":
        return [f.path for f in files if f.changed]
    if plan.waiting_version is None:
        return []
    known = PlanStore(space.lake, plan.pipeline).covered(plan.seq - 1).files.get(source, {})
    return [f.path for f in files if f.path in known and known[f.path] != signature(f)]


def pinned_rows(plan: RunPlan, space: Workspace, source: str, redelivered: Iterable[str]) -> pl.LazyFrame | None:
    """The quarantined rows of a source that a plan judges again, in the quarantine's columns, lazy; None: no rows.

    Those that wait and those that are queued; in a rebuild those that were mended, and the discarded, which it leaves
    out. Not those of files that were delivered again.
    """
    if plan.waiting_version is None:
        return None
    at = rows_at(space.lake, plan.pipeline, plan.waiting_version, TAKEN if plan.mode != "full" else STATES)
    rows = at.filter((pl.col("source") == source) & ~pl.col("file").is_in(list(redelivered)))
    if plan.mode != "full":
        return rows
    given = plan.inputs[source]
    files = [(f.path, f.modified) for f in (given.files if isinstance(given, FilesInput) else ())]
    there = pl.LazyFrame(files, schema={"file": pl.String, "file_time": SCHEMA["file_time"]}, orient="row")
    return _decided(rows).join(there, on=["file", "file_time"], how="semi")


def without(part: pl.LazyFrame, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Leave out of raw rows those that are judged in another form, or not wanted. Lazy."""
    names = {"file": SOURCE_FILE, "file_time": SOURCE_TIME, "line": SOURCE_LINE}
    gone = rows.select(names.keys()).rename(names)
    return part.join(gone, on=list(names.values()), how="anti")


def as_raw(rows: pl.LazyFrame, expected: Expected) -> pl.LazyFrame:
    """Make quarantined rows raw rows with provenance again: their values as mended, or else as they were read. Lazy.

    A line that could not be split stays malformed unless it was mended; so does one whose values do not fit any more.
    A row from before a column was renamed has it under its older name.
    """
    columns = textual(expected)
    is_malformed = pl.col("mended").is_null() & (pl.col("failure") == "parse")
    given = rows.filter(pl.col("line").is_not_null()).select(
        pl.coalesce("mended", "raw", pl.lit("{}")).alias(TEXT),
        pl.when(is_malformed).then(pl.col("reasons").list.first()).alias(MALFORMED),
        pl.col("file_time").alias(SOURCE_TIME),
        pl.col("file").alias(SOURCE_FILE),
        pl.col("line").alias(SOURCE_LINE),
    )
    names = sorted(expected.told_absent)
    told = {ABSENT: pl.Struct(dict.fromkeys(names, pl.Boolean))} if names else {}
    schema = pl.Schema({**columns, **told, MALFORMED: pl.String(), **PROVENANCE_TYPES})

    def parsed(batch: pl.DataFrame) -> pl.DataFrame:
        values = _parsed(batch, columns, expected.older)
        if names:
            values = values.with_columns(_absent(values[TEXT], names, expected.older))
        return values.select(schema.names())

    return given.map_batches(
        parsed, schema=schema, streamable=True, projection_pushdown=False, predicate_pushdown=False
    )


def _absent(texts: pl.Series, names: list[str], older: Older) -> pl.Series:
    """Which of the columns of which it must be told a quarantined record lacks: its JSON has no key of that name."""
    records = [loads(text) for text in texts]
    lacks = [{name: record.keys().isdisjoint((name, *older.get(name, ()))) for name in names} for record in records]
    return pl.Series(ABSENT, lacks, dtype=pl.Struct(dict.fromkeys(names, pl.Boolean)))


def _parsed(batch: pl.DataFrame, columns: Mapping[str, pl.DataType], older: Older) -> pl.DataFrame:
    """Parse the values of all rows at once; where one does not fit its column, row by row."""
    before = {old: columns[name] for name, names in older.items() for old in names if old not in columns}
    now = [pl.coalesce(name, *(old for old in names if old in before)) for name, names in older.items()]
    try:
        found = batch.with_columns(pl.col(TEXT).str.json_decode(pl.Struct({**columns, **before})).struct.unnest())
    except pl.exceptions.ComputeError:
        told = [_shaped(text, {**columns, **before}) for text in batch[TEXT]]
        values = pl.DataFrame([row for row, _ in told], schema={**columns, **before}, orient="row")
        wrong = pl.Series([problem for _, problem in told], dtype=pl.String)
        found = batch.with_columns(pl.coalesce(MALFORMED, wrong).alias(MALFORMED)).hstack(values)
    return found.with_columns(now).drop(before)


def _shaped(text: str, columns: Mapping[str, pl.DataType]) -> tuple[dict[str, Any], str | None]:
    record = loads(text)
    try:
        return {name: shape(record.get(name), dtype) for name, dtype in columns.items()}, None
    except TypeError as error:
        return dict.fromkeys(columns), UNFIT.format(error)
