"""The plans of the marketing pipelines: they fit together, read nothing while they are built, and stream."""

import polars as pl
import pytest

from framework.core.clock import at_run_time
from framework.definition import Pipeline
from framework.definition.load import load_pipelines
from framework.run.compiled import EPOCH, contracts, empty_inputs, verify, wire
from framework.settings import Settings
from tests.transforms.engines import fallbacks, unreadable

PIPELINES = load_pipelines(Settings(packages=("pipelines.marketing",)))
BY_PIPELINE = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)
IN_MEMORY = {"marketing.events": 1, "marketing.channel_credit": 2}
"""Small tables are made ready in memory: the address ranges, and one row per channel and model."""


def plans(pipeline: Pipeline, inputs: dict[str, pl.LazyFrame]) -> dict[str, pl.LazyFrame]:
    with at_run_time(EPOCH):
        parameters = {p.name: p.default for step in pipeline.steps for p in step.parameters}
        return wire(pipeline, inputs, parameters, contracts(pipeline))


def inputs_of(pipeline: Pipeline) -> dict[str, pl.LazyFrame]:
    with at_run_time(EPOCH):
        return empty_inputs(pipeline, contracts(pipeline))


def test_there_is_a_pipeline_for_every_table():
    assert {output.table.replace("/", ".") for p in PIPELINES.values() for output in p.outputs} == PIPELINES.keys()


@BY_PIPELINE
def test_steps_and_tables_fit_together(pipeline):
    assert verify(pipeline) == []


@BY_PIPELINE
def test_building_the_plan_reads_nothing(pipeline):
    inputs = {name: unreadable(rows.collect_schema()) for name, rows in inputs_of(pipeline).items()}
    for output in pipeline.outputs:
        assert plans(pipeline, inputs)[output.of].collect_schema().names()


@BY_PIPELINE
def test_all_that_is_large_streams(pipeline):
    frames = plans(pipeline, inputs_of(pipeline))
    for output in pipeline.outputs:
        assert fallbacks(frames[output.of]) == ["in-memory-map"] * IN_MEMORY.get(pipeline.name, 0)
