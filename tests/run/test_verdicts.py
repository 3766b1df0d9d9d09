"""Policies, budgets and rules over the whole batch in real runs: what is published, what fails, what is warned of."""

# ruff: noqa: N805, TC002 - Pandera's checks take cls, and it reads annotations

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandera.polars as pa
import polars as pl
import pytest
from pandera.api.polars.types import PolarsData

from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table
from framework.core.events import Event, listening
from framework.core.report import StepReport
from framework.errors import BoundaryError, StepError
from framework.lake import open_table
from framework.run.compiled import verify
from framework.run.fingerprints import fingerprint
from framework.run.flow import run_in
from framework.run.quarantine.masking import mask_row, schemas_of
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

if TYPE_CHECKING:
    from pathlib import Path

    from framework.core.report import RunReport


class Row(pa.DataFrameModel):
    id: int = pa.Field(ge=0)
    size: int = pa.Field(nullable=True, le=10, raise_warning=True)


class Meaning(Row):
    @pa.check("id", error="the mean must be below 5")
    def mean(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).mean() < 5)


class Wishing(Row):
    @pa.check("id", error="the mean should be below 5", raise_warning=True)
    def mean(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).mean() < 5)


def space_of(folder: Path, **files: str) -> Workspace:
    (folder / "raw").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "raw" / f"{name}.csv").write_text(text)
    return Workspace(StorageLocation(str(folder / "raw")), StorageLocation(str(folder / "lake")))


def reading(schema: Any = Row, **options: Any) -> Pipeline:
    return Pipeline(
        "t.rows", sources={"rows": csv_files("*.csv", schema=schema, **options)}, outputs=[table("t/rows", of="rows")]
    )


def run(folder: Path, pipeline: Pipeline, **files: str) -> RunReport:
    return run_in(pipeline, space_of(folder, **files), RunRequest())


def lines(*ids: object, header: str = "id,size") -> str:
    return "\n".join([header, *(f"{i},1" for i in ids), ""])


ONE_OF_TEN = lines(*range(9), -1)


@pytest.mark.parametrize("budget", ["10%", 1, "10.0 %", {"*": ["10%", 1]}, {"id": 1}, {"id.ge": "10%"}, None])
def test_run_within_its_budget_is_published(tmp_path, budget):
    report = run(tmp_path, reading(budget=budget), a=ONE_OF_TEN)
    assert (report.sources["rows"].accepted, report.sources["rows"].quarantined) == (9, 1)


@pytest.mark.parametrize("budget", ["9.9%", 0, {"*": ["10%", 0]}, {"id": 0}, {"id.ge": "9%"}])
@pytest.mark.parametrize("on_invalid", ["quarantine", "drop", "warn"])
def test_run_over_its_budget_publishes_nothing(tmp_path, budget, on_invalid):
    pipeline = reading(budget=budget, on_invalid=on_invalid)
    if on_invalid == "warn" and (not isinstance(budget, dict) or "*" in budget):
        assert run(tmp_path, pipeline, a=ONE_OF_TEN).sources["rows"].accepted == 10  # nothing is refused
        return
    with pytest.raises(BoundaryError, match="is over its budget"):
        run(tmp_path, pipeline, a=ONE_OF_TEN)
    assert open_table(space_of(tmp_path).lake, "t/rows").scan().collect().height == 0


def test_budget_counts_warnings_of_the_rule_it_names(tmp_path):
    text = "id,size\n1,11\n2,12\n3,1\n"
    assert run(tmp_path, reading(budget={"size": 2, "*": 0}), a=text).sources["rows"].accepted == 3
    with pytest.raises(BoundaryError, match=r"size\.less_than_or_equal_to: 2 of 3 rows refused, at most 1 may be"):
        run(tmp_path, reading(budget={"size.le": 1}), b=text)


def test_budget_in_percent_is_on_files_too(tmp_path):
    with pytest.raises(BoundaryError, match="files: 1 of 2 refused, at most 40% may be"):
        run(tmp_path, reading(budget="40%"), a=lines(*range(100)), b="other\n1\n")


def test_waiting_rows_are_not_charged_to_the_budget(tmp_path):
    known = Pipeline("t.known", sources={"k": csv_files("k*.csv", schema=Row)}, outputs=[table("t/known", of="k")])
    space = space_of(tmp_path, k=lines(1))
    run_in(known, space, RunRequest())
    orders = Pipeline(
        "t.orders",
        sources={
            "rows": csv_files("a*.csv", schema=Row, references={"id": "known"}, budget=0),
            "known": delta_table("t/known"),
        },
        outputs=[table("t/orders", of="rows")],
    )
    report = run(tmp_path, orders, a=lines(1, 2))
    assert (report.sources["rows"].accepted, report.sources["rows"].quarantined) == (1, 1)


def test_budget_is_no_part_of_what_a_pipeline_means():
    assert fingerprint(reading(budget="1%")) == fingerprint(reading())
    assert fingerprint(reading(Meaning)) != fingerprint(reading())


def test_rule_over_the_batch_holds_of_the_accepted_rows(tmp_path):
    assert run(tmp_path, reading(Meaning), a=lines(1, 2, -500)).sources["rows"].accepted == 2
    with pytest.raises(BoundaryError, match=r"the mean must be below 5; found mean\(id\) = 6"):
        run(tmp_path, reading(Meaning), b=lines(3, 9))


def test_rule_over_the_batch_is_over_what_is_new(tmp_path):
    run(tmp_path, reading(Meaning), a=lines(1, 1))
    with pytest.raises(BoundaryError, match="broken by the 1 row accepted"):
        run(tmp_path, reading(Meaning), b=lines(5))


