"""A run from left to right: plan, take in, steps, stage, publish, record. The only place that composes the rooms."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.clock import at_run_time
from framework.core.events import context, emit
from framework.core.faults import fault
from framework.core.report import RunReport
from framework.lake import PlanStore
from framework.run.accounts import account, combine, require_contracts, require_policy, source_report
from framework.run.compiled import contracts
from framework.run.intake import Intake, take_in
from framework.run.planning import find_position, fix_plan
from framework.run.targets import Target, manifest_of, open_targets, publish_all
from framework.run.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.boundary import Contract
    from framework.core.plan import RunPlan
    from framework.core.report import SourceReport
    from framework.definition import Pipeline
    from framework.run.request import RunRequest
    from framework.settings import Settings


def run_pipeline(pipeline: Pipeline, settings: Settings, request: RunRequest) -> RunReport:
    """Run a pipeline in place, to the end or to an error.

    A sequence that an earlier attempt left unfinished is finished first.

    Raises:
        SluiceError: of the class that says who must act.
    """
    return run_in(pipeline, open_workspace(settings, request), request)


def run_in(pipeline: Pipeline, space: Workspace, request: RunRequest) -> RunReport:
    """Run a pipeline in a workspace; see `run_pipeline`."""
    reports: list[RunReport] = []
    while True:
        position = find_position(pipeline, space)
        plan = fix_plan(pipeline, space, request, position)
        if plan is None:
            break
        reports.append(run_plan(pipeline, plan, space, request.sample))
        if position.pending is None:
            break
    return combine(pipeline.name, reports)


@dataclass
class Clock:
    """Measures the phases of a run, in seconds of wall time."""

    phases: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of the block to a phase."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.phases[name] = round(self.phases.get(name, 0.0) + time.perf_counter() - start, 4)


def run_plan(pipeline: Pipeline, plan: RunPlan, space: Workspace, sample: float | None = None) -> RunReport:
    """Carry out a plan: any number of attempts at it, at once or one after another, give the same tables."""
    clock = Clock()
    with context(run_id=plan.run_id, pipeline=pipeline.name), at_run_time(plan.planned_at):
        emit("run.planned", f"{pipeline.name}: sequence {plan.seq}: {plan.reason}", seq=plan.seq, mode=plan.mode)
        with clock.phase("scan"):
            known = contracts(pipeline)
            intakes = take_in(pipeline, plan, space, known, sample)
            targets = open_targets(pipeline, plan, space, intakes, known)
        with clock.phase("stage"):
            counted = stage(intakes, targets)
        sources = audit(pipeline, intakes, targets, counted, known)
        with clock.phase("publish"):
            committed = publish_all(pipeline, plan, space, targets)
        report = account(pipeline, plan, sources, targets, committed, clock.phases)
        PlanStore(space.lake, pipeline.name).finish(plan.seq, manifest_of(plan, committed, report))
        fault("record.before")
        emit("run.finished", f"{pipeline.name}: sequence {plan.seq} is published", seq=plan.seq)
        return report


@dataclass(frozen=True)
class Counted:
    """What the one execution counted: per source its totals and broken rules, per target the broken contract rules."""

    totals: dict[str, dict[str, Any]]
    broken: dict[str, dict[str, Any]]
    retaken: dict[str, dict[str, Any]]
    violations: dict[str, list[dict[str, Any]]]


def stage(intakes: dict[str, Intake], targets: list[Target]) -> Counted:
    """Run the plan, once: every sink and every count in one streaming execution of shared scans."""
    fault("stage.before")
    frames: list[pl.LazyFrame] = []
    places: list[tuple[str, str]] = []
    for name, intake in intakes.items():
        frames += [intake.fresh.totals, intake.fresh.broken]
        places += [("totals", name), ("broken", name)]
        if intake.retaken is not None:
            frames.append(intake.retaken.totals)
            places.append(("retaken", name))
    for target in targets:
        frames += [violations for _, violations in target.violations]
        places += [("violations", target.table)] * len(target.violations)
        frames.append(target.sink)
        places.append(("sink", target.table))
    results = pl.collect_all(frames, engine="streaming")
    fault("stage.after")
    counted = Counted({}, {}, {}, {})
    for (kind, name), result in zip(places, results, strict=True):
        if kind == "violations":
            counted.violations.setdefault(name, []).append(result.row(0, named=True))
        elif kind != "sink":
            getattr(counted, kind)[name] = result.row(0, named=True)
    return counted


def audit(
    pipeline: Pipeline,
    intakes: dict[str, Intake],
    targets: list[Target],
    counted: Counted,
    known: dict[str, Contract],
) -> dict[str, SourceReport]:
    """Hold what was staged against the policies and contracts, before anything of it becomes visible."""
    reports = {}
    for name, intake in intakes.items():
        policy = pipeline.file_sources[name].on_invalid
        retaken = counted.retaken.get(name)
        reports[name] = source_report(intake, counted.totals[name], counted.broken[name], retaken, policy)
        require_policy(name, reports[name], policy)
    for target in targets:
        steps = [step for step, _ in target.violations]
        require_contracts(target.table, steps, counted.violations.get(target.table, []), known)
    return reports
