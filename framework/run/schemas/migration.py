"""Bring all rows of a table to its declared schema as one new version: `sluice schema migrate`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary import Violations, conform
from framework.core.clock import at_run_time
from framework.core.events import emit
from framework.definition import Migration
from framework.errors import CompatibilityError, SelectionError, StepError, did_you_mean
from framework.lake import (
    Staged,
    StagingArea,
    as_declared,
    is_at,
    open_table,
    publish_as,
    schema_app,
    stored_type,
    to_storable,
)
from framework.lake.delta import scan_data_files
from framework.registry import STRUCTURAL, Registry
from framework.run.compiled import contracts, planning
from framework.run.execution import look_again
from framework.run.schemas.documents import comparable, published_document
from framework.run.schemas.evolution import PARTITIONING, Evolution, examine, reshape_to, stored_value, with_breaks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from framework.boundary import Contract
    from framework.definition import Pipeline
    from framework.lake import TableHandle
    from framework.registry import Change, Document
    from framework.run.workspace import Workspace


@dataclass(frozen=True)
class MigrationPlan:
    """What a migration would do: the changes, each with how it is brought about, and what stands in the way."""

    evolution: Evolution
    steps: tuple[tuple[Change, str], ...]
    problems: tuple[str, ...]
    rewrites: bool
    rows: int
    files: int

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        steps = [{**change.to_dict(), "how": how} for change, how in self.steps]
        return {
            "table": self.evolution.table,
            "version": self.evolution.version,
            "steps": steps,
            "problems": list(self.problems),
            "rewrites": self.rewrites,
            "rows": self.rows,
            "files": self.files,
        }

    def render(self) -> Iterator[str]:
        """Render as lines for a terminal."""
        table = self.evolution.table
        if not self.steps:
            yield f"{table}: is at its declared schema, version {self.evolution.version}"
            return
        what = f"{self.rows:,} rows in {self.files:,} files"
        yield f"{table}: {'rewrites' if self.rewrites else 'looks at'} {what}"
        yield from (f"    {change}: {how}" for change, how in self.steps)
        yield from (f"    problem  {problem}" for problem in self.problems)


@dataclass(frozen=True)
class Migrated:
    """What a migration did: the version of the schema, that of the table, and the rows that it has."""

    table: str
    schema_version: int
    version: int
    rows: int
    by_us: bool


def owner_of(pipelines: Iterable[Pipeline], table: str) -> Pipeline:
    """Find the pipeline that writes a table.

    Raises:
        SelectionError: when none does; suggests the nearest.
    """
    writers = {output.table: pipeline for pipeline in pipelines for output in pipeline.outputs}
    if table not in writers:
        raise SelectionError(
            f"no pipeline writes a table '{table}'; {did_you_mean(table, writers) or 'there are none'}"
        )
    return writers[table]


def plan_migration(pipeline: Pipeline, table: str, space: Workspace) -> MigrationPlan:
    """Say what it takes to bring a table to its declared schema. Reads no data.

    Raises:
        SelectionError: when the lake does not have the table.
        ConfigurationError: when the registry cannot be read.
    """
    evolution = next(one for one in examine(pipeline, space, "incremental", {}, {}) if one.table == table)
    handle = open_table(space.lake, table)
    if handle is None or evolution.published is None:
        raise SelectionError(f"the lake has no table '{table}' yet; `sluice run {pipeline.name}` makes it")
    looked_up = with_breaks(evolution, space)
    migration = evolution.output.migration or Migration()
    steps = [(change, _how(change, migration)) for change in evolution.changes]
    problems = [f"{change}: {why}" for change, (_, why) in steps if why]
    problems += _unknown_names(migration, evolution.declared)
    problems += [f"breaks {one}" for one in looked_up.breaks if evolution.output.compatibility != "none"]
    files = handle.files()
    return MigrationPlan(
        looked_up,
        tuple((change, how or why) for change, (how, why) in steps),
        tuple(problems) if steps else (),
        _rewrites(evolution.changes, migration, handle, evolution.declared),
        sum(file.rows for file in files),
        len(files),
    )


def _how(change: Change, migration: Migration) -> tuple[str, str]:
    """How a migration brings a change about, or else what it lacks to do so."""
    column = change.column or ""
    if change.kind == PARTITIONING:
        return "", "a table keeps the partitions it was made with; write another table"
    if column in migration.fill and change.kind in {"column added", "nulls refused"}:
        return f"null becomes {migration.fill[column]!r}", ""
    if change.backward:
        return "by itself", ""
    if change.kind in {"column added", "nulls refused"}:
        return _by_function(migration, f"give fill={{'{column}': ...}} or a backfill")
    if change.kind not in STRUCTURAL or column in migration.cast:
        held = f"rows are {'backfilled and ' if migration.backfill else ''}held against it"
        return "values are cast, and one that does not fit fails it" if column in migration.cast else held, ""
    return _by_function(migration, f"give cast=['{column}'] or a backfill")


def _by_function(migration: Migration, lacking: str) -> tuple[str, str]:
    return ("by the backfill", "") if migration.backfill else ("", f"{lacking} in the table's migration=")


def _unknown_names(migration: Migration, declared: Document) -> list[str]:
    """Find what a migration names and the declared schema does not have."""
    named = [("rename", name) for name in migration.rename.values()]
    named += [("fill", name) for name in migration.fill] + [("cast", name) for name in migration.cast]
    return [
        f"{option} names '{name}', which is not declared; {did_you_mean(name, declared.by_name)}"
        for option, name in named
        if name not in declared.by_name
    ]


def _rewrites(changes: Iterable[Change], migration: Migration, handle: TableHandle, declared: Document) -> bool:
    is_filled = any(change.kind == "nulls refused" for change in changes)
    is_other = any(change.kind in STRUCTURAL for change in changes) and not is_at(handle, _stored(declared))
    return is_filled or is_other or (migration.backfill is not None and any(changes))


def _stored(declared: Document) -> pl.Schema:
    return pl.Schema({column.name: stored_type(column.dtype) for column in declared.columns})


def migrate(pipeline: Pipeline, table: str, space: Workspace) -> Migrated:
    """Bring a table to its declared schema, as one new version with all positions kept. Done already: does nothing.

    All rows are held against the declared schema. It may be killed at any time and started twice at once.

    Raises:
        CompatibilityError: naming all that stands in the way; nothing was changed.
        StepError: when the backfill raises, or gives other columns than are declared.
        CommitError: when the commit cannot be made.
    """
    plan = plan_migration(pipeline, table, space)
    if plan.problems:
        listed = "\n".join(f"  - {problem}" for problem in plan.problems)
        raise CompatibilityError(f"table '{table}' cannot be migrated; nothing was changed:\n{listed}")
    handle = open_table(space.lake, table)
    if handle is None:
        raise SelectionError(f"the lake has no table '{table}' any more")
    if not plan.steps and handle.schema_version:
        return Migrated(table, handle.schema_version, handle.version, plan.rows, by_us=False)
    with at_run_time(space.now or datetime.now(UTC)):
        contract = contracts(pipeline).get(plan.evolution.output.of)
    work = _Work(plan.evolution, contract, space)
    version = Registry(space.lake).register(plan.evolution.declared, after=handle.schema_version)
    metadata = {"pipeline": pipeline.name, "mode": "migrate"}
    done = publish_as(
        work.stage(handle, version),
        app=schema_app(table),
        seq=version,
        metadata=metadata,
        rebase=lambda found: work.stage(found, version),
    )
    emit("schema.migrated", f"{table}: schema version {version}", table=table, version=version)
    found = open_table(space.lake, table)
    rows = sum(file.rows for file in found.files()) if found else 0
    return Migrated(table, version, done.version, rows, done.by_us)


@dataclass(frozen=True)
class _Work:
    """What a migration stages, anew for each version of the table that it meets."""

    evolution: Evolution
    contract: Contract | None
    space: Workspace

    @property
    def migration(self) -> Migration:
        return self.evolution.output.migration or Migration()

    def stage(self, handle: TableHandle, version: int) -> Staged:
        """Stage the rows of a version of the table in the declared schema, every one of them held against it."""
        published = published_document(Registry(self.space.lake), handle)
        declared, output = self.evolution.declared, self.evolution.output
        area = StagingArea(handle.location, _stored(declared), output.partition_by)
        violations = Violations(self.contract) if self.contract else None
        files = handle.files()
        rows = self._rows(handle.scan_files(files), published)
        watched = violations.watch(rows) if violations else rows
        if not _rewrites(self.evolution.changes, self.migration, handle, declared):
            watched.select(pl.len()).collect(engine="streaming")
            self._require_held(violations, handle.scan_files(files))
            return Staged(handle, [], schema_version=version)
        try:
            staged = area.write(to_storable(watched)).files()
            self._require_held(violations, scan_data_files(area.location, staged, area.schema, area.partition_by))
        except pl.exceptions.PolarsError as error:
            area.discard()
            first = str(error).splitlines()[0]
            raise StepError(f"table '{output.table}' cannot be migrated: {first}; nothing was changed") from error
        except CompatibilityError:
            area.discard()
            raise
        return Staged(handle, staged, files, new_schema=area.schema, schema_version=version)

    def _rows(self, stored: pl.LazyFrame, published: Document) -> pl.LazyFrame:
        declared = self.evolution.declared
        now = comparable(declared, published)
        reshape = reshape_to(published, declared, _stored(declared))
        fills = {
            **reshape.fills,
            **{n: stored_value(v, declared.by_name[n].dtype) for n, v in self.migration.fill.items()},
        }
        kept = self._kept_types(stored.collect_schema(), reshape.names)
        schema = pl.Schema({**reshape.schema, **kept})
        others = [name for name in stored.collect_schema() if name not in schema and name not in reshape.names.values()]
        shaped = replace(reshape, schema=schema, fills=fills).apply(stored, others if self.migration.backfill else [])
        rows = as_declared(shaped, declared.schema)
        return self._backfilled(rows, now) if self.migration.backfill else rows.select(declared.schema.names())

    def _kept_types(self, there: pl.Schema, names: Any) -> dict[str, pl.DataType]:
        """The columns whose old type the backfill has to deal with: they changed it, and no cast was asked for."""
        if self.migration.backfill is None:
            return {}
        retyped = [c.column for c in self.evolution.changes if c.kind in {"type narrowed", "type changed"} and c.column]
        return {name: there[names.get(name, name)] for name in retyped if name not in self.migration.cast}

    def _backfilled(self, rows: pl.LazyFrame, declared: Document) -> pl.LazyFrame:
        backfill, table = self.migration.backfill, declared.table
        if backfill is None:
            return rows
        with planning(f"the backfill of '{table}'") as ask:
            given = ask(backfill, rows)
            made = conform(given, self.contract, f"backfill of {table}") if self.contract else given
            found = made.collect_schema()
        missing = [name for name in declared.by_name if name not in found]
        if missing:
            raise StepError(f"the backfill of '{table}' does not give {', '.join(missing)}")
        return made.select(declared.schema.names())

    def _require_held(self, violations: Violations | None, rows: pl.LazyFrame) -> None:
        """Hold what was counted while the rows passed, and the key, against the declared schema."""
        table, key = self.evolution.table, self.evolution.declared.key
        broken = +violations.close(look_again).counts if violations else {}
        told = [
            f"{count:,} x {reason}" for reason, count in sorted(broken.items(), key=lambda item: (-item[1], item[0]))
        ]
        if key and any(change.kind == "key changed" for change in self.evolution.changes):
            twice = (
                rows.group_by(key).len().filter(pl.col("len") > 1).select(pl.len()).collect(engine="streaming").item()
            )
            told += [f"{twice:,} x more than one row with the same {', '.join(key)}"] if twice else []
        if told:
            listed = "\n".join(f"  - {words}" for words in told)
            raise CompatibilityError(
                f"rows of table '{table}' break the schema that it is migrated to; nothing was changed:\n{listed}\n"
                "  give the table's migration= a backfill that mends them, or compute them again with `sluice run"
                f" {self.evolution.pipeline} --full`"
            )
