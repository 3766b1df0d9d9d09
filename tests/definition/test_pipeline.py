"""Sound pipelines: steps stay functions, run in order, and are frozen."""

from __future__ import annotations

import dataclasses
from datetime import date

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.core.typed import LazyFrame, frame_schema, is_frame
from framework.definition import Output, Pipeline, step, table
from framework.definition.graph import order_steps
from framework.definition.step import Parameter, Step, read_step
from framework.sources import csv_files, delta_table


class Sale(pa.DataFrameModel):
    id: int


@step(returns=Sale)
def clean(sales: LazyFrame[Sale], since: date, limit: int = 5) -> pl.LazyFrame:
    """Keep a few."""
    return sales.head(limit)


def test_step_stays_a_plain_function():
    assert clean(pl.LazyFrame({"id": [1, 2, 3]}), date(2024, 1, 1), limit=2).collect()["id"].to_list() == [1, 2]
    assert (clean.__name__, clean.__doc__) == ("clean", "Keep a few.")


def test_signature_says_what_a_step_takes():
    found, problems = read_step(clean)
    assert problems == []
    assert found.inputs == {"sales": Sale}
    assert found.parameters == (Parameter("since", date), Parameter("limit", int, 5))
    assert [p.is_required for p in found.parameters] == [True, False]
    assert found.returns is Sale


@pytest.mark.parametrize(
    ("annotation", "is_input", "schema"),
    [
        (LazyFrame[Sale], True, Sale),
        (LazyFrame, True, None),
        (pl.LazyFrame, True, None),
        (int, False, None),
        (pl.DataFrame, False, None),
    ],
    ids=str,
)
def test_annotation_tells_frames_from_parameters(annotation, is_input, schema):
    assert (is_frame(annotation), frame_schema(annotation)) == (is_input, schema)


def steps_of(graph: dict[str, list[str]]) -> list[Step]:
    return [Step(name, print, Sale, dict.fromkeys(needs)) for name, needs in graph.items()]


def test_steps_without_a_tie_keep_the_order_given():
    assert [s.name for s in order_steps(steps_of({"p": [], "z": [], "a": []}))] == ["p", "z", "a"]
    assert [s.name for s in order_steps(steps_of({"x": ["q", "p"], "p": [], "q": []}))] == ["p", "q", "x"]


@given(st.data())
def test_every_step_comes_after_those_it_takes_from(data):
    count = data.draw(st.integers(1, 8))
    names = [f"s{n}" for n in range(count)]
    graph = {n: data.draw(st.lists(st.sampled_from(names[:i]), unique=True)) if i else [] for i, n in enumerate(names)}
    shuffled = {name: graph[name] for name in data.draw(st.permutations(names))}
    order = [s.name for s in order_steps(steps_of(shuffled))]
    assert sorted(order) == sorted(names)
    assert all(order.index(need) < order.index(name) for name, needs in graph.items() for need in needs)


def pipeline(**changes) -> Pipeline:
    asked = {"sources": {"sales": csv_files("*.csv")}, "steps": [clean], "outputs": [table("retail/x", of=clean)]}
    return Pipeline("retail.sales", **{**asked, **changes})


def test_pipeline_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        pipeline().name = "other"


def test_schema_of_a_node_is_declared_or_asked_for():
    class Wider(Sale):
        more: str

    assert pipeline().schema_of("clean") is Sale
    assert pipeline().schema_of("sales") is Sale
    free = pipeline(sources={"sales": delta_table("retail/s")}).schema_of("sales")
    assert free is Sale


def test_upstream_is_all_that_a_node_is_made_of():
    assert pipeline().upstream("clean") == {"clean", "sales"}
    assert pipeline().upstream("sales") == {"sales"}


def test_sources_are_told_apart_by_kind():
    found = pipeline(sources={"sales": csv_files("*.csv", references={"id": "known.key"}), "known": delta_table("k")})
    assert (list(found.file_sources), list(found.table_sources)) == (["sales"], ["known"])
    (reference,) = found.file_sources["sales"].references
    assert (reference.column, reference.source, reference.key) == ("id", "known", "key")


def test_table_fills_in_what_its_mode_implies():
    provenance = ("_source_time", "_source_file", "_source_line")
    assert table("t", of=clean) == Output("t", "clean", "overwrite")
    assert table("t", of="clean", mode="merge", key="id") == Output(
        "t", "clean", "merge", key=("id",), newest_by=provenance
    )
    recomputed = table("t", of="clean", mode="merge", key=["id", "day"], recompute_by="day", newest_by="at")
    assert (recomputed.newest_by, recomputed.recompute_by) == ((), ("day",))
