"""An attempt at a plan whose pipeline has checkpoints: the stages it is made of, and the address of each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.plan import FilesInput, TableInput
from framework.lake import open_table
from framework.run.fingerprints import node_fingerprints
from framework.run.left_out import NOTHING, LeftOut, stamps
from framework.run.parameters import typed_parameters
from framework.run.scopes import within
from framework.run.stages.code import time_bound
from framework.run.stages.graph import Stage, stages_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.boundary import Contract
    from framework.core.plan import RunPlan
    from framework.core.source import FileSource
    from framework.definition import Pipeline
    from framework.run.left_out import Stamps
    from framework.run.scopes import Scope
    from framework.run.workspace import Workspace

LENGTH = 32


@dataclass(frozen=True)
class Attempt:
    """What an attempt covers: the plan, the fraction of rows to sample (None: all), and the files that are left out."""

    pipeline: Pipeline
    plan: RunPlan
    space: Workspace
    known: dict[str, Contract]
    sample: float | None = None
    left_out: LeftOut = NOTHING


@dataclass(frozen=True)
class Task:
    """A stage of a plan, for one of its scopes: `needs` are tasks, too. Equal addresses come to equal rows.

    `code`: the fingerprints of the sources and steps that it runs. `stamps`: its files as they are now.
    """

    name: str
    stage: Stage
    scope: Scope
    needs: tuple[str, ...] = ()
    address: str = ""
    code: Mapping[str, str] = field(default_factory=dict)
    stamps: Stamps = field(default_factory=dict)


def tasks_of(attempt: Attempt, scopes: Sequence[Scope]) -> list[list[Task]]:
    """The stages of a plan, scope by scope, each after those that it needs; the last of each ends in the tables.

    The files are looked at, and nothing of them is read.
    """
    pipeline = attempt.pipeline
    if attempt.space.keep is None or not any(step.checkpoint for step in pipeline.steps):
        return [[] for _ in scopes]
    given = attempt.plan.parameters
    code = node_fingerprints(pipeline, given)
    facts = _Facts(attempt, code, time_bound(pipeline, given, code), stamps(attempt.plan, attempt.space))
    named: dict[str, int] = {}
    found = []
    for scope in scopes:
        stages = stages_of(pipeline, scope.outputs)
        names = {}
        for stage in stages:
            named[stage.name] = named.get(stage.name, 0) + 1
            names[stage.name] = stage.name if named[stage.name] == 1 else f"{stage.name}#{named[stage.name]}"
        found.append([_task(facts, stage, scope, names) for stage in stages])
    return found


@dataclass(frozen=True)
class _Facts:
    """What the addresses of an attempt are made of, beside the inputs of each stage."""

    attempt: Attempt
    code: Mapping[str, str]
    timed: set[str]
    stamps: Stamps


def _task(facts: _Facts, stage: Stage, scope: Scope, names: Mapping[str, str]) -> Task:
    needs = tuple(names[name] for name in stage.needs)
    if stage.is_last:
        return Task(names[stage.name], stage, scope, needs)
    code = {node: facts.code[node] for node in (*stage.sources, *stage.steps) if node in facts.code}
    plan = facts.attempt.plan
    files = {f.path for name in stage.sources for f in _files(plan, name)}
    now = {path: stamp for path, stamp in facts.stamps.items() if path in files}
    return Task(names[stage.name], stage, scope, needs, address_of(facts, stage, scope), code, now)


def address_of(facts: _Facts, stage: Stage, scope: Scope) -> str:
    """Hash everything that the rows of a stage, and what passing them tells, depend on."""
    pipeline, plan = facts.attempt.pipeline, facts.attempt.plan
    nodes = within(pipeline, (*stage.steps, *stage.sources))
    nodes |= {other for other, primary in pipeline.primaries.items() if primary in nodes}
    files = sorted(nodes & pipeline.file_sources.keys())
    referred = {r.source for name in files for r in pipeline.file_sources[name].references}
    tables = sorted((nodes | referred) & pipeline.table_sources.keys())
    steps = [step for step in pipeline.steps if step.name in nodes]
    values = typed_parameters(pipeline, plan.parameters)
    document = {
        "versions": [pl.__version__, _own_version()],
        "writes": stage.writes,
        "code": {node: facts.code.get(node) for node in sorted({*stage.steps, *files})},
        "parameters": {p.name: repr(values.get(p.name)) for step in steps for p in step.parameters},
        "files": {name: _source_facts(facts, name) for name in files},
        "tables": {name: _table_facts(facts.attempt, name) for name in tables},
        "touched": _touched_facts(scope.touched),
        "time": plan.planned_at.isoformat() if nodes & facts.timed else None,
        "sample": facts.attempt.sample,
    }
    text = json.dumps(document, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def _source_facts(facts: _Facts, name: str) -> dict[str, Any]:
    """What the accepted rows of a file source depend on beside its schema."""
    attempt, plan = facts.attempt, facts.attempt.plan
    source = attempt.pipeline.file_sources[name]
    lookups = {table: _content(attempt.space, table, version) for table, version in plan.lookups.items()}
    return {
        "declared": _declared(source),
        "root": attempt.space.raw.root,
        "files": [[f.path, f.size, f.modified, f.etag, facts.stamps.get(f.path)] for f in _files(plan, name)],
        "left_out": sorted(attempt.left_out.reasons.get(name, {}).items()),
        "is_judged": bool(source.options.get("apart")) and attempt.left_out.is_judged,
        "stand_in": plan.stand_ins.get(name),
        "passed_over": sorted(plan.passed_over.get(name, ())),
        "again": _again(attempt, name),
        "lookups": lookups if source.fallback else {},
    }


def _declared(source: FileSource) -> str:
    of_rows = (source.references, source.sample_by, source.nulls, source.limits, source.otherwise)
    return repr((source.format, source.on_invalid, sorted(source.options.items()), *of_rows))


def _again(attempt: Attempt, name: str) -> list[Any]:
    """What is judged again of a source, or heeded in a rebuild: rows of the quarantine at a version."""
    plan = attempt.plan
    if plan.waiting_version is None:
        return []
    changed = [f.path for f in _files(plan, name) if f.changed]
    return [attempt.space.lake.root, plan.pipeline, plan.waiting_version, plan.mode, plan.seq, changed]


def _table_facts(attempt: Attempt, name: str) -> Any:
    given = attempt.plan.inputs.get(name)
    return _content(attempt.space, given.table, given.version) if isinstance(given, TableInput) else None


def _content(space: Workspace, table: str, version: int | None) -> Any:
    """What a table holds at a version: the names of its files, which no other file has, and its columns."""
    handle = open_table(space.lake, table, version) if version is not None else None
    if handle is None:
        return None
    columns = [f"{name}: {dtype}" for name, dtype in handle.schema.items()]
    return [columns, sorted(f.path for f in handle.files())]


def _touched_facts(touched: pl.DataFrame | None) -> str | None:
    return None if touched is None else touched.unique().sort(touched.columns).write_json()


def _files(plan: RunPlan, source: str) -> tuple[Any, ...]:
    given = plan.inputs.get(source)
    return given.files if isinstance(given, FilesInput) else ()


def _own_version() -> str:
    try:
        return version("sluice")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return ""
