"""How the schemas of a pipeline's tables change with its next run: held before data moves, done with its commit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.events import emit
from framework.errors import CompatibilityError
from framework.lake import (
    Reshape,
    extend,
    is_at,
    only_adds_columns,
    open_table,
    require_equal_schema,
    rewritten,
    to_storable,
)
from framework.registry import STRUCTURAL, Registry, find_changes, forbidden, renamed
from framework.run.schemas.consumers import find_breaks, readers
from framework.run.schemas.documents import aligned, comparable, declared_documents, published_document

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from framework.core.plan import Input, Mode
    from framework.definition import Output, Pipeline
    from framework.lake import Staged, StagingArea, TableHandle
    from framework.registry import Change, Document
    from framework.run.schemas.consumers import Break
    from framework.run.workspace import Workspace

    Reconcile = Callable[[TableHandle], Staged]

PARTITIONING = "partitioning changed"


@dataclass(frozen=True)
class Evolution:
    """How the schema of one table changes.

    `published`: what the table has, None where it is new; `version`: its number, 0 where it is not registered.
    `rows_stay`: whether rows of before stay in the table. `breaks`: what no longer works in pipelines that read it.
    """

    pipeline: str
    output: Output
    declared: Document
    published: Document | None = None
    version: int = 0
    changes: tuple[Change, ...] = ()
    rows_stay: bool = True
    breaks: tuple[Break, ...] = ()

    @property
    def table(self) -> str:
        """The table."""
        return self.output.table

    @property
    def refused(self) -> list[tuple[Change, str]]:
        """The changes that a run does not carry out, each with the reason."""
        return list(_refused(self.changes, self.output, rows_stay=self.rows_stay))

    @property
    def is_held(self) -> bool:
        """Whether a run is refused because of it."""
        return bool(self.refused) or (bool(self.breaks) and self.output.compatibility != "none")

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        reasons = dict(self.refused)
        return {
            "table": self.table,
            "pipeline": self.pipeline,
            "compatibility": self.output.compatibility,
            "version": self.version,
            "is_new": self.published is None,
            "is_held": self.is_held,
            "changes": [{**change.to_dict(), "refused": reasons.get(change)} for change in self.changes],
            "breaks": [one.to_dict() for one in self.breaks],
        }

    def render(self) -> Iterator[str]:
        """Render as lines for a terminal; none where nothing changes."""
        reasons = dict(self.refused)
        for change in self.changes:
            yield f"    schema  {self.table}: {change}" + (f": {reasons[change]}" if change in reasons else "")
        for one in self.breaks:
            yield f"    breaks  {one}"


def _refused(changes: Sequence[Change], output: Output, *, rows_stay: bool) -> Iterator[tuple[Change, str]]:
    level = output.compatibility
    unwanted = forbidden(changes, level, rows_stay=rows_stay)
    for change in changes:
        if change.kind == PARTITIONING:
            yield change, "a table keeps the partitions it was made with"
        elif rows_stay and change.kind in STRUCTURAL and not change.backward:
            yield change, "rows that are there cannot be read as the new schema"
        elif change in unwanted:
            is_backward = rows_stay and not change.backward and level in {"backward", "full"}
            yield change, "rows that are there may not hold" if is_backward else "readers of before may not stand it"


def examine(
    pipeline: Pipeline,
    space: Workspace,
    mode: Mode,
    inputs: Mapping[str, Input],
    parameters: Mapping[str, Any],
    rebuilt: Collection[str] = (),
) -> list[Evolution]:
    """Hold the declared schema of every table of a pipeline against the one that the table has. Reads no data.

    `rebuilt`: tables that are computed again whole.

    Raises:
        AuthorError: when the pipeline does not fit together.
        ConfigurationError: when the registry cannot be read.
    """
    registry = Registry(space.lake)
    found = []
    documents = declared_documents(pipeline, space, inputs, parameters)
    for output in pipeline.outputs:
        declared = documents[output.table]
        handle = open_table(space.lake, output.table)
        if handle is None:
            found.append(Evolution(pipeline.name, output, declared, rows_stay=False))
            continue
        published = published_document(registry, handle)
        changes = tuple(find_changes(published, comparable(declared, published)))
        stay = bool(handle.files()) and not (output.table in rebuilt or _is_replaced(pipeline, output, mode))
        found.append(Evolution(pipeline.name, output, declared, published, handle.schema_version, changes, stay))
    return found


def _is_replaced(pipeline: Pipeline, output: Output, mode: Mode) -> bool:
    """Whether a run leaves no row of before in a table, whatever its input is."""
    takes_files = bool(pipeline.upstream(output.of) & pipeline.file_sources.keys())
    return mode == "full" or output.mode == "overwrite" or not (takes_files or output.recompute_by)


def readers_of(evolution: Evolution, space: Workspace) -> dict[str, list[str]]:
    """The columns that the pipelines of the project read of a table, by pipeline and source."""
    handle = open_table(space.lake, evolution.table)
    if handle is None:
        return {}
    found = readers(space.pipelines(), evolution.table, space)
    return {f"{one.pipeline.name}, source '{one.source}'": one.columns(handle.schema) for one in found}


def with_breaks(evolution: Evolution, space: Workspace) -> Evolution:
    """Look who in the project reads a table that changes, and what of it breaks there."""
    if not evolution.changes or evolution.published is None:
        return evolution
    others = [pipeline for pipeline in space.pipelines() if pipeline.name != evolution.pipeline]
    breaks = [
        one
        for reader in readers(others, evolution.table, space)
        for one in find_breaks(reader, evolution.published, evolution.declared, evolution.changes)
    ]
    return replace(evolution, breaks=tuple(sorted(breaks)))


def hold_schemas(
    pipeline: Pipeline,
    space: Workspace,
    mode: Mode,
    inputs: Mapping[str, Input],
    parameters: Mapping[str, Any],
    rebuilt: Collection[str] = (),
) -> None:
    """Refuse to go on when the schema of a table changes in a way that its rows or readers do not stand.

    `rebuilt`: tables that are computed again whole.

    Raises:
        CompatibilityError: naming every such change of every table, and who reads it.
        ConfigurationError: when the registry cannot be read.
    """
    found = examine(pipeline, space, mode, inputs, parameters, rebuilt)
    refused = refusal([with_breaks(one, space) for one in found])
    if refused is not None:
        raise refused


def refusal(evolutions: Sequence[Evolution]) -> CompatibilityError | None:
    """Say why a run would refuse to go on: each change that is held, and who reads the table. None: it goes on."""
    held = [one for one in evolutions if one.is_held]
    return CompatibilityError("\n".join(line for one in held for line in _told(one))) if held else None


def _told(evolution: Evolution) -> Iterator[str]:
    table, output = evolution.table, evolution.output
    version = f"version {evolution.version}" if evolution.version else "not registered yet"
    yield (
        f"table '{table}' ({version}, compatibility '{output.compatibility}') cannot change its schema as"
        f" {evolution.pipeline} declares it:"
    )
    yield from (f"  - {change}: {why}" for change, why in evolution.refused)
    yield from (f"  - breaks {one}" for one in evolution.breaks)
    yield f"  nothing was read or written; {'; '.join(_ways_on(evolution))}"


def _ways_on(evolution: Evolution) -> Iterator[str]:
    refused = [change for change, _ in evolution.refused]
    if any(change.kind == PARTITIONING for change in refused):
        yield "write another table, or keep the partitions"
        return
    if evolution.breaks:
        yield "change the pipelines that read it along with it"
    if any(not change.backward for change in refused) and evolution.rows_stay:
        yield f"bring its rows along with `sluice schema migrate {evolution.table}`"
        yield f"compute them again with `sluice run {evolution.pipeline} --full`"
    yield "keep what was there, or say compatibility= on the table"


def evolved(
    evolution: Evolution, area: StagingArea, reconcile: Reconcile, space: Workspace, *, replaces_all: bool
) -> Reconcile:
    """Have the commit of a table also bring it to its declared schema, where that has changed.

    Args:
        evolution: How its schema changes.
        area: Where its rows are staged, in the declared schema.
        reconcile: How they meet the rows that are there.
        space: The lake.
        replaces_all: No row that is there stays.
    """
    registry = Registry(space.lake)
    declared = aligned(evolution.declared, area.schema)

    def evolve(current: TableHandle) -> Staged:
        published = published_document(registry, current)
        now = comparable(declared, published)
        changes = find_changes(published, now)
        if not changes and current.schema_version:
            return reconcile(current if replaces_all else _in_order(current, area.schema))
        if any(_refused(changes, evolution.output, rows_stay=bool(current.files()) and not replaces_all)):
            raise _overtaken(evolution)
        version = registry.register(declared, after=current.schema_version)
        for change in changes:
            emit("schema.changed", f"{evolution.table}: {change}", table=evolution.table, version=version)
        if replaces_all:
            return replace(reconcile(current), new_schema=area.schema, schema_version=version)
        return _carried(published, declared, current, area, reconcile, space, version)

    return evolve


def reshaped(evolution: Evolution, current: TableHandle, area: StagingArea) -> TableHandle:
    """A table whose rows are read as those of the schema that it is going to have."""
    if evolution.published is None:
        return current
    declared = aligned(evolution.declared, area.schema)
    return replace(current, reshape=reshape_to(evolution.published, declared, area.schema))


def _overtaken(evolution: Evolution) -> CompatibilityError:
    return CompatibilityError(
        f"table '{evolution.table}' was given another schema while this run was going on, and the one that"
        f" {evolution.pipeline} declares no longer fits it; nothing of this run was published to it; run again"
    )


def _carried(
    published: Document,
    declared: Document,
    current: TableHandle,
    area: StagingArea,
    reconcile: Reconcile,
    space: Workspace,
    version: int,
) -> Staged:
    """Stage the rows together with what brings those that stay to the declared schema."""
    reshape = reshape_to(published, declared, area.schema)
    if is_at(current, area.schema) and not reshape.fills:
        return replace(reconcile(_in_order(current, area.schema)), schema_version=version)
    if only_adds_columns(current, reshape):
        metadata = {"pipeline": declared.origin["pipeline"], "schema_version": version}
        extended = extend(space.lake, current, area.schema, version, metadata)
        staged = reconcile(_in_order(extended, area.schema))
        return replace(staged, schema_version=None if extended.schema_version == version else version)
    staged = reconcile(replace(current, reshape=reshape))
    return replace(rewritten(staged, current, area, reshape), schema_version=version)


def _in_order(handle: TableHandle, schema: pl.Schema) -> TableHandle:
    """A table whose rows are read with their columns in the order in which rows are staged.

    Raises:
        SchemaError: when it does not have these columns.
    """
    require_equal_schema(handle, schema)
    return handle if handle.schema.names() == schema.names() else replace(handle, reshape=Reshape(schema))


def reshape_to(published: Document, declared: Document, stored: pl.Schema) -> Reshape:
    """How rows of a published schema are read as the declared one: older names, wider types, defaults for nulls."""
    names = renamed(published, declared)
    fills = {}
    for column in declared.columns:
        before = published.by_name.get(names.get(column.name, column.name))
        is_filled = before is None or (before.nullable and not column.nullable and not published.is_observed)
        if column.default is not None and is_filled:
            fills[column.name] = stored_value(column.default, column.dtype)
    return Reshape(stored, names, fills)


def stored_value(value: Any, dtype: pl.DataType) -> Any:
    """A value of a type as it stands in a table."""
    return to_storable(pl.LazyFrame({"value": pl.Series([value], dtype=dtype)})).collect().item()
