"""Have quarantined rows judged again, or put them aside for good. The judging is done by a run like any other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from framework.errors import ConfigurationError, SelectionError, did_you_mean
from framework.lake.quarantine import CHANGEABLE, SCHEMA, Selection, change, entry_of
from framework.run.quarantine.rows import (
    UNSPLIT,
    Desk,
    after_change,
    find_rows,
    gathered,
    require_not_in_flight,
    values_of,
    version_of,
    with_ids,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.boundary import Contract
    from framework.core.source import FileSource
    from framework.definition import Pipeline

REPLAYED = ("open", "mended")
"""What a replay means where it is not told: those that wait come back by themselves."""
REPLACING = ("overwrite", "replace_partitions")


@dataclass(frozen=True)
class Queued:
    """How many rows were queued now, and how many of those asked for were queued already.

    `left_out`: columns that rows have values for and their schema does not know any more.
    """

    rows: int
    already: int
    left_out: tuple[str, ...] = ()


def queue(desk: Desk, selection: Selection, *, by: str) -> Queued:
    """Queue rows for the next run, which judges them by the code as it is then: as mended, or else as they were read.

    Without states, those that are open or mended; with ids, any that is not closed for good.

    Raises:
        SelectionError: when no row is meant, or an id means none.
        ConfigurationError: naming everything that stands against it: the pipeline or a source is gone, no column of a
            row is known any more, a file is gone or has changed, a table would be replaced by these rows alone.
    """
    pipeline = desk.pipeline
    if pipeline is None:
        raise ConfigurationError(
            f"pipeline {desk.name} is not defined any more, so nothing can judge its rows; they can be listed, exported"
            " and discarded"
        )
    states = (*(CHANGEABLE if selection.ids else REPLAYED), "queued")
    version = version_of(desk)
    found = find_rows(desk, selection, states)
    if found.is_empty():
        raise SelectionError(f"no row of {desk.name}'s quarantine is meant; `sluice quarantine list {desk.name}`")
    chosen = found.filter(pl.col("state") != "queued")
    problems = [*_source_problems(pipeline, chosen), *_row_problems(desk, chosen), *_file_problems(desk, chosen)]
    if problems:
        raise ConfigurationError(gathered(problems, f"with a replay of {desk.name}"))
    require_not_in_flight(desk, chosen)
    at = datetime.now(UTC)
    after = after_change(chosen, state="queued", entries=entry_of("queued", by=by, at=at), by=by, at=at)
    change(desk.space.lake, desk.name, chosen.select(SCHEMA.names()), after, did="replay", version=version)
    return Queued(chosen.height, found.height - chosen.height, _left_out(desk, chosen))


def discard(desk: Desk, selection: Selection, *, by: str) -> int:
    """Put rows aside for good: they are kept, judged no more, and left out of rebuilds. Gives how many they were.

    Raises:
        SelectionError: when no row is meant, or an id means none.
    """
    states = tuple(s for s in CHANGEABLE if s != "discarded")
    version = version_of(desk)
    chosen = find_rows(desk, selection, states)
    if chosen.is_empty():
        raise SelectionError(f"no row of {desk.name}'s quarantine is meant; `sluice quarantine list {desk.name}`")
    require_not_in_flight(desk, chosen)
    at = datetime.now(UTC)
    after = after_change(chosen, state="discarded", entries=entry_of("discarded", by=by, at=at), by=by, at=at)
    done = change(desk.space.lake, desk.name, chosen.select(SCHEMA.names()), after, did="discard", version=version)
    return done.rows


def _source_problems(pipeline: Pipeline, chosen: pl.DataFrame) -> Iterator[str]:
    for name, count in chosen.group_by("source").len().sort("source").iter_rows():
        rows = f"{count:,} row{'s' * (count != 1)}"
        if name not in pipeline.file_sources:
            hint = did_you_mean(name, pipeline.file_sources)
            yield f"source '{name}' ({rows}) is no longer a source of {pipeline.name}; {hint}; narrow with --source"
            continue
        for output in pipeline.outputs:
            if output.mode in REPLACING and name in pipeline.upstream(output.of):
                yield (
                    f"source '{name}' ({rows}) feeds table '{output.table}', whose mode='{output.mode}' would replace"
                    " its rows by these alone; deliver the file again with its lines corrected"
                )


def _row_problems(desk: Desk, chosen: pl.DataFrame) -> Iterator[str]:
    """Find rows of which the schema knows no column at all any more."""
    lines = chosen.filter(pl.col("line").is_not_null() & (pl.col("failure").ne_missing("parse")))
    for row in with_ids(_one_of_each(lines)).iter_rows(named=True):
        contract = desk.known.get(row["source"])
        if contract is None:
            continue
        names = [name for name in values_of(row) if name not in UNSPLIT]
        if names and not known_names(contract) & set(names):
            has = ", ".join(names)
            yield f"row {row['id']} has {has}, of which {contract.name} knows no column; mend it under today's names"


def _one_of_each(rows: pl.DataFrame) -> pl.DataFrame:
    """One row of each file: its rows have the same columns, whatever their values."""
    return rows.unique(["source", "file", "file_time"], keep="first", maintain_order=True)


def _file_problems(desk: Desk, chosen: pl.DataFrame) -> Iterator[str]:
    pipeline = desk.pipeline
    whole = chosen.filter(pl.col("line").is_null())
    for row in with_ids(whole).iter_rows(named=True):
        source: FileSource | None = pipeline.file_sources.get(row["source"]) if pipeline else None
        listed = {f.path: f for p in (source.patterns if source else ()) for f in desk.space.raw.files(p)}
        now = listed.get(row["file"])
        if source is not None and now is None:
            yield f"row {row['id']}: file {row['file']} is gone; deliver it again"
        elif now is not None and now.modified != row["file_time"]:
            yield f"row {row['id']}: file {row['file']} has changed since; the next run reads it without being told"


def _left_out(desk: Desk, chosen: pl.DataFrame) -> tuple[str, ...]:
    """The columns that some row has a value for and its schema does not know."""
    unknown: dict[str, set[str]] = {}
    for row in _one_of_each(chosen.filter(pl.col("line").is_not_null())).iter_rows(named=True):
        contract = desk.known.get(row["source"])
        if contract is not None:
            names = values_of(row).keys() - known_names(contract) - set(UNSPLIT)
            unknown.setdefault(row["source"], set()).update(names)
    rows = {source: chosen.filter(pl.col("source") == source) for source, names in unknown.items() if names}
    return tuple(sorted({name for source in rows for name in unknown[source] if _has_value(rows[source], name)}))


def _has_value(rows: pl.DataFrame, name: str) -> bool:
    """Whether any row has a value under a name; one that is written otherwise than it is in JSON counts as having."""
    key = json.dumps(name, ensure_ascii=False)
    text = pl.coalesce("mended", "raw")
    return bool(
        rows.select(
            (text.str.contains(f"{key}:", literal=True) & ~text.str.contains(f"{key}:null", literal=True)).any()
        ).item()
    )


def known_names(contract: Contract) -> set[str]:
    """The columns of a schema, with the names that they had before."""
    return {*contract.columns, *(alias for spec in contract.columns.values() for alias in spec.aliases)}
