"""What each step of a pipeline does, asked of its plan alone: by that, nodes of a run are told to be a step's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.events import emit
from framework.run.compiled import empty_inputs
from framework.run.node_metrics import Does
from framework.run.parameters import typed_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.boundary import Contract
    from framework.core.plan import RunPlan
    from framework.definition import Pipeline, Step


def what_steps_do(pipeline: Pipeline, plan: RunPlan, known: Mapping[str, Contract]) -> dict[str, Does]:
    """Ask the steps of a pipeline what they do, each over inputs without rows; one that cannot be asked is left out.

    `known`: the contracts of sources and steps.
    """
    schemas = {name: frame.collect_schema() for name, frame in empty_inputs(pipeline, known).items()}
    values = typed_parameters(pipeline, plan.parameters)
    found = {}
    for step in pipeline.steps:
        if any(name not in schemas for name in step.inputs):
            continue
        try:
            made = _alone(step, schemas, values)
            schemas[step.name], found[step.name] = made.collect_schema(), Does.of(made)
        except Exception as error:  # noqa: BLE001 - a run that is published must not fail for words about it
            emit("nodes.unknown", f"what step '{step.name}' does cannot be told: {error}", level="DEBUG")
    return found


def _alone(step: Step, schemas: Mapping[str, pl.Schema], values: Mapping[str, Any]) -> pl.LazyFrame:
    """The plan of a step over inputs without rows, and nothing of the steps before it."""
    frames = {name: pl.LazyFrame(schema=schemas[name]) for name in step.inputs}
    asked = {parameter.name: values[parameter.name] for parameter in step.parameters if parameter.name in values}
    made: pl.LazyFrame = step.function(**frames, **asked)
    return made
