"""Last known values within a run: the tables that are asked, at versions pinned in the run plan, and what they know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.boundary import empty_frame, known_frame, misfits, require_one_each
from framework.core.events import emit
from framework.core.fallback import LastKnown
from framework.core.plan import TableInput
from framework.errors import DefinitionError, Problem, StorageError, did_you_mean
from framework.lake import open_table
from framework.lake.tables import table_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from framework.boundary import Contract
    from framework.core.plan import Input, RunPlan
    from framework.core.source import FileSource
    from framework.definition import Pipeline
    from framework.run.workspace import Workspace

Asked = tuple[str, int, LastKnown]
"""A column, the number of its fallback, from 1, and the look-up."""


def look_ups(source: FileSource) -> list[Asked]:
    """The look-ups of a source."""
    return [
        (column, number, one)
        for column, chosen in source.fallback.items()
        for number, one in enumerate(chosen, 1)
        if isinstance(one, LastKnown)
    ]


def table_asked(pipeline: Pipeline, one: LastKnown) -> str:
    """The table of the lake that a look-up asks."""
    source = pipeline.table_sources.get(one.of)
    return source.table if source else one.of


def pin_look_ups(pipeline: Pipeline, space: Workspace, inputs: Mapping[str, Input]) -> dict[str, int | None]:
    """Give the versions at which a run asks tables for last known values; None: it is not there yet.

    A table that is a source as well is asked at the version at which it is read.
    """
    read = {given.table: given.version for given in inputs.values() if isinstance(given, TableInput)}
    found: dict[str, int | None] = {}
    for source in pipeline.file_sources.values():
        for _, _, one in look_ups(source):
            table = table_asked(pipeline, one)
            handle = None if table in found or table in read else open_table(space.lake, table)
            found.setdefault(table, read.get(table, handle.version if handle else None))
    return found


def require_look_ups(
    pipeline: Pipeline, space: Workspace, pinned: Mapping[str, int | None], known: Mapping[str, Contract]
) -> None:
    """Hold the look-ups of a pipeline against the tables as they are, before a plan is fixed.

    Raises:
        DefinitionError: naming every column that a table does not have, or in a type that does not fit.
    """
    problems: list[Problem] = []
    for name, source in pipeline.file_sources.items():
        for column, _, one in look_ups(source) if name in known else ():
            version = pinned.get(table_asked(pipeline, one))
            handle = open_table(space.lake, table_asked(pipeline, one), version) if version is not None else None
            if handle is not None:
                words = misfits(handle.schema, known[name], column, one)
                problems += [Problem(f"{pipeline.name}, source '{name}'", what) for what in words]
    if problems:
        raise DefinitionError(problems)


def last_values(
    pipeline: Pipeline, plan: RunPlan, space: Workspace, name: str, contract: Contract
) -> tuple[dict[tuple[str, int], pl.DataFrame], list[str]]:
    """Read what the look-ups of a source can find, by column and number; and say which tables are not there yet.

    Raises:
        SchemaError: when a table does not fit the look-up, or has several values for a key and no time.
        StorageError: when the version that the plan pins cannot be opened any more.
    """
    found, missing = {}, []
    for column, number, one in look_ups(pipeline.file_sources[name]):
        table = table_asked(pipeline, one)
        version = plan.lookups.get(table)
        if version is None:
            found[column, number] = empty_frame(contract, column, one)
            missing.append(_missing(space, column, table))
            emit("table.missing", f"{name}: {missing[-1]}", level="WARNING", source=name, table=table)
            continue
        found[column, number] = _read(space, table, version, contract, column, one)
    return found, missing


def _read(space: Workspace, table: str, version: int, contract: Contract, column: str, one: LastKnown) -> pl.DataFrame:
    handle = open_table(space.lake, table, version)
    if handle is None:
        raise StorageError(f"table '{table}' at version {version} cannot be opened any more")
    known = known_frame(handle.scan(), contract, column, one).collect(engine="streaming")
    require_one_each(known, column, one)
    return known


def _missing(space: Workspace, column: str, table: str) -> str:
    near = did_you_mean(table, table_names(space.lake))
    hint = f" ({near})" if near.startswith("did you mean") else ""
    return f"{column}: table '{table}' was not there when the run was planned, so it knows no last value{hint}"


def look_up_problems(pipeline: Pipeline, known: Mapping[str, Contract]) -> Iterator[Problem]:
    """Find look-ups that do not fit the schema of the table source that they ask, as far as that is declared."""
    for name, source in pipeline.file_sources.items():
        for column, _, one in look_ups(source) if name in known else ():
            if one.of in known and one.of in pipeline.table_sources:
                for what in misfits(known[one.of].schema, known[name], column, one):
                    yield Problem(f"source '{name}'", what)
