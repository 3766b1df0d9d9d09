"""What only warns is seen where a run is summed up, apart from what refuses rows."""

from __future__ import annotations

import json
import re

from framework.cli.run_summary import render
from framework.core.report import RunReport, SourceReport, StepReport
from framework.run.accounts import combine

PIPELINE = """
import pandera.polars as pa
import polars as pl
from framework import LazyFrame, Pipeline, csv_files, step, table

class Row(pa.DataFrameModel):
    id: int = pa.Field(ge=0)
    size: int = pa.Field(le=10, raise_warning=True, nullable=True)

    @pa.check("id", error="half of them should be below 5", raise_warning=True)
    def middling(cls, data):
        return data.lazyframe.select(pl.col("id").median() < 5)

class Grown(Row):
    size: int = pa.Field(le=100, raise_warning=True, nullable=True)

@step(returns=Grown)
def grown(rows: LazyFrame[Row]) -> pl.LazyFrame:
    return rows.with_columns(size=pl.col("size") * 10)

pipeline = Pipeline("warns.rows", sources={"rows": csv_files("warns/*.csv")}, steps=[grown],
    outputs=[table("warns/rows", of=grown, mode="overwrite")])
"""


def test_warnings_stand_after_the_counts_of_sources_and_steps(sluice, project):
    (project / "pipelines/warns").mkdir()
    (project / "pipelines/warns/__init__.py").touch()
    (project / "pipelines/warns/rows.py").write_text(PIPELINE)
    (project / "data/raw/warns").mkdir(parents=True)
    (project / "data/raw/warns/a.csv").write_text("id,size\n7,1\n8,11\n9,12\n-1,13\n")
    checked = sluice("check", "warns", cwd=project)
    assert checked.stdout == (
        "warns.rows: 1 source, 1 step -> warns/rows\n"
        "    second look at id of rows: id: half of them should be below 5\n"
        "    second look at id of grown: id: half of them should be below 5\n"
        "1 pipeline checked, no problem found\n"
    )
    done = sluice("run", "warns", cwd=project)
    assert done.returncode == 0, done.stderr
    shown = re.sub(r"run \w{12}", "run ID", re.sub(r"\d+\.\d s, \d+ MiB", "TIME", done.stdout))
    assert shown == (
        "warns.rows  SUCCESS    run ID, sequence 1 (full), TIME\n"
        "    read  rows: 4 rows of 1 file: 3 accepted, 1 quarantined\n"
        "                  1 x id: must be >= 0\n"
        "          warned of:\n"
        "                  3 x size: must be <= 10\n"
        "                      id: half of them should be below 5; found median(id) = 8\n"
        "    step  grown: warned of:\n"
        "                  2 x size: must be <= 100\n"
        "                      id: half of them should be below 5; found median(id) = 8\n"
        "    wrote _quarantine/warns.rows: version 1, +1 -0 rows, 1 partition touched\n"
        "    wrote warns/rows: version 1, +3 -0 rows, 0 partitions touched\n"
        "1 succeeded\n"
    )
    (project / "data/raw/warns/b.csv").write_text("id,size\n1,11\n")
    (report,) = json.loads(sluice("run", "warns", "--json", cwd=project).stdout)["runs"]
    assert report["sources"]["rows"]["warned"] == {"size: must be <= 10": 1}
    assert report["steps"] == {"grown": {"warned": {"size: must be <= 100": 1}, "warnings": []}}


def lines(source: SourceReport, **steps: StepReport) -> list[str]:
    report = RunReport("ab12", "t.rows", "SUCCESS", seq=1, sources={"rows": source}, steps=steps)
    return list(render([report]))[1:-1]


def test_many_warnings_are_capped_and_counted():
    warned = {f"c{n}: must be small": n for n in range(1, 8)}
    source = SourceReport(9, 9, 0, warned=warned, reasons=warned, warnings=[f"rule {n}" for n in range(7)])
    assert lines(source) == [
        "    read  rows: 9 rows: 9 accepted",
        "          warned of:",
        *(f"                  {n} x c{n}: must be small" for n in (7, 6, 5, 4, 3)),
        "          and 2 more reasons",
        *(f"                      rule {n}" for n in range(5)),
        "          and 2 more rules over all rows",
    ]


def test_without_warnings_nothing_is_said_of_them():
    assert lines(SourceReport(2, 1, 1, reasons={"a: b": 1})) == [
        "    read  rows: 2 rows: 1 accepted, 1 quarantined",
        "                  1 x a: b",
    ]


def test_reports_of_earlier_releases_can_still_be_read():
    document = RunReport("ab12", "t.rows", "SUCCESS", sources={"rows": SourceReport(1, 1, 0)}).to_dict()
    del document["steps"], document["sources"]["rows"]["warned"]
    assert RunReport.from_dict(document).sources["rows"].warned == {}
    full = RunReport("ab12", "t.rows", "SUCCESS", steps={"grown": StepReport({"a": 1}, ["b"])})
    assert RunReport.from_dict(json.loads(json.dumps(full.to_dict()))) == full


def test_warnings_of_two_sequences_are_put_together():
    one = RunReport(
        "a", "t", "SUCCESS", seq=1, sources={"rows": SourceReport(2, 2, 0, warned={"x": 1})},
        steps={"grown": StepReport({"x": 1}, ["u"]), "first": StepReport({"z": 3})},
    )  # fmt: skip
    two = RunReport(
        "b", "t", "SUCCESS", seq=2, sources={"rows": SourceReport(2, 2, 0, warned={"x": 2, "y": 1})},
        steps={"grown": StepReport({"x": 2, "y": 1}, ["v"])},
    )  # fmt: skip
    done = combine("t", [one, two], {})
    assert done.sources["rows"].warned == {"x": 3, "y": 1}
    assert done.steps == {"grown": StepReport({"x": 3, "y": 1}, ["u", "v"]), "first": StepReport({"z": 3})}