@pytest.mark.parametrize(("schema", "policy"), [(Wishing, "quarantine"), (Meaning, "warn")])
def test_rule_over_the_batch_may_only_warn(tmp_path, schema, policy):
    heard: list[Event] = []
    with listening(heard.append):
        report = run(tmp_path, reading(schema, on_invalid=policy), a=lines(8, 9))
    (words,) = report.sources["rows"].warnings
    assert words.endswith("be below 5; found mean(id) = 8.5")
    assert [(e.level, e.message) for e in heard if e.name == "rule.broken"] == [("WARNING", f"rows: {words}")]


def test_rule_over_the_batch_of_a_step_fails_the_step(tmp_path):
    @step(returns=Meaning)
    def kept(rows: LazyFrame[Row]) -> pl.LazyFrame:
        return rows

    pipeline = Pipeline(
        "t.kept", sources={"rows": csv_files("*.csv")}, steps=[kept], outputs=[table("t/kept", of=kept)]
    )
    with pytest.raises(StepError, match=r"the mean must be below 5; found mean\(id\) = 50"):
        run(tmp_path, pipeline, a=lines(*range(101)))


def test_warnings_of_a_step_are_told(tmp_path):
    @step(returns=Row)
    def grown(rows: LazyFrame[Row]) -> pl.LazyFrame:
        return rows.with_columns(size=pl.col("size") + 10)

    @step(returns=Row)
    def shrunk(grown: LazyFrame[Row]) -> pl.LazyFrame:
        return grown.with_columns(size=pl.col("size") - 10)

    heard: list[Event] = []
    outputs = [table("t/grown", of=grown), table("t/shrunk", of=shrunk)]
    pipeline = Pipeline("t.grown", sources={"rows": csv_files("*.csv")}, steps=[grown, shrunk], outputs=outputs)
    with listening(heard.append):
        report = run(tmp_path, pipeline, a=lines(1, 2))
    assert {e.message for e in heard if e.name == "rule.broken"} == {"grown: 2 x size: must be <= 10"}
    assert report.steps == {"grown": StepReport({"size: must be <= 10": 2})}


def test_step_s_uniqueness_is_over_all_its_rows(tmp_path):
    class Unique(Row):
        id: int = pa.Field(unique=True)

    @step(returns=Unique)
    def kept(rows: LazyFrame[Row]) -> pl.LazyFrame:
        return rows

    count = 300_000  # many batches
    pipeline = Pipeline(
        "t.kept", sources={"rows": csv_files("*.csv")}, steps=[kept], outputs=[table("t/kept", of=kept)]
    )
    with pytest.raises(StepError, match="2 x id: must be unique"):
        run(tmp_path, pipeline, a=lines(*range(count), 0))


def test_order_of_a_file_s_columns_is_held_where_the_schema_asks(tmp_path):
    class Ordered(Row):
        class Config:
            ordered = True

    report = run(tmp_path, reading(Ordered), a=lines(1), b="size,id\n1,1\n")
    assert (report.sources["rows"].accepted, report.sources["rows"].files_rejected) == (1, 1)
    held = open_table(space_of(tmp_path).lake, "_quarantine/t.rows").scan().collect()
    assert held["reasons"].to_list() == [["file: wrong header: columns in the order size, id, must be id, size"]]


def test_optional_column_that_some_files_lack(tmp_path):
    class Optional(pa.DataFrameModel):
        id: int
        size: int = pa.Field(required=False, unique=True, gt=0)

    report = run(tmp_path, reading(Optional), a="id,size\n1,1\n2,1\n3,\n", b="id\n4\n5\n")
    rows = open_table(space_of(tmp_path).lake, "t/rows").scan().select("id", "size").sort("id").collect().rows()
    assert rows == [(4, None), (5, None)]
    assert report.sources["rows"].reasons == {"size: must be unique": 2, "size: must not be empty": 1}


def test_budget_is_checked_when_the_pipeline_is(tmp_path):
    assert [str(p) for p in verify(reading(budget={"sise": 1, "id": True}))] == [
        "source 'rows': its budget for 'id' is no limit (give a number of rows, or a share such as '1%')",
        "source 'rows': its budget names 'sise', which is no column or rule (did you mean 'size'?)",
    ]


class Person(pa.DataFrameModel):
    id: int
    mail: str = pa.Field(metadata={"sensitive": True})


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ({"id": "x", "mail": "a@b.de"}, {"id": "x", "mail": "***"}),
        ({"id": "x", "mail": None, "e-mail": "a@b.de"}, {"id": "x", "mail": None, "e-mail": "***"}),
        ("x,a@b.de,,", "***"),
        (None, None),
    ],
)
def test_quarantine_shows_no_sensitive_values(raw, shown):
    known = schemas_of(reading(Person))
    assert mask_row({"source": "rows", "raw": raw}, known)["raw"] == shown
    unknown = mask_row({"source": "gone", "raw": raw}, known)["raw"]
    assert unknown is None or "a@b.de" not in str(unknown)
    assert mask_row({"source": "rows", "raw": raw}, schemas_of(reading(Row)))["raw"] == raw
    assert schemas_of(None) == {}


def test_optional_column_that_quoted_files_lack(tmp_path):
    class Optional(pa.DataFrameModel):
        id: int
        size: int = pa.Field(required=False)

    run(tmp_path, reading(Optional), a='id,size\n"1",1\n', b='id\n"4"\n', c="id\n5\n")
    rows = open_table(space_of(tmp_path).lake, "t/rows").scan().select("id", "size").sort("id").collect().rows()
    assert rows == [(1, 1), (4, None), (5, None)]
