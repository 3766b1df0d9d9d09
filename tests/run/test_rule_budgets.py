"""Budgets of rules: of rows of sources, and of rows of steps, which are kept; and rules that raise while rows pass."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, csv_files, rule, step, table
from framework.errors import BoundaryError, DefinitionError, SchemaError, StepError
from framework.lake import open_table
from framework.run.compiled import verify
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

TEN = "id,size\n" + "".join(f"{i},{i}\n" for i in range(10))


class Row(pa.DataFrameModel):
    id: int
    size: int


def small(**options):
    return rule("small", pl.col("size") < 8, message="size: must be small", owner="sales", **options)


def run(folder, pipeline):
    (folder / "raw").mkdir()
    (folder / "raw" / "rows.csv").write_text(TEN)
    space = Workspace(StorageLocation(str(folder / "raw")), StorageLocation(str(folder / "lake")))
    report = run_in(pipeline, space, RunRequest())
    return report, open_table(space.lake, "t/rows").scan().collect().height


def reading(rules, **options):
    sources = {"rows": csv_files("rows.csv", schema=Row, rules=rules, **options)}
    return Pipeline("t.rows", sources=sources, outputs=[table("t/rows", of="rows")])


def stepping(rules):
    @step(returns=Row, rules=rules)
    def kept(rows: LazyFrame[Row]) -> pl.LazyFrame:
        return rows

    @step(returns=Row, rules=rules)
    def again(kept: LazyFrame[Row]) -> pl.LazyFrame:
        return kept

    sources = {"rows": csv_files("rows.csv", schema=Row)}
    return Pipeline("t.rows", sources=sources, steps=[kept, again], outputs=[table("t/rows", of=again)])


@pytest.mark.parametrize("options", [{}, {"budget": "20%"}, {"budget": [2, "50%"]}])
def test_rows_of_a_source_within_the_budget_of_a_rule_are_refused_and_the_rest_is_published(tmp_path, options):
    report, rows = run(tmp_path, reading([small(**options)]))
    assert (report.sources["rows"].quarantined, report.sources["rows"].reasons, rows) == (
        2,
        {"size: must be small": 2},
        8,
    )


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_budget_of_a_rule_fails_the_source_beyond_it(tmp_path, severity):
    with pytest.raises(BoundaryError, match="small: 2 of 10 rows refused, at most 1 may be"):
        run(tmp_path, reading([small(budget=1, severity=severity)]))


def test_budget_of_the_source_takes_the_place_of_that_of_the_rule(tmp_path):
    report, rows = run(tmp_path, reading([small(budget=1)], budget={"small": 2}))
    assert (report.state, rows) == ("SUCCESS", 8)


@pytest.mark.parametrize("options", [{"budget": "20%"}, {"severity": "warning"}, {"budget": 2, "severity": "warning"}])
def test_rows_of_a_step_that_break_a_rule_within_its_budget_are_kept_and_counted_at_every_step(tmp_path, options):
    report, rows = run(tmp_path, stepping([small(**options)]))
    assert (report.steps["kept"].warned, report.steps["again"].warned, rows) == (
        {"size: must be small": 2},
        {"size: must be small": 2},
        10,
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "  2 x size: must be small (owner: sales): 8; 9"),
        ({"budget": "19.9%"}, "  2 x size: must be small (of 10, at most 19.9% may; owner: sales): 8; 9"),
        (
            {"budget": [5, 1], "severity": "warning"},
            "  2 x size: must be small (of 10, at most 5 and 1 may; owner: sales): 8; 9",
        ),
    ],
)
def test_step_fails_where_more_rows_break_a_rule_than_may(tmp_path, options, told):
    with pytest.raises(StepError) as caught:
        run(tmp_path, stepping([small(**options)]))
    assert told in str(caught.value).splitlines()


def test_rules_of_sources_and_steps_are_held_against_their_columns():
    wrong = rule("small", "sice < 8", message="size: must be small")
    assert [str(problem) for problem in verify(reading([wrong]))] == [
        "Row.small: it looks at column 'sice', which the schema does not have; did you mean 'size'?"
    ]


def test_what_is_no_rule_over_rows_is_refused_with_the_pipeline():
    from framework import agree

    with pytest.raises(DefinitionError) as caught:
        reading([agree("r", left="a", right="b", on="SUM(x)"), "small"])
    assert [str(problem) for problem in caught.value.problems] == [
        "t.rows, source 'rows': r is no rule over its rows (give it to the pipeline: Pipeline(..., rules=[...]))",
        "t.rows, source 'rows': 'small' is no rule over its rows (make one with rule(...))",
    ]


class Secret(Row):
    size: int = pa.Field(metadata={"sensitive": True})


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (Row, "conversion from `i64` to `i8` failed in column 'size' for 1 out of 11 values: [1000]"),
        (Secret, "at a value of a sensitive column"),
    ],
)
def test_rule_that_raises_while_rows_are_judged_fails_the_run_with_its_name(tmp_path, schema, said):
    raising = rule("small", pl.col("size").cast(pl.Int8) < 99, message="size: must be small")
    sources = {"rows": csv_files("rows*.csv", schema=schema, rules=[raising])}
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "rows.csv").write_text(TEN + "10,1000\n")
    space = Workspace(StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / "lake")))
    with pytest.raises(SchemaError) as caught:
        run_in(Pipeline("t.rows", sources=sources, outputs=[table("t/rows", of="rows")]), space, RunRequest())
    assert str(caught.value) == (
        f"rule 'small' of rows raised InvalidOperationError: {said}; nothing of this run is published; "
        "let it answer with null where it has no answer, such as .cast(..., strict=False)"
    )
    assert open_table(space.lake, "t/rows").files() == []


def test_rule_of_a_step_that_raises_is_named_too(tmp_path):
    raising = rule("small", pl.col("size").cast(pl.UInt8) - 9 < 1, message="size: must be small")
    asked = rule("few", (pl.col("size") - 5).cast(pl.UInt8) < 99, message="size: must be 5 or more")
    with pytest.raises(SchemaError, match=r"^rule 'few' of kept or rule 'few' of again raised InvalidOperationError"):
        run(tmp_path, stepping([raising, asked]))
