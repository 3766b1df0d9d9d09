"""Which branches of a pipeline are left out of a run: those of steps whose condition does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.clock import at_run_time
from framework.core.plan import TableInput
from framework.definition.conditions import conditions_of
from framework.errors import Problem, StepError, StorageError
from framework.lake import open_table
from framework.run.parameters import typed_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from framework.core.plan import Input
    from framework.definition import Pipeline
    from framework.definition.signature import Condition
    from framework.run.workspace import Workspace


def skipped_tables(
    pipeline: Pipeline, space: Workspace, inputs: Mapping[str, Input], parameters: Mapping[str, Any], at: datetime
) -> dict[str, str]:
    """The tables that a run leaves as they are, each with why: a condition of what it is made of does not hold.

    Args:
        pipeline: The pipeline.
        space: Where it runs.
        inputs: What the run covers: conditions ask tables at these versions.
        parameters: The run parameters, as a plan holds them.
        at: The time of the run.

    Raises:
        StepError: when a condition raises, or gives no bool.
    """
    asked = {step.name: step for o in pipeline.outputs for step in conditions_of(o.of, pipeline.steps)}
    if not asked:
        return {}
    rows = {name: _rows(space, inputs[name]) for step in asked.values() if step.when for name in step.when.inputs}
    values = typed_parameters(pipeline, parameters)
    with at_run_time(at):
        holds = {name: _holds(step.name, step.when, rows, values) for name, step in asked.items() if step.when}
    found = {}
    for output in pipeline.outputs:
        failing = [s for s in conditions_of(output.of, pipeline.steps) if s.when is not None and not holds[s.name]]
        words = sorted(f"{step.when.name} does not hold for step '{step.name}'" for step in failing if step.when)
        if words:
            found[output.table] = ", ".join(words)
    return found


def _rows(space: Workspace, given: Input) -> pl.LazyFrame:
    if not isinstance(given, TableInput):
        raise TypeError(f"a condition asks {given!r}, which is no table")
    handle = open_table(space.lake, given.table, given.version)
    if handle is None:
        raise StorageError(f"table '{given.table}' at version {given.version} cannot be opened any more")
    return handle.scan()


def _holds(step: str, condition: Condition, rows: Mapping[str, pl.LazyFrame], values: Mapping[str, Any]) -> bool:
    """Ask a condition."""
    arguments = {p.name: values[p.name] for p in condition.parameters} | {n: rows[n] for n in condition.inputs}
    what = f"condition '{condition.name}' of step '{step}'"
    try:
        found = _value(condition.function(**arguments))
    except Exception as error:
        raise StepError(f"{what} raised {type(error).__name__}: {error}") from error
    if not isinstance(found, bool):
        raise StepError(f"{what} gave {found!r}; give a bool, or a lazy frame of one row with one")
    return found


def _value(given: Any) -> Any:
    """What a condition says: itself, or the one value of a lazy frame."""
    if isinstance(given, pl.LazyFrame):
        rows = given.collect(engine="streaming")
        return rows.item() if rows.shape == (1, 1) else f"{rows.height} rows of {rows.width} columns"
    return given


def condition_misfits(
    pipeline: Pipeline, frames: Mapping[str, pl.LazyFrame], values: Mapping[str, Any]
) -> list[Problem]:
    """Find conditions that raise on tables without rows, or that give no bool.

    `frames`: the sources, lazy, without rows. `values`: the run parameters that are known without a run.
    """
    found = []
    for step in pipeline.steps:
        condition = step.when
        if condition is None or any(p.is_required and p.name not in values for p in condition.parameters):
            continue
        try:
            _holds(step.name, condition, frames, values)
        except StepError as error:
            found.append(Problem(step.where, str(error), "give True or False, also for tables without rows"))
    return found
