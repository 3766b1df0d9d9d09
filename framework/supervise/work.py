"""What a worker works on: the selected pipelines, and how one of them, or a stage of one, is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from framework.core.dag import levels

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.core.policy import Policy
    from framework.core.report import RunReport
    from framework.definition import Pipeline
    from framework.run.request import RunRequest
    from framework.settings import Settings


@dataclass(frozen=True)
class Work:
    """The selected pipelines in dependency order, each with those of them that it depends on, and how to run one.

    `kept`: by pipeline, the tables of which it can use the last version, each with the pipeline that writes it.
    `policies`: how each is run, where it says so. `stages` gives the stages of a pipeline's next run that can be done
    by others first, each with those that it needs; `stage` does one.
    """

    upstream: dict[str, tuple[str, ...]]
    run: Callable[[str, RunRequest], RunReport]
    kept: dict[str, dict[str, str]] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    stages: Callable[[str, RunRequest], dict[str, tuple[str, ...]]] | None = None
    stage: Callable[[str, str, RunRequest], None] | None = None


def selected_work(settings: Settings, selection: tuple[str, ...]) -> Work:
    """Load the project's pipelines and select among them."""
    from framework.definition.load import load_pipelines
    from framework.definition.selection import kept_tables, select, upstream_of
    from framework.run.flow import run_pipeline

    chosen = {p.name: p for p in select(load_pipelines(settings), selection)}
    return Work(
        {name: tuple(sorted(upstream_of(p, chosen))) for name, p in chosen.items()},
        lambda name, request: run_pipeline(chosen[name], settings, request),
        {name: tables for name, p in chosen.items() if (tables := kept_tables(p, chosen))},
        {name: pipeline.policy for name, pipeline in chosen.items()},
        partial(_stages, chosen, settings),
        partial(_stage, chosen, settings),
    )


def _stages(
    chosen: dict[str, Pipeline], settings: Settings, name: str, request: RunRequest
) -> dict[str, tuple[str, ...]]:
    """Fix the plan of a pipeline's next run, and find the stages of it that are missing.

    Nothing where no two of them could be done at once: then the run does them itself.
    """
    pipeline = chosen[name]
    if sum(step.checkpoint for step in pipeline.steps) < 2 or request.no_cache:  # noqa: PLR2004 - two, side by side
        return {}
    from framework.run.flow import tell_planned
    from framework.run.hooks.points import with_hooks
    from framework.run.planning import fix_plan
    from framework.run.position import find_position
    from framework.run.stages import missing_stages
    from framework.run.workspace import open_workspace

    space = open_workspace(settings, request).of_a_run()
    with with_hooks(pipeline) as hooks:
        position = find_position(pipeline, space)
        hooks.begin("", position.finished + 1)
        plan = fix_plan(pipeline, space, request, position)
        if plan is None:
            return {}
        hooks.begin(plan.run_id, plan.seq)
        found = {task.name: task.needs for task in missing_stages(pipeline, plan, space, request.sample)}
    if len(set(levels(found).values())) == len(found):  # each needs the one before it
        return {}
    tell_planned(plan)
    return found


def _stage(chosen: dict[str, Pipeline], settings: Settings, name: str, stage: str, request: RunRequest) -> None:
    """Do a stage of the run that is planned. Where somebody has finished that meanwhile, there is nothing to do."""
    from framework.run.hooks.points import with_hooks
    from framework.run.position import find_position
    from framework.run.stages import run_stage
    from framework.run.workspace import open_workspace

    pipeline, space = chosen[name], open_workspace(settings, request).of_a_run()
    plan = find_position(pipeline, space).pending
    if plan is not None:
        with with_hooks(pipeline) as hooks:
            hooks.begin(plan.run_id, plan.seq)
            run_stage(pipeline, plan, space, stage, request.sample)
