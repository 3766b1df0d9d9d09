"""Rules across the tables of a pipeline, held on what is staged before any of it is published.

Rows that a run computes are summed up in the one execution that stages them. Tables are looked at as they would be
published: the files that stay and those that are staged, of which only the columns that a rule needs are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import polars as pl

from framework.boundary.across import (
    Judged,
    judge_agreement,
    judge_reference,
    side_value,
    values_of,
)
from framework.core.events import emit
from framework.core.report import RuleReport
from framework.core.rule import Agreement
from framework.errors import BoundaryError, DefinitionError, Problem
from framework.lake import as_declared, open_table, scan_data_files
from framework.run.compiled import rule_misfits
from framework.run.execution import look_again
from framework.run.intake import table_rows
from framework.run.rule_nodes import run_nodes
from framework.run.touched import restrict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from framework.boundary import Contract
    from framework.core.plan import RunPlan
    from framework.core.rule import AcrossRule, Side, TableReference
    from framework.definition import Pipeline
    from framework.run.targets import Target
    from framework.run.workspace import Workspace

FIX = "nothing of this run is published; correct the rows, or change the rule"


@dataclass(frozen=True)
class Gathering:
    """What a rule over the rows of a run looks at of one source or step; complete once the plan has run to its end."""

    rule: str
    node: str
    plan: pl.LazyFrame
    parts: list[pl.DataFrame] = field(default_factory=list)

    @property
    def sink(self) -> pl.LazyFrame:
        """The lazy sink that becomes part of the run's plan."""
        return self.plan.sink_batches(self.parts.append, maintain_order=False, lazy=True)

    @property
    def rows(self) -> pl.LazyFrame:
        """What was gathered, lazy."""
        return pl.concat([self.plan.collect_schema().to_frame(), *self.parts]).lazy()


def gatherings(pipeline: Pipeline, targets: Sequence[Target]) -> list[Gathering]:
    """Say what rules over the rows of a run look at. Lazy: it is gathered while the rows are staged.

    Raises:
        DefinitionError: when a rule does not fit the columns of its sources and steps.
    """
    if not pipeline.rules:
        return []
    every = {node: frame for target in targets for node, frame in target.frames.items()}
    require_fitting(pipeline, every)
    found = []
    for rule in pipeline.rules:
        needed = run_nodes(pipeline, rule)
        frames = next((t.frames for t in targets if needed and needed <= t.frames.keys()), {})
        found += [Gathering(rule.name, node, _summed(rule, node, frames[node])) for node in needed if frames]
    return found


def require_fitting(pipeline: Pipeline, frames: Mapping[str, pl.LazyFrame]) -> None:
    """Hold the rules across tables against the columns of these sources and steps.

    Raises:
        DefinitionError: naming every rule that does not fit.
    """
    problems = rule_misfits(pipeline, frames)
    if problems:
        raise DefinitionError([Problem(f"{pipeline.name}, {p.where}", p.what, p.fix) for p in problems])


def _summed(rule: AcrossRule, node: str, rows: pl.LazyFrame) -> pl.LazyFrame:
    """What a rule needs of the rows of a source or step."""
    if isinstance(rule, Agreement):
        return side_value(rule, rule.left if node == rule.left.node else rule.right, rows)
    return values_of(rule, rows) if node == rule.of else rows.select(rule.keys).unique()


@dataclass(frozen=True)
class _Tables:
    """The tables of a pipeline as this run would publish them."""

    pipeline: Pipeline
    plan: RunPlan
    space: Workspace
    targets: Sequence[Target]
    known: Mapping[str, Contract]

    def rows(self, node: str) -> pl.LazyFrame:
        """The rows of the table that holds those of a source or step, lazy."""
        found = self._stored(node)
        return as_declared(found, self.known[node].schema) if node in self.known else found

    def _stored(self, node: str) -> pl.LazyFrame:
        if node in self.pipeline.table_sources:
            return table_rows(self.plan, self.space, node)
        target = self.target(node)
        if target is not None:
            return candidate(target)
        table = next(output.table for output in self.pipeline.outputs if output.of == node)
        handle = open_table(self.space.lake, table)  # an earlier attempt at this sequence has published it
        return handle.scan() if handle is not None else pl.LazyFrame(schema=self.known[node].schema)

    def target(self, node: str) -> Target | None:
        """The table of a step or source that this run is going to publish."""
        tables = [output.table for output in self.pipeline.outputs if output.of == node]
        return next((target for target in self.targets if target.table == tables[0]), None) if tables else None

    def touched(self, rule: Agreement) -> pl.DataFrame | None:
        """The values of the rule's groups that this run computes again; None where it may be all of them.

        The others are as they were when the rule was held of them: rows with their values changed in no input.
        """
        for side, other in ((rule.left, rule.right), (rule.right, rule.left)):
            target = self.target(side.node)
            if target is None or target.touched is None or not set(target.touched.columns) <= set(side.by):
                continue
            if other.node in self.pipeline.upstream(side.node) & self.pipeline.table_sources.keys():
                names = dict(zip(side.by, rule.left.by, strict=True))
                return target.touched.rename({name: names[name] for name in target.touched.columns})
        return None


