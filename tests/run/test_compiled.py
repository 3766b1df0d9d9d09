"""A pipeline over empty inputs: what does not fit is found without data, and its identity follows its logic."""

# ruff: noqa: N805, TC001 - Pandera's checks take cls, and annotations of steps are read at run time

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest

from framework.core.typed import LazyFrame
from framework.definition import Pipeline, step, table
from framework.errors import SchemaError, StepError
from framework.run.compiled import contracts, empty_inputs, verify, wire
from framework.run.fingerprints import fingerprint
from framework.sources import csv_files

ROOT = Path(__file__).resolve().parents[2]


class Row(pa.DataFrameModel):
    id: int
    name: str


def pipeline(function, *, schema=Row, output=None, **options) -> Pipeline:
    function.__name__ = "kept"
    marked = step(returns=Row)(function)
    outputs = [output or table("retail/kept", of="kept", **options)]
    return Pipeline("retail.kept", sources={"rows": csv_files("*.csv", schema=schema)}, steps=[marked], outputs=outputs)


def same(rows: LazyFrame[Row]) -> pl.LazyFrame:
    return rows


def test_pipeline_that_fits_together_has_no_problems():
    assert verify(pipeline(same, mode="merge", key="id")) == []


def missing(rows: LazyFrame[Row]) -> pl.LazyFrame:
    return rows.select("id")


def raising(rows: LazyFrame[Row]) -> pl.LazyFrame:
    raise KeyError("name")


def collected(rows: LazyFrame[Row]) -> pl.LazyFrame:
    return rows.collect()


def unresolvable(rows: LazyFrame[Row]) -> pl.LazyFrame:
    return rows.filter(pl.col("nmae") == "x")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (missing, "retail.kept: step 'kept' does not give what Row declares: name is missing"),
        (raising, "retail.kept: step 'kept' raised KeyError: 'name'"),
        (collected, "retail.kept: step 'kept' returned DataFrame; return the lazy frame, uncollected"),
    ],
)
def test_step_that_breaks_its_promise_is_found_without_data(function, expected):
    assert [str(problem) for problem in verify(pipeline(function))] == [expected]


def test_plan_that_cannot_be_resolved_is_found_without_data():
    (problem,) = verify(pipeline(unresolvable))
    assert str(problem).startswith("retail.kept: step 'kept' gives a plan that cannot be resolved: ")
    assert "nmae" in str(problem)


def test_columns_that_an_output_names_must_be_there():
    provenance = "_source_time, _source_file, _source_line"
    found = [
        str(p) for p in verify(pipeline(same, mode="merge", key=["id", "idd"], partition_by="day", newest_by="at"))
    ]
    fix = f"(columns of 'kept': id, name, {provenance})"
    assert found == [
        f"retail.kept, table 'retail/kept': key names 'idd', not there {fix}",
        f"retail.kept, table 'retail/kept': partition_by names 'day', not there {fix}",
        f"retail.kept, table 'retail/kept': newest_by names 'at', not there {fix}",
    ]


def test_schemas_that_cannot_be_compiled_are_all_named():
    class One(pa.DataFrameModel):
        id: int = pa.Field(isin=["one"])

        class Config:
            drop_invalid_rows = True

    found = verify(pipeline_of(One))
    assert [p.where for p in found] == ["One", "One.id.isin"]


def pipeline_of(schema) -> Pipeline:
    return Pipeline("x", sources={"rows": csv_files("*", schema=schema)}, outputs=[table("x", of="rows")])


def test_required_parameter_does_not_keep_a_pipeline_from_being_checked():
    def since(rows: LazyFrame[Row], day: date) -> pl.LazyFrame:
        return rows.filter(pl.lit(day) > pl.lit(date(2024, 1, 1)))

    made = pipeline(since)
    assert verify(made) == []
    assert fingerprint(made)


def test_steps_run_by_argument_name():
    made = pipeline(same)
    known = contracts(made)
    frames = wire(made, {"rows": pl.LazyFrame({"id": [1], "name": ["a"]})}, {}, known)
    assert frames["kept"].collect().rows() == [(1, "a")]
    assert wire(made, {}, {}, known) == {}
    with pytest.raises(SchemaError):
        wire(pipeline(missing), empty_inputs(made, known), {}, known)
    with pytest.raises(StepError):
        wire(pipeline(raising), empty_inputs(made, known), {}, known)


# --- fingerprints ---


def filtered(rows: LazyFrame[Row]) -> pl.LazyFrame:
    large = rows.filter(pl.col("id") > 5)
    return large.with_columns(pl.col("name").str.to_uppercase())


def renamed(rows: LazyFrame[Row]) -> pl.LazyFrame:
    """The same with other names and a comment."""
    threshold = 5
    big_ones = rows.filter(pl.col("id") > threshold)
    upper = pl.col("name").str.to_uppercase()
    return big_ones.with_columns(upper)


def of(build) -> str:
    """The fingerprint of a pipeline with a step that applies a function to its rows."""

    def kept(rows: LazyFrame[Row]) -> pl.LazyFrame:
        return build(rows)

    return fingerprint(pipeline(kept))


