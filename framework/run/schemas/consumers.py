"""Who reads a table in the project, which of its columns, and whether they stand a change of it. Nothing is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.clock import at_run_time
from framework.definition.output import Output
from framework.errors import AuthorError, DefinitionError
from framework.lake import open_table, stored_type
from framework.registry import STRUCTURAL, find_changes
from framework.run.compiled import EPOCH, contracts, defaults, empty_inputs, unknown_columns, wire
from framework.run.schemas.documents import document_of, table_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from framework.boundary import Contract
    from framework.core.source import TableSource
    from framework.definition import Pipeline
    from framework.registry import Change, Document
    from framework.run.workspace import Workspace


@dataclass(frozen=True, order=True)
class Break:
    """What a change of a table breaks: a pipeline that reads it, by which source, the column, and what it then says."""

    pipeline: str
    source: str
    column: str
    why: str

    def __str__(self) -> str:
        return f"{self.pipeline}, source '{self.source}', {self.column}: {self.why}"

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Reader:
    """A pipeline that reads a table, with its plan over no rows."""

    pipeline: Pipeline
    source: str
    known: dict[str, Contract]
    frames: dict[str, pl.LazyFrame]

    def why_not(self, stored: pl.Schema) -> str:
        """Say why the pipeline does not stand if the table had other columns; empty when it does."""
        frames = {**self.frames, self.source: table_frame(stored, self.known.get(self.source))}
        lacking = _unmet(self.pipeline, self.source, stored)
        if lacking:
            return lacking
        try:
            with at_run_time(EPOCH):
                rows = wire(self.pipeline, frames, defaults(self.pipeline), self.known)
                problems = unknown_columns(self.pipeline, rows)
        except DefinitionError as error:
            return str(error.problems[0])
        except (AuthorError, pl.exceptions.PolarsError) as error:
            return str(error).splitlines()[0].partition("; valid columns")[0]
        return str(problems[0]) if problems else ""

    def columns(self, stored: pl.Schema) -> list[str]:
        """The columns of the table without any of which the pipeline does not stand."""
        return [name for name in stored if self.why_not(_without(stored, name))]


def readers(pipelines: Iterable[Pipeline], table: str, space: Workspace) -> Iterator[Reader]:
    """Find the pipelines that read a table, each with its plan over the tables that the lake has.

    One whose own definition has mistakes is left to `sluice check`.
    """
    for pipeline in pipelines:
        sources = [name for name, source in pipeline.table_sources.items() if source.table == table]
        if not sources:
            continue
        try:
            with at_run_time(EPOCH):
                known = contracts(pipeline)
        except DefinitionError:
            continue
        frames = empty_inputs(pipeline, known)
        for name, source in pipeline.table_sources.items():
            handle = open_table(space.lake, source.table)
            if handle is not None:
                frames[name] = table_frame(handle.schema, known.get(name))
        for name in sources:
            yield Reader(pipeline, name, known, frames)


def _unmet(pipeline: Pipeline, source: str, stored: pl.Schema) -> str:
    """What a definition asks of a table beside its steps: keys, and columns that others refer to."""
    declared: TableSource = pipeline.table_sources[source]
    asked = [(f"its key is {', '.join(declared.key)}", name) for name in declared.key]
    for other, files in pipeline.file_sources.items():
        asked += [(f"source '{other}' refers to it", r.key) for r in files.references if r.source == source]
    return next((f"{why}, and {name} is not there" for why, name in asked if name not in stored), "")


def find_breaks(reader: Reader, published: Document, declared: Document, changes: Iterable[Change]) -> Iterator[Break]:
    """Find what changes of a table break in a pipeline that reads it, by column.

    Two things are asked: whether its plan can be built over the table as it will be, and whether the schema that it
    declares for the table still holds of the table's rows.
    """
    before, after = (_stored(document) for document in (published, declared))
    where = (reader.pipeline.name, reader.source)
    error = reader.why_not(after)
    if error:
        by_column = [(c, reader.why_not(_only(before, after, c))) for c in changes if c.kind in STRUCTURAL]
        told = [(change, why) for change, why in by_column if why]
        yield from (Break(*where, _column(change), f"{change.kind} ({change.words}): {why}") for change, why in told)
        if not told:
            yield Break(*where, "all changes together", error)
    yield from (Break(*where, change.where, why) for change, why in _unheld(reader, published, declared))


def _column(change: Change) -> str:
    """A column by the name under which readers of before know it."""
    return change.old_name or change.where


def _stored(document: Document) -> pl.Schema:
    return pl.Schema({column.name: stored_type(column.dtype) for column in document.columns})


def _without(schema: pl.Schema, *names: str) -> pl.Schema:
    return pl.Schema({name: dtype for name, dtype in schema.items() if name not in names})


def _only(before: pl.Schema, after: pl.Schema, change: Change) -> pl.Schema:
    """The columns of before with one change."""
    name = change.where
    left = _without(before, change.old_name or "", *([] if name in after else [name]))
    return pl.Schema({**left, **({name: after[name]} if name in after else {})})


def _unheld(reader: Reader, published: Document, declared: Document) -> Iterator[tuple[Change, str]]:
    """What of the schema that a pipeline declares for a table held of its rows before, and does not after a change."""
    contract = reader.known.get(reader.source)
    if contract is None or published.is_observed:
        return
    asked = document_of(Output(declared.table, "", "append"), contract.schema, contract, reader.pipeline.name)
    seen = {(c.kind, c.column) for c in _unreadable(published, asked)}
    for change in _unreadable(declared, asked):
        if (change.kind, change.column) not in seen and change.kind not in STRUCTURAL:
            yield (
                change,
                f"{contract.name}, which it declares for the table, would not hold: {change.kind} ({change.words})",
            )


def _unreadable(written: Document, asked: Document) -> list[Change]:
    """What of rows cannot be read as a schema that somebody asks for; where they lie is nothing to a reader."""
    plain = replace(written, key=(), partition_by=())
    return [change for change in find_changes(plain, asked) if not change.backward]
