"""Past runs: found by their id, with the plan that they pinned and what has become of its files since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from framework.core.plan import RunPlan
from framework.definition.load import load_pipelines
from framework.errors import AuthorError, ConfigurationError, SelectionError, did_you_mean
from framework.lake import PlanStore, open_table
from framework.lake.plans import HIDDEN
from framework.lake.quarantine import refused_files, table_name
from framework.ledger.opening import open_existing
from framework.ledger.runs import get
from framework.run.changed import find_changes
from framework.run.left_out import LeftOut, changed_files, planned_stamps, stamps
from framework.run.news import find_news
from framework.run.parameters import resolve_parameters
from framework.run.position import find_position
from framework.run.request import RunRequest
from framework.run.workspace import SAMPLE, open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.definition import Pipeline
    from framework.run.workspace import Workspace
    from framework.settings import Settings

UNLIKE = "its definition has changed since"
LINE = "\n"
GONE = "it is not there any more"
SHOWN = 5


@dataclass(frozen=True)
class Past:
    """A past run: the pipeline as it is defined now, the plan that the run pinned, and where it worked.

    `state`, `failure`: how it ended, as the ledger has it. `changed`: files of the plan (source and path) that are not
    what they were; `gone`: those that are not there any more. `is_pinned`: whether the run came to pin its inputs; else
    the plan is of what is there now. `is_sample`: whether it ran on a sample.
    """

    pipeline: Pipeline
    plan: RunPlan
    space: Workspace
    state: str
    failure: str = ""
    changed: tuple[tuple[str, str], ...] = ()
    gone: tuple[tuple[str, str], ...] = ()
    is_pinned: bool = True
    is_sample: bool = False

    @cached_property
    def redefined(self) -> str:
        """What of the pipeline's definition is another than the run's, in words; empty where it is the same."""
        if not self.is_pinned:
            return ""
        store = PlanStore(self.space.lake, self.pipeline.name)
        known = {parameter.name for step in self.pipeline.steps for parameter in step.parameters}
        values = {name: value for name, value in self.plan.parameters.items() if name in known}
        try:
            identity, changes = find_changes(self.pipeline, store, self.plan, values)
        except (AuthorError, ConfigurationError) as error:  # as it is now it could not have been planned
            return f"{UNLIKE} ({str(error).partition(LINE)[0]})"
        if identity.fingerprint == self.plan.fingerprint:
            return ""
        told = "; ".join(str(change) for change in changes.every[:SHOWN]) or changes.unknown
        return f"{UNLIKE} ({told})" if told else UNLIKE

    def notes(self) -> list[str]:
        """What is not as it was when the run was planned, in words."""
        said = []
        if not self.is_pinned:
            said.append("it ended before it pinned its inputs: what is new now stands in for them")
        if self.is_sample:
            said.append("it ran on a sample; which one is not recorded, so all of its input is read")
        if self.redefined:
            said.append(f"{self.redefined}: what is shown is computed by the code as it is now")
        if self.changed:
            said.append(f"changed since it was planned, read as they are now: {_some(self.changed)}")
        if self.gone:
            said.append(f"gone since it was planned, left out: {_some(self.gone)}")
        return said

    def left_out(self) -> LeftOut:
        """The files of the plan that are not read: those the run refused as a whole, and those that are gone."""
        handle = open_table(self.space.lake, table_name(self.pipeline.name))
        refused = refused_files(handle, self.plan.seq, self.plan.run_id) if handle is not None else {}
        reasons = {source: dict(paths) for source, paths in refused.items()}
        for source, path in self.gone:
            reasons.setdefault(source, {})[path] = GONE
        return LeftOut(reasons, is_judged=True)


def find_past(run: str, settings: Settings) -> Past:
    """Find a past run by its id, or the beginning of it: in the ledger, or without it among the plans in the lake.

    Raises:
        SelectionError: when no run or more than one begins so, or its pipeline is no longer defined.
        ConfigurationError: when its plan is gone, or a table that it would read is not there.
    """
    space = open_workspace(settings)
    row = _known(run, settings, space)
    pipelines = load_pipelines(settings)
    name = row["pipeline"]
    if name not in pipelines:
        hint = did_you_mean(name, pipelines)
        raise SelectionError(f"run {row['run_id']} is of pipeline '{name}', which is not defined any more; {hint}")
    if row["seq"] is None:
        plan = _unplanned(row, pipelines[name], space)
        return Past(pipelines[name], plan, space, row["state"], row["failure_message"] or "", is_pinned=False)
    at, plan = _plan(row, space)
    before, now = planned_stamps(plan), stamps(plan, at)
    torn = changed_files(before, now, plan, frozenset())
    return Past(
        pipelines[name],
        plan,
        at,
        row["state"],
        row["failure_message"] or "",
        is_sample=at is not space,
        changed=tuple(one for one in torn if now[one[1]] is not None),
        gone=tuple(one for one in torn if now[one[1]] is None),
    )


def _known(run: str, settings: Settings, space: Workspace) -> dict[str, Any]:
    """What is known of a run: by the ledger, or, where that does not have it, by the plans."""
    ledger = open_existing(settings.ledger_url)
    if ledger is None:
        return _planned(run, space)
    try:
        found = get(ledger, run)
    except SelectionError as unknown:
        try:
            return _planned(run, space)
        except SelectionError:
            raise unknown from None
    return found


def _planned(run: str, space: Workspace) -> dict[str, Any]:
    """A run as the plans of the lake know it: the ledger may be lost or of another machine."""
    found = [plan for plan in _plans(space) if plan.run_id.startswith(run)]
    exact = [plan for plan in found if plan.run_id == run] or found
    if not exact:
        raise SelectionError(f"no run begins with '{run}'; `sluice runs` lists them")
    if len(exact) > 1:
        several = ", ".join(sorted(plan.run_id for plan in exact))
        raise SelectionError(f"'{run}' is the beginning of several runs: {several}")
    plan = exact[0]
    is_done = PlanStore(space.lake, plan.pipeline).manifest(plan.seq) is not None
    state = "SUCCESS" if is_done else "UNFINISHED"
    return {
        "run_id": plan.run_id,
        "pipeline": plan.pipeline,
        "seq": plan.seq,
        "state": state,
        "failure_message": "",
    }


def _plans(space: Workspace) -> Iterator[RunPlan]:
    for pipeline in space.lake.folders(HIDDEN):
        store = PlanStore(space.lake, pipeline)
        for file in space.lake.files(f"{HIDDEN}/{pipeline}/plans/*.json"):
            plan = store.plan(int(file.path.rpartition("/")[2].removesuffix(".json")))
            if plan is not None:
                yield plan


def _plan(row: dict[str, Any], space: Workspace) -> tuple[Workspace, RunPlan]:
    """The plan of a run, and where it worked: the lake, or the one for samples below it."""
    for at in (space, replace(space, lake=space.lake.below(SAMPLE), exports=None)):
        plan = PlanStore(at.lake, row["pipeline"]).plan(row["seq"])
        if plan is not None and plan.run_id == row["run_id"]:
            return at, plan
    raise ConfigurationError(
        f"the plan of run {row['run_id']} of {row['pipeline']}, sequence {row['seq']}, is not in the lake, so what it"
        " read is unknown; restore it, or look at a later run"
    )


def _unplanned(row: dict[str, Any], pipeline: Pipeline, space: Workspace) -> RunPlan:
    """What a run that ended before it could pin anything would read now."""
    position = find_position(pipeline, space)
    news = find_news(pipeline, space, position, RunRequest(full=not position.finished))
    if news.missing:
        text = f"run {row['run_id']} of {pipeline.name} ended before anything was planned, there is nothing to open"
        raise ConfigurationError(f"{text}: the lake does not have {', '.join(news.missing)}; run its pipeline first")
    return RunPlan(
        pipeline=pipeline.name,
        seq=position.finished + 1,
        mode=news.mode,
        run_id=row["run_id"],
        planned_at=row["started_at"],
        fingerprint="",
        inputs=news.inputs,
        parameters=resolve_parameters(pipeline, {}),
        waiting_version=news.waiting_version,
        lookups=news.lookups,
        stand_ins=news.alternates.stand_ins,
        passed_over=news.alternates.passed_over,
        skipped=news.skipped,
    )


def _some(files: tuple[tuple[str, str], ...]) -> str:
    shown = ", ".join(path for _, path in files[:SHOWN])
    return shown + (f" and {len(files) - SHOWN} more" if len(files) > SHOWN else "")
