"""The stages of a plan as tasks for other processes: which are missing, and how one is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.core.clock import at_run_time
from framework.core.events import context
from framework.errors import SelectionError, did_you_mean
from framework.run.compiled import contracts
from framework.run.scopes import scopes_of
from framework.run.stages.attempt import Attempt, Task, tasks_of
from framework.run.stages.taken_up import behind, found_again, needed_tasks, report_of, rows_of, use
from framework.run.stages.work import compute

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from framework.core.plan import RunPlan
    from framework.core.report import StageReport
    from framework.definition import Pipeline
    from framework.lake import KeptStage
    from framework.run.workspace import Workspace


@dataclass(frozen=True)
class StageTask:
    """A stage of a plan that is still to be computed, after those that it `needs`."""

    name: str
    needs: tuple[str, ...]


def missing_stages(pipeline: Pipeline, plan: RunPlan, space: Workspace, sample: float | None = None) -> list[StageTask]:
    """Find the stages of a fixed plan that end in a checkpoint and are not there yet, in an order to compute them in.

    A pipeline without checkpoints has none. What they do not do, the run does.
    """
    with at_run_time(plan.planned_at), context(run_id=plan.run_id, pipeline=pipeline.name):
        attempt = Attempt(pipeline, plan, space, contracts(pipeline), sample)
        scopes = scopes_of(pipeline, plan, space)
        missing = [
            task
            for scope, tasks in zip(scopes, tasks_of(attempt, scopes), strict=True)
            for task, found in needed_tasks(attempt, tasks, behind(attempt, scope))
            if found is None
        ]
    names = {task.name for task in missing}
    return [StageTask(task.name, tuple(n for n in task.needs if n in names)) for task in missing]


def run_stage(
    pipeline: Pipeline, plan: RunPlan, space: Workspace, name: str, sample: float | None = None
) -> StageReport:
    """Compute one stage of a fixed plan and write its rows down, for the run to find them.

    Whatever it needs that is not there is computed, too. Any number of processes may do this at once.

    Raises:
        SelectionError: when the plan has no such stage.
    """
    with at_run_time(plan.planned_at), context(run_id=plan.run_id, pipeline=pipeline.name):
        attempt = Attempt(pipeline, plan, space, contracts(pipeline), sample)
        every = {task.name: task for tasks in tasks_of(attempt, scopes_of(pipeline, plan, space)) for task in tasks}
        if name not in every or every[name].stage.is_last:
            names = [task.name for task in every.values() if not task.stage.is_last]
            hint = did_you_mean(name, names) or "it has none"
            raise SelectionError(f"sequence {plan.seq} of {pipeline.name} has no stage '{name}'; {hint}")
        record, is_reused = _ready(attempt, every, every[name])
        return report_of(every[name], record, is_reused=is_reused)


def _ready(attempt: Attempt, every: Mapping[str, Task], task: Task) -> tuple[KeptStage, bool]:
    """Find a stage or compute it; says whether it was found."""
    found = found_again(attempt, task)
    is_reused = found is not None
    if found is None:
        rows: dict[str, pl.LazyFrame] = {}
        for need in task.needs:
            rows |= rows_of(attempt, _ready(attempt, every, every[need])[0])
        found = compute(attempt, task, {node: rows[node] for node in task.stage.takes})
    use(attempt, found)
    return found, is_reused