def candidate(target: Target) -> pl.LazyFrame:
    """The rows of a table as they would be published: those that stay and those that are new. Lazy."""
    staged = (target.foresee or target.reconcile)(target.handle)
    fresh = scan_data_files(target.area.location, staged.adds, target.area.schema, target.area.partition_by)
    if staged.new_schema is not None:
        return fresh
    gone = {file.path for file in staged.removes}
    kept = [file for file in staged.handle.files() if file.path not in gone]
    return pl.concat([staged.handle.scan_files(kept).select(fresh.collect_schema().names()), fresh])


def hold_rules(
    pipeline: Pipeline,
    plan: RunPlan,
    space: Workspace,
    targets: Sequence[Target],
    known: Mapping[str, Contract],
    gathered: Sequence[Gathering],
) -> dict[str, RuleReport]:
    """Hold the rules across tables, before anything is published; gives what became of each.

    Raises:
        BoundaryError: naming every rule that is broken and not only warns, with the first groups or values.
    """
    tables = _Tables(pipeline, plan, space, targets, known)
    in_run = {(one.rule, one.node): one.rows for one in gathered}
    judged = [found for rule in pipeline.rules if (found := _judge(rule, tables, in_run)) is not None]
    broken = [one for one in judged if one.fails]
    _forget_foreseen(pipeline, targets)
    for one in judged:
        if not one.holds and one not in broken:
            emit("rule.broken", f"{one.rule.name}: {one.rule.message}; {one.lines[0]}", level="WARNING")
    if broken:
        count = "1 rule across tables is" if len(broken) == 1 else f"{len(broken)} rules across tables are"
        told = [line for one in broken for line in _told(one)]
        raise BoundaryError("\n".join([f"{pipeline.name}: {count} broken:", *told, FIX]))
    return {one.rule.name: _report(one) for one in judged}


def _forget_foreseen(pipeline: Pipeline, targets: Sequence[Target]) -> None:
    """Delete the files that were written only to see what a table will be like once its schema has changed."""
    asked = {node for rule in pipeline.rules for node in rule.nodes}
    tables = {output.table for output in pipeline.outputs if output.of in asked}
    for target in targets:
        if target.foresee is not None and target.table in tables:
            staged = {file.path for file in target.area.files()}
            for file in target.foresee(target.handle).adds:
                if file.path not in staged:
                    target.area.location.delete(file.path)


def _told(one: Judged) -> Iterator[str]:
    owner = f" (owner: {one.rule.terms.owner})" if one.rule.terms.owner else ""
    yield f"  {one.rule.name}: {one.rule.message}{owner}"
    yield from (f"    {line}" for line in one.lines)


def _report(one: Judged) -> RuleReport:
    rule = one.rule
    state: Literal["held", "broken"] = "held" if one.holds else "broken"
    return RuleReport(state, rule.severity, rule.message, rule.terms.owner or "", list(one.lines))


def _judge(rule: AcrossRule, tables: _Tables, in_run: Mapping[tuple[str, str], pl.LazyFrame]) -> Judged | None:
    """Judge one rule; None where an earlier attempt has published its rows, and so has held it."""
    needed = run_nodes(tables.pipeline, rule)
    if any((rule.name, node) not in in_run for node in needed):
        return None
    if isinstance(rule, Agreement):
        sides = [in_run.get((rule.name, side.node)) for side in (rule.left, rule.right)]
        touched = tables.touched(rule) if not needed else None
        left, right = (
            found if found is not None else _side(rule, side, tables, touched)
            for side, found in zip((rule.left, rule.right), sides, strict=True)
        )
        return judge_agreement(rule, left, right, look_again, _hidden(rule, tables))
    values = in_run.get((rule.name, rule.of))
    keys = in_run.get((rule.name, rule.to))
    return judge_reference(
        rule,
        values if values is not None else values_of(rule, tables.rows(rule.of)),
        keys if keys is not None else tables.rows(rule.to),
        look_again,
        _hidden_values(rule, tables),
    )


def _side(rule: Agreement, side: Side, tables: _Tables, touched: pl.DataFrame | None) -> pl.LazyFrame:
    rows = tables.rows(side.node)
    require_fitting(tables.pipeline, {side.node: rows})
    if touched is not None:
        own = dict(zip(rule.left.by, side.by, strict=True))
        rows = restrict(rows, touched.rename({name: own[name] for name in touched.columns}))
    return side_value(rule, side, rows)


def _sensitive(tables: _Tables, node: str) -> set[str]:
    columns = tables.known[node].columns if node in tables.known else {}
    return {name for name, spec in columns.items() if spec.is_sensitive}


def _hidden(rule: Agreement, tables: _Tables) -> set[str]:
    """The groups that no message may show; `""` where that goes for the aggregates."""
    hidden: set[str] = set()
    for side in (rule.left, rule.right):
        secret = _sensitive(tables, side.node)
        hidden |= {name for own, name in zip(side.by, rule.left.by, strict=True) if own in secret}
        is_text = isinstance(side.value, str)
        looked_at = set(secret) if is_text else set(side.value.meta.root_names())  # type: ignore[union-attr]
        hidden |= {""} if secret & looked_at else set()
    return hidden


def _hidden_values(rule: TableReference, tables: _Tables) -> set[str]:
    of, to = _sensitive(tables, rule.of), _sensitive(tables, rule.to)
    return {name for name, key in zip(rule.columns, rule.keys, strict=True) if name in of or key in to}
