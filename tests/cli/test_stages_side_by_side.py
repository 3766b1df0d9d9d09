"""A pipeline with two checkpoints that do not need each other: its stages are tasks, and the run finds their rows."""

from __future__ import annotations

import json

PIPELINES = """
import pandera.polars as pa
import polars as pl
from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table

class Line(pa.DataFrameModel):
    number: int

@step(returns=Line, checkpoint=True)
def left(lines: LazyFrame[Line]) -> pl.LazyFrame:
    return lines.select("number")

@step(returns=Line, checkpoint=True)
def right(lines: LazyFrame[Line]) -> pl.LazyFrame:
    return lines.select(pl.col("number") * 2)

@step(returns=Line)
def both(left: LazyFrame[Line], right: LazyFrame[Line]) -> pl.LazyFrame:
    return pl.concat([left, right])

lines = Pipeline("t.lines", sources={"raw": csv_files("lines.csv", schema=Line)},
    outputs=[table("t/lines", of="raw", mode="append")])
sums = Pipeline("t.both", sources={"lines": delta_table("t/lines", schema=Line)}, steps=[left, right, both],
    outputs=[table("t/both", of=both)])
"""


def test_stages_are_tasks_of_the_ledger_and_the_run_finds_their_rows(sluice, tmp_path):
    from framework.ledger.opening import open_ledger
    from framework.ledger.tasks import asked_for

    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/__init__.py").write_text(PIPELINES)
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/raw/lines.csv").write_text("number\n1\n2\n")
    done = sluice("run", "--json", "--workers", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "ledger" not in done.stderr
    document = json.loads(done.stdout)
    report = next(run for run in document["runs"] if run["pipeline"] == "t.both")
    assert {name: stage["state"] for name, stage in report["stages"].items()} == {"left": "reused", "right": "reused"}
    assert report["outputs"]["t/both"]["rows_added"] == 4
    asked = asked_for(open_ledger(f"sqlite:///{tmp_path}/data/ledger.db"), document["invocation_id"])
    assert set(asked.in_states("SUCCESS")) == {"t.lines", "t.both", "t.both:left", "t.both:right"}
    again = json.loads(sluice("run", "--json", "--full", cwd=tmp_path).stdout)
    assert [run["state"] for run in again["runs"]] == ["SUCCESS", "SUCCESS"]