def test_renaming_a_variable_changes_nothing():
    assert fingerprint(pipeline(filtered)) == fingerprint(pipeline(renamed))


LETTERS = [f"value {n}" for n in range(40)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda r: r.filter(pl.col("id") > 5), lambda r: r.filter(pl.col("id") > 6)),
        (lambda r: r.filter(pl.col("id") > 5), lambda r: r.filter(pl.col("id") >= 5)),
        (lambda r: r, lambda r: r.unique()),
        (lambda r: r.filter(pl.col("name") == "a" * 200 + "x"), lambda r: r.filter(pl.col("name") == "a" * 200 + "y")),
        (lambda r: r.filter(pl.col("name").is_in(["a", "b"])), lambda r: r.filter(pl.col("name").is_in(["a", "c"]))),
        (
            lambda r: r.filter(pl.col("name").is_in(LETTERS)),
            lambda r: r.filter(pl.col("name").is_in([*LETTERS[:20], "other", *LETTERS[21:]])),
        ),
        (
            lambda r: r.join(pl.LazyFrame({"id": [1]}), on="id", how="semi"),
            lambda r: r.join(pl.LazyFrame({"id": [2]}), on="id", how="semi"),
        ),
        (
            lambda r: r.with_columns(pl.col("name").replace({"a": "b"})),
            lambda r: r.with_columns(pl.col("name").replace({"a": "c"})),
        ),
        (
            lambda r: r.with_columns(pl.col("id").map_batches(lambda v: v + 1, return_dtype=pl.Int64)),
            lambda r: r.with_columns(pl.col("id").map_batches(lambda v: v + 2, return_dtype=pl.Int64)),
        ),
        (lambda r: r.sort("id"), lambda r: r.sort("id", descending=True)),
    ],
    ids=[
        "value",
        "operator",
        "step",
        "long literal",
        "list",
        "long list",
        "joined frame",
        "replacement",
        "Python function",
        "option",
    ],
)
def test_change_of_the_logic_changes_the_identity(one, other):
    assert of(one) != of(other)
    assert of(one) == of(one)


def schema_with(field=None, dtype=int, **config) -> str:
    namespace = {"__annotations__": {"id": dtype}, "id": field or pa.Field(), "__qualname__": "Model"}
    if config:
        namespace["Config"] = type("Config", (), config)
    return fingerprint(pipeline_of(type("Model", (pa.DataFrameModel,), namespace)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"gt": 0}, {"gt": 1}),
        ({"gt": 0}, {"ge": 0}),
        ({"isin": [1, 2]}, {"isin": [1, 3]}),
        ({"gt": 0}, {"gt": 0, "raise_warning": True}),
        ({}, {"unique": True}),
        ({}, {"nullable": True}),
        ({}, {"default": 5}),
        ({"default": 5}, {"default": 6}),
    ],
    ids=str,
)
def test_change_of_a_rule_changes_the_identity(one, other):
    assert schema_with(pa.Field(**one)) == schema_with(pa.Field(**one))
    assert schema_with(pa.Field(**one)) != schema_with(pa.Field(**other))


def test_change_of_a_type_or_format_changes_the_identity():
    assert schema_with(dtype=int) != schema_with(dtype=pl.Int32)
    slashes, dots = ({"formats": text} for text in ("%d/%m/%Y", "%d.%m.%Y"))
    assert schema_with(pa.Field(metadata=slashes), pl.Date) != schema_with(pa.Field(metadata=dots), pl.Date)


def test_change_of_an_output_changes_the_identity():
    asked = [{}, {"partition_by": "name"}, {"mode": "append"}, {"mode": "merge", "key": "id"}]
    assert len({fingerprint(pipeline(same, **options)) for options in asked}) == len(asked)


SCRIPT = """
import pandera.polars as pa
import polars as pl
from framework import LazyFrame, Pipeline, csv_files, step, table, run_time
from framework.run.fingerprints import fingerprint
from pandera.api.polars.types import PolarsData

class Row(pa.DataFrameModel):
    id: int = pa.Field(gt=0)
    name: str = pa.Field(isin={"a", "b", "c", "d"}, notin={"x", "y", "z"})
    at: pl.Datetime("us", "UTC")

    @pa.check("at")
    def past(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("at") <= pl.lit(run_time()))

@step(returns=Row)
def kept(rows: LazyFrame[Row]) -> pl.LazyFrame:
    return rows.join(rows.group_by("name").agg(pl.len()), on="name").select("id", "name", "at").filter(id=3)

print(fingerprint(Pipeline("x", sources={"rows": csv_files("*")}, steps=[kept], outputs=[table("x", of=kept)])))
"""


def test_element_wise_check_does_not_keep_a_pipeline_from_having_an_identity():
    class Model(pa.DataFrameModel):
        id: int

        @pa.check("id", element_wise=True)
        def small(cls, value: int) -> bool:
            return value < 100

    assert verify(pipeline_of(Model)) == []
    assert fingerprint(pipeline_of(Model)) == fingerprint(pipeline_of(Model))


def test_identity_is_the_same_in_every_process():
    found = set()
    for seed in ("0", "1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
        )
        found.add(done.stdout.strip())
    assert len(found) == 1
