"""Where a pipeline is cut into stages."""

from __future__ import annotations

from collections import Counter

import polars as pl
from hypothesis import given

from framework import Pipeline, agree
from framework.run.stages import LAST, Stage, stages_of
from tests.run.stages.dags import drawn_pipelines, made_pipeline


def lines(pipeline: Pipeline) -> list[str]:
    """Each stage in a line: name: steps <- sources + what it takes -> what it writes."""
    return [
        f"{s.name}: {' '.join(s.steps)} <- {' '.join([*s.sources, *s.takes])} -> {' '.join(s.writes)}".strip()
        for s in stages_of(pipeline)
    ]


def test_pipeline_without_checkpoints_is_one_stage():
    made = made_pipeline({"a": ["raw"], "b": ["a"], "c": ["a"]}, outputs=["b", "c"])
    assert stages_of(made) == (Stage(LAST, ("a", "b", "c"), ("raw",)),)


def test_stage_ends_at_a_checkpoint():
    made = made_pipeline({"a": ["raw"], "b": ["a"], "c": ["b"]}, outputs=["c"], cuts=["b"])
    assert lines(made) == ["b: a b <- raw -> b", f"{LAST}: c <- b ->"]


def test_what_several_stages_take_is_written_down_by_the_first():
    made = made_pipeline({"a": ["raw"], "b": ["a"], "c": ["a", "b"]}, outputs=["c", "raw"], cuts=["b"])
    assert lines(made) == ["b: a b <- raw -> raw a b", f"{LAST}: c <- raw a b ->"]


def test_independent_checkpoints_are_stages_that_do_not_need_each_other():
    made = made_pipeline({"a": ["raw"], "b": ["more"], "c": ["a", "b"]}, outputs=["c"], cuts=["a", "b"])
    found = {stage.name: stage.needs for stage in stages_of(made)}
    assert found == {"a": (), "b": (), LAST: ("a", "b")}


def test_checkpoint_that_is_a_table_itself_leaves_nothing_to_compute():
    made = made_pipeline({"a": ["raw"]}, outputs=["a"], cuts=["a"])
    assert lines(made) == ["a: a <- raw -> a", f"{LAST}:  <- a ->"]


def test_only_what_some_outputs_need_is_part_of_their_stages():
    made = made_pipeline({"a": ["raw"], "b": ["more"]}, outputs=["a", "b"], cuts=["a", "b"])
    assert [stage.name for stage in stages_of(made, made.outputs[:1])] == ["a", LAST]


def test_step_that_a_rule_over_the_run_looks_at_is_written_down():
    rule = agree("all_arrive", left="a", right="c", on=pl.len(), over="run")
    made = made_pipeline({"a": ["raw"], "b": ["a"], "c": ["b"]}, outputs=["c"], cuts=["b"])
    ruled = Pipeline(
        made.name,
        sources=made.sources,
        steps=[step.function for step in made.steps],
        outputs=made.outputs,
        rules=[rule],
    )
    assert lines(ruled) == ["b: a b <- raw -> a b", f"{LAST}: c <- a b ->"]


@given(drawn_pipelines())
def test_stages_of_any_graph_hold_each_step_once_in_an_order_without_circles(made: Pipeline):
    stages = stages_of(made)
    assert Counter(name for stage in stages for name in stage.steps) == Counter(step.name for step in made.steps)
    read = Counter(name for stage in stages for name in stage.sources)
    assert read == Counter(made.file_sources.keys())
    written = {node: stage.name for stage in stages for node in stage.writes}
    done: set[str] = set()
    for stage in stages:
        assert set(stage.needs) == {written[node] for node in stage.takes} <= done
        inputs = {i for step in made.steps if step.name in stage.steps for i in step.inputs}
        assert inputs <= {*stage.steps, *stage.sources, *stage.takes, *made.table_sources}
        done.add(stage.name)
    cuts = [step.name for step in made.steps if step.checkpoint]
    assert [stage.name for stage in stages] == [*cuts, LAST]
    assert all(cut in stage.steps for stage, cut in zip(stages, cuts, strict=False))
