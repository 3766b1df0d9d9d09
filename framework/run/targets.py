"""The tables a run writes: what goes into each, how it is reconciled with what is there, and the commits in order."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.events import emit
from framework.core.faults import fault
from framework.core.plan import FilesInput
from framework.lake import (
    Committed,
    Staged,
    StagingArea,
    TableHandle,
    app_id,
    append,
    area_for,
    committed_before,
    merge_newest,
    open_or_create,
    open_table,
    publish,
    quarantine,
    replace_all,
    replace_keys,
    replace_partitions,
    to_storable,
)
from framework.run.compiled import settle
from framework.run.planning import fix_rebuild
from framework.run.position import tables_of
from framework.run.rule_nodes import wanted_nodes
from framework.run.schemas.evolution import evolved, examine, reshaped
from framework.run.scopes import wire_rows
from framework.run.watched import watch_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from framework.boundary import Contract, Violations
    from framework.core.plan import FileInput, RunPlan
    from framework.core.report import RunReport
    from framework.definition import Output, Pipeline
    from framework.quality import Watch
    from framework.run.intake import Intake
    from framework.run.schemas.evolution import Evolution
    from framework.run.scopes import Scope, Wired
    from framework.run.workspace import Workspace


@dataclass(frozen=True)
class Target:
    """One table to write in this run: the sink of its rows, and how to reconcile them once they are staged."""

    table: str
    handle: TableHandle
    area: StagingArea
    sink: pl.LazyFrame | None
    reconcile: Callable[[TableHandle], Staged]
    feeds: tuple[str, ...] = ()
    violations: dict[str, Violations] = field(default_factory=dict)
    is_whole: bool = False
    """Whether what is staged is all of the table, not what is new or computed again."""
    watch: Watch | None = None
    """What looks at the rows while they are staged, where the table asks for quality."""
    frames: Mapping[str, pl.LazyFrame] = field(default_factory=dict)
    """The rows of the sources and steps that it is made of, lazy."""
    touched: pl.DataFrame | None = None
    """The values that are computed again; None where that is everything."""
    foresee: Callable[[TableHandle], Staged] | None = None
    """What `reconcile` will do to the table's rows, where it would change the table's schema first."""


def open_targets(
    pipeline: Pipeline,
    plan: RunPlan,
    space: Workspace,
    scopes: Sequence[Scope],
    intakes: Mapping[str, Intake],
    known: Mapping[str, Contract],
    held: StagingArea,
) -> list[Target]:
    """Open the tables of a plan that are not at its sequence yet, each pinned, and plan what goes into them.

    `scopes`: which outputs are planned together. `held` is where the quarantined rows go.
    """
    targets, order = list[Target](), tables_of(pipeline)
    if intakes:
        targets.append(_quarantine_target(plan, space, intakes, held))
    settled = settle(pipeline, known)
    schemas = {e.table: e for e in examine(pipeline, space, plan.mode, plan.inputs, plan.parameters, plan.rebuilt)}
    accepted = {name: intake.accepted for name, intake in intakes.items()}
    for scope in scopes:
        lasting = {o.table: handle for o in scope.outputs if (handle := _lasting(o, plan, space, schemas[o.table]))}
        made = [output for output in scope.outputs if output.table not in lasting]
        wired = wire_rows(pipeline, plan, space, scope, wanted_nodes(pipeline, made), accepted, (known, settled))
        targets += [_kept_target(handle) for handle in lasting.values()]
        for output in made:
            target = _output_target(pipeline, output, plan, space, known, scope, wired)
            is_skipped = output.table in plan.skipped  # and not there yet: it is made, without rows
            targets.append(
                _kept_target(target.handle) if is_skipped else _evolving(target, schemas[output.table], space)
            )
    targets.sort(key=lambda target: order.index(target.table))
    return [t for t in targets if t.handle.sequence(app_id(pipeline.name, t.table)) < plan.seq]


def _lasting(output: Output, plan: RunPlan, space: Workspace, evolution: Evolution) -> TableHandle | None:
    """A table that stays as it is in this sequence, pinned; None where it is computed, or made."""
    if output.table in plan.skipped:
        emit("table.skipped", f"{output.table} stays as it is: {plan.skipped[output.table]}", table=output.table)
    elif output.table not in plan.kept or evolution.changes:
        return None
    return open_table(space.lake, output.table)


def _kept_target(handle: TableHandle) -> Target:
    """A table that stays as it is: its commit moves its position and nothing else."""
    area = StagingArea(handle.location, handle.schema, handle.partition_by)
    return Target(handle.name, handle, area, None, lambda current: Staged(current, []))


def _evolving(target: Target, evolution: Evolution, space: Workspace) -> Target:
    """Have the commit of a table change its schema too; what that comes to may be foreseen before."""
    evolve = evolved(evolution, target.area, target.reconcile, space, replaces_all=target.is_whole)
    done = _once(evolve)
    if not evolution.changes or target.is_whole:
        return replace(target, reconcile=done)
    foresee = _once(lambda handle: target.reconcile(reshaped(evolution, handle, target.area)))
    return replace(target, reconcile=done, foresee=foresee)


def _once(reconcile: Callable[[TableHandle], Staged]) -> Callable[[TableHandle], Staged]:
    """Reconcile with one handle no more than once: rules across tables ask before the commit does."""
    done: list[tuple[TableHandle, Staged]] = []

    def ask(handle: TableHandle) -> Staged:
        found = next((staged for known, staged in done if known is handle), None)
        if found is None:
            found = reconcile(handle)
            done.append((handle, found))
        return found

    return ask


def _output_target(
    pipeline: Pipeline,
    output: Output,
    plan: RunPlan,
    space: Workspace,
    known: Mapping[str, Contract],
    scope: Scope,
    wired: Wired,
) -> Target:
    needed, touched = pipeline.upstream(output.of), scope.touched
    frames = {name: frame for name, frame in wired.frames.items() if name in needed}
    checks = {name: found for name, found in wired.checks.items() if name in needed}
    rows = to_storable(frames[output.of])
    area = area_for(space.lake, output.table, rows, output.partition_by)
    handle = open_or_create(space.lake, output.table, area.schema, output.partition_by, pipeline.name)
    watch = watch_of(pipeline, output, area.schema, known)
    if watch is not None:
        area.show_to(watch.see)
    files = tuple(sorted(needed & pipeline.file_sources.keys()))
    redelivered = [f.path for name in files for f in _files(plan, name) if f.changed]
    is_afresh = plan.mode == "full" or (touched is None and not files)
    if touched is not None:
        emit("touched", f"{output.table}: {touched.height} values of {', '.join(output.recompute_by)} to recompute")

    def reconcile(current: TableHandle) -> Staged:
        return _reconcile(output, current, area, touched, redelivered, afresh=is_afresh)

    is_whole = is_afresh or output.mode == "overwrite"
    made = Target(output.table, handle, area, area.sink(rows), reconcile, files, checks, is_whole, watch)
    return replace(made, frames=frames, touched=touched)


def _files(plan: RunPlan, source: str) -> tuple[FileInput, ...]:
    given = plan.inputs[source]
    return given.files if isinstance(given, FilesInput) else ()


def _reconcile(
    output: Output,
    handle: TableHandle,
    area: StagingArea,
    touched: pl.DataFrame | None,
    redelivered: list[str],
    *,
    afresh: bool,
) -> Staged:
    if output.mode == "merge" and output.newest_by:
        return merge_newest(handle, area, output.key, output.newest_by, redelivered=redelivered, afresh=afresh)
    if afresh or output.mode == "overwrite":
        return replace_all(handle, area)
    if output.mode == "merge" and touched is not None:
        return replace_keys(handle, area, touched)
    if output.mode == "replace_partitions":
        return replace_partitions(handle, area, touched)
    return append(handle, area)


def quarantine_area(pipeline: Pipeline, space: Workspace) -> StagingArea:
    """Where a run puts the rows that it quarantines."""
    return StagingArea(space.lake.below(quarantine.table_name(pipeline.name)), quarantine.SCHEMA, ("state",))


def _quarantine_target(plan: RunPlan, space: Workspace, intakes: Mapping[str, Intake], area: StagingArea) -> Target:
    name = quarantine.table_name(plan.pipeline)
    handle = quarantine.open_quarantine(space.lake, plan.pipeline)
    pinned = [intake.pinned for intake in intakes.values() if intake.pinned is not None]
    run = quarantine.Retaken(
        run_id=plan.run_id,
        at=plan.planned_at,
        sources=tuple(intakes),
        rows=pl.concat(pinned) if pinned else None,
        version=plan.waiting_version,
        redelivered=tuple((intake.name, path) for intake in intakes.values() for path in intake.redelivered),
        afresh=plan.mode == "full",
    )

    def reconcile(current: TableHandle) -> Staged:
        return quarantine.reconcile(current, area, run)

    return Target(name, handle, area, None, reconcile, tuple(intakes))


def publish_all(
    pipeline: Pipeline, plan: RunPlan, space: Workspace, targets: list[Target], tables: Sequence[str]
) -> dict[str, Committed]:
    """Commit tables, of `tables_of`, one after the other; those that are there already count as committed."""
    done: dict[str, Committed] = {}
    by_table = {t.table: t for t in targets}
    metadata = {
        "pipeline": pipeline.name,
        "run_id": plan.run_id,
        "seq": plan.seq,
        "mode": plan.mode,
        "fingerprint": plan.fingerprint,
    }
    for table in tables:
        if table != tables_of(pipeline)[0]:
            fault("publish.between")
        target = by_table.get(table)
        if target is None:
            handle = open_table(space.lake, table)
            done[table] = committed_before(handle) if handle else Committed(table, 0, by_us=False)
            continue
        fault("merge.before")
        staged = target.reconcile(target.handle)
        fault("merge.after")
        if staged.orphans:
            fix_rebuild(pipeline, space, plan, f"{table}: files delivered again no longer hold {staged.orphans} rows")
        done[table] = publish(staged, pipeline=pipeline.name, seq=plan.seq, metadata=metadata, rebase=target.reconcile)
        emit("table.published", f"{table}: version {done[table].version}", table=table, version=done[table].version)
    return done


def manifest_of(plan: RunPlan, committed: Mapping[str, Committed], report: RunReport) -> dict[str, Any]:
    """What a finished sequence published, for consistent readers and releases: every table's version."""
    return {
        "schema_version": 1,
        "pipeline": plan.pipeline,
        "seq": plan.seq,
        "run_id": plan.run_id,
        "fingerprint": plan.fingerprint,
        "tables": {name: one.version for name, one in committed.items()},
        "exports": {name: asdict(one) for name, one in report.exports.items()},
        "report": report.to_dict(),
    }
