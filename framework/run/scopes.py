"""Which outputs of a run are made of the same input rows: what these share is planned once, and so computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from framework.boundary import Violations
from framework.core.hooking import building_plan
from framework.core.reaching import reach
from framework.lake import as_declared
from framework.run.compiled import wire
from framework.run.intake import table_rows
from framework.run.parameters import typed_parameters
from framework.run.touched import restrict, touched_values

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import polars as pl

    from framework.boundary import Contract, Rule
    from framework.core.plan import RunPlan
    from framework.definition import Output, Pipeline
    from framework.run.workspace import Workspace


@dataclass(frozen=True)
class Scope:
    """Outputs that are made of the same input rows.

    `touched`: the values that are computed again; None where that is everything. `kept`: the rows of sources and steps
    that were written down before, lazy.
    """

    outputs: tuple[Output, ...]
    touched: pl.DataFrame | None = None
    kept: Mapping[str, pl.LazyFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Wired:
    """Steps on the rows of a run: the frame of every source and step, lazy, and what watches the rows of the steps."""

    frames: dict[str, pl.LazyFrame]
    checks: dict[str, Violations]


def scopes_of(pipeline: Pipeline, plan: RunPlan, space: Workspace) -> list[Scope]:
    """Put the outputs together that recompute the same values, or everything; in the order of the first of each."""
    found: list[Scope] = []
    for output in pipeline.outputs:
        touched = touched_values(pipeline, output, plan, space)
        at = next((i for i, scope in enumerate(found) if _is_same(scope.touched, touched)), None)
        if at is None:
            found.append(Scope((output,), touched))
        else:
            found[at] = Scope((*found[at].outputs, output), touched)
    return found


def _is_same(one: pl.DataFrame | None, other: pl.DataFrame | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.columns == other.columns and one.sort(one.columns).equals(other.sort(other.columns))


def within(pipeline: Pipeline, nodes: Collection[str], stops: Collection[str] = ()) -> set[str]:
    """The nodes, and what they are made of, without anything behind `stops`; these are part of it."""
    inputs = {step.name: step.inputs for step in pipeline.steps}
    found: set[str] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo.extend(inputs.get(node, ()) if node not in stops else ())
    return found


def wire_rows(
    pipeline: Pipeline,
    plan: RunPlan,
    space: Workspace,
    scope: Scope,
    wanted: Collection[str],
    accepted: Mapping[str, pl.LazyFrame],
    contracts: tuple[Mapping[str, Contract], Mapping[str, list[Rule]]],
) -> Wired:
    """Plan the steps that `wanted` nodes are made of on the rows of a run, each once.

    Args:
        pipeline: The pipeline.
        plan: What the run covers.
        space: Where it works.
        scope: The outputs that it is for; what was written down for them is not computed again.
        wanted: Sources and steps.
        accepted: The accepted rows of file sources, lazy.
        contracts: The contracts of sources and steps, and the rules of steps that are settled already.
    """
    known, settled = contracts
    needed = within(pipeline, wanted, scope.kept)
    inputs = {name: rows for name, rows in accepted.items() if name in needed}
    for name in needed & pipeline.table_sources.keys():
        with space.calls.to(name, pipeline.table_sources[name]):
            rows = reach(f"open {name}", partial(table_rows, plan, space, name))
        rows = restrict(rows, scope.touched) if scope.touched is not None else rows
        inputs[name] = as_declared(rows, known[name].schema) if name in known else rows
    inputs |= {name: rows for name, rows in scope.kept.items() if name in needed}
    steps = [step.name for step in pipeline.steps if step.name in needed and step.name not in scope.kept]
    checks = {s: Violations(known[s], settled=settled[s], key=key_of(pipeline, scope, s)) for s in steps}
    with building_plan():
        frames = wire(pipeline, inputs, typed_parameters(pipeline, plan.parameters), known, checks)
    return Wired(frames, checks)


def key_of(pipeline: Pipeline, scope: Scope, step: str) -> tuple[str, ...]:
    """What tells which row of a step it is: the key of the first table made of it that has one."""
    return next((o.key for o in scope.outputs if o.key and step in pipeline.upstream(o.of)), ())
