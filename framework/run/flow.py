"""A run from left to right: plan, take in, steps, stage, publish, export, record. Only here the rooms are composed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from framework.core.clock import at_run_time
from framework.core.events import context, emit
from framework.core.faults import fault
from framework.core.hooking import hooked_run
from framework.errors import AuthorError
from framework.lake import PlanStore
from framework.run.accounts import account, combine, source_report, with_calls
from framework.run.across import gatherings, hold_rules
from framework.run.alternates import may_relieve
from framework.run.compiled import contracts
from framework.run.drafts import Draft, Drafting
from framework.run.execution import execute
from framework.run.exports import export_all, export_missing
from framework.run.hooks.points import before_publishing, checked, published, with_hooks
from framework.run.hooks.project import with_project_hooks
from framework.run.naming import naming_rules
from framework.run.node_metrics import measuring, source_names
from framework.run.node_steps import what_steps_do
from framework.run.planning import fix_plan
from framework.run.position import find_position, quarantine_of, tables_of
from framework.run.quality.audit import asks_for_quality, audit_quality
from framework.run.scopes import scopes_of
from framework.run.stages import Attempt, are_files_read, carry_out, make_room, require_sound, take_in_all
from framework.run.targets import manifest_of, open_targets, publish_all, quarantine_area
from framework.run.verdicts import excess, require_contracts, require_source
from framework.run.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.core.hooking import HookRun
    from framework.core.plan import RunPlan
    from framework.core.quality import QualityReport
    from framework.core.report import RuleReport, RunReport, SourceReport
    from framework.definition import Pipeline
    from framework.lake import StagingArea
    from framework.run.left_out import LeftOut
    from framework.run.request import RunRequest
    from framework.run.stages import Kept
    from framework.settings import Settings


def run_pipeline(pipeline: Pipeline, settings: Settings, request: RunRequest) -> RunReport:
    """Run a pipeline in place, to the end or to an error.

    A sequence that an earlier attempt left unfinished is finished first.

    Raises:
        SluiceError: of the class that says who must act.
    """
    return run_in(with_project_hooks(pipeline, settings), open_workspace(settings, request), request)


def run_in(pipeline: Pipeline, space: Workspace, request: RunRequest) -> RunReport:
    """Run a pipeline in a workspace; see `run_pipeline`."""
    with with_hooks(pipeline) as hooks:
        return _run_or_stand_in(pipeline, space.of_a_run(), request, hooks)


def _run_or_stand_in(pipeline: Pipeline, space: Workspace, request: RunRequest, hooks: HookRun) -> RunReport:
    """Run a pipeline; where a step fails that something stands in for, with that in its place.

    A step fails so by its code and the pinned input alone: every attempt at a plan comes to the same.
    """
    try:
        return _run_all(pipeline, space, request, hooks)
    except AuthorError as error:
        other = pipeline.with_standby(error.step)
        if other is pipeline:
            raise
        why = str(error).splitlines()[0]
        text = f"{pipeline.name}: what stands in for step '{error.step}' takes its place: {why}"
        emit("step.stood_in", text, level="WARNING", pipeline=pipeline.name, step=error.step)
        report = _run_or_stand_in(other, space, replace(request, takes_up=True), hooks)
        return replace(report, stood_in={error.step: why, **report.stood_in})


def _run_all(pipeline: Pipeline, space: Workspace, request: RunRequest, hooks: HookRun) -> RunReport:
    """Run all sequences of a pipeline that are to be run."""
    reports: list[RunReport] = []
    while True:
        position = find_position(pipeline, space)
        hooks.begin("", position.finished + 1)
        plan = fix_plan(pipeline, space, request, position)
        if plan is None:
            break
        is_resumed = position.pending is not None and plan.seq == position.pending.seq
        apart = request.apart and is_resumed
        reports.append(run_plan(pipeline, plan, space, request.sample, apart=apart, is_resumed=is_resumed))
        if PlanStore(space.lake, pipeline.name).plan(plan.seq + 1) is not None:
            continue
        # Another runner may have fixed the plan first; a rebuild that was asked for is then still to be done.
        if plan.mode == "full" if request.full else position.pending is None:
            break
    return combine(pipeline.name, reports, {} if reports else export_missing(pipeline, space))


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


def run_plan(
    pipeline: Pipeline,
    plan: RunPlan,
    space: Workspace,
    sample: float | None = None,
    *,
    apart: bool = False,
    is_resumed: bool = False,
) -> RunReport:
    """Carry out a plan: any number of attempts at it, at once or one after another, give the same tables.

    `apart`: each file is first read in a process apart, as an earlier attempt died while it read. `is_resumed`: an
    earlier attempt has left the plan unfinished.
    """
    clock = Clock()
    with (
        context(run_id=plan.run_id, pipeline=pipeline.name),
        at_run_time(plan.planned_at),
        hooked_run(pipeline.name) as hooks,
        measuring(source_names(plan, space), is_on=space.nodes) as measured,
    ):
        hooks.begin(plan.run_id, plan.seq)
        tell_planned(plan)
        drafting = _drafting(pipeline, plan, space, clock, sample)
        is_harmful = apart and not are_files_read(pipeline, plan, space, sample)
        draft = drafting.first(apart=is_harmful, is_resumed=is_resumed)
        draft = drafting.relieved(draft, over_budget(pipeline, plan, draft))
        emit("run.staged", f"{pipeline.name}: sequence {plan.seq} is staged", level="DEBUG", seq=plan.seq)
        found = audit(pipeline, plan, space, draft, clock)
        before_publishing(pipeline, {one.table: one.handle.version for one in draft.targets})
        with clock.phase("publish"):
            committed = publish_all(pipeline, plan, space, draft.targets, quarantine_of(pipeline))
        others = [table for table in tables_of(pipeline) if table not in committed]
        agreed = drafting.agreed(draft, committed, others)
        if agreed is not draft:
            draft, found = agreed, audit(pipeline, plan, space, agreed, clock)
        with clock.phase("publish"):
            committed |= publish_all(pipeline, plan, space, draft.targets, others)
        published(pipeline, committed)
        with clock.phase("export"):
            exports = export_all(pipeline, space)
        report = account(pipeline, plan, found.sources, draft.targets, committed, exports, clock.phases)
        steps = {**draft.kept.steps, **report.steps}
        report = replace(report, quality=found.quality, rules=found.rules, stages=draft.kept.reports, steps=steps)
        report = replace(report, hooks=dict(hooks.reports))
        report = replace(report, nodes=measured.nodes(what_steps_do(pipeline, plan, draft.known)))
        PlanStore(space.lake, pipeline.name).finish(plan.seq, manifest_of(plan, committed, report))
        if draft.kept.records:
            make_room(space)
        fault("record.before")
        emit("run.finished", f"{pipeline.name}: sequence {plan.seq} is published", seq=plan.seq)
        return report


def tell_planned(plan: RunPlan) -> None:
    """Tell that a run has work, and which."""
    text = f"{plan.pipeline}: sequence {plan.seq}: {plan.reason}"
    emit("run.planned", text, run_id=plan.run_id, seq=plan.seq, mode=plan.mode, reason=plan.reason)


def _drafting(pipeline: Pipeline, plan: RunPlan, space: Workspace, clock: Clock, sample: float | None) -> Drafting:
    """How this run takes in and stages its plan."""

    def begin(left_out: LeftOut) -> Draft:
        with clock.phase("scan"):
            attempt = Attempt(pipeline, plan, space, contracts(pipeline), sample, left_out)
            scopes = scopes_of(pipeline, plan, space)
        with clock.phase("checkpoints" if any(step.checkpoint for step in pipeline.steps) else "scan"):
            kept = carry_out(attempt, scopes)
        with clock.phase("scan"):
            held = quarantine_area(pipeline, space)
            try:
                return _draft(attempt, kept, held)
            except BaseException:
                held.discard()
                raise

    def run(draft: Draft) -> None:
        with clock.phase("stage"):
            stage(draft)

    return Drafting(pipeline, plan, space, begin, run, clock.phase)


def _draft(attempt: Attempt, kept: Kept, held: StagingArea) -> Draft:
    """Take in what an attempt covers, and plan what goes into each table; nothing of it runs yet."""
    pipeline, plan, space, known = attempt.pipeline, attempt.plan, attempt.space, attempt.known
    intakes = take_in_all(attempt, kept, held.add)
    targets = open_targets(pipeline, plan, space, kept.scopes, intakes, known, held)
    return Draft(known, intakes, targets, held, kept, gatherings(pipeline, targets))


def over_budget(pipeline: Pipeline, plan: RunPlan, draft: Draft) -> dict[str, str]:
    """The sources that break their policy or budget and have an alternate that stands ready, with what they break."""
    waiting = {
        name: intake
        for name, intake in draft.intakes.items()
        if may_relieve(pipeline, plan, name) and not intake.is_relieved
    }
    said = {name: excess(pipeline.file_sources[name], one, draft.known[name]) for name, one in waiting.items()}
    return {name: words for name, words in said.items() if words}


def stage(draft: Draft) -> None:
    """Run the plan, once: every row is read, checked, counted, carried through the steps and written in one pass."""
    fault("stage.before")
    sinks = {target.table: target.sink for target in draft.targets if target.sink is not None}
    try:
        with naming_rules(draft.known):
            execute([*sinks.values(), *(one.sink for one in draft.gathered)], names=list(sinks))
    except BaseException as error:
        require_sound(draft.kept, error)
        raise
    fault("stage.after")


@dataclass(frozen=True)
class Audited:
    """What was found of a draft that may be published."""

    sources: dict[str, SourceReport]
    quality: dict[str, QualityReport]
    rules: dict[str, RuleReport]


def audit(pipeline: Pipeline, plan: RunPlan, space: Workspace, draft: Draft, clock: Clock) -> Audited:
    """Hold what was staged against policies, contracts, expectations and rules, before anything of it is visible.

    Raises:
        SluiceError: of the class that says who must act, when something stands against publishing it.
    """
    sources = {}
    for name, intake in draft.intakes.items():
        source = pipeline.file_sources[name]
        warned = require_source(source, intake, draft.known[name])
        made = source_report(intake, source.on_invalid, warned)
        sources[name] = with_calls(made, space.calls, name, source.breaker)
    for target in draft.targets:
        require_contracts(target)
    checked(pipeline, sources)
    quality: dict[str, QualityReport] = {}
    if asks_for_quality(pipeline):
        with clock.phase("quality"):
            quality = audit_quality(pipeline, plan, space, draft.targets, sources)
    rules: dict[str, RuleReport] = {}
    if pipeline.rules:
        with clock.phase("rules"):
            rules = hold_rules(pipeline, plan, space, draft.targets, draft.known, draft.gathered)
    return Audited(sources, quality, rules)
