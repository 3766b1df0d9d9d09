"""Unique keys of large sources are counted ahead: a run refuses the same rows, from many files of several formats."""

# ruff: noqa: TC002 - Polars and pytest are named where they are used

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, csv_files, step, table
from framework.lake import open_table
from framework.run import execution, intake
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

if TYPE_CHECKING:
    from pathlib import Path

    from framework.core.report import RunReport


class Sale(pa.DataFrameModel):
    id: int = pa.Field(unique=True)
    shop: str


@step(returns=Sale)
def sold(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return sales


def run(folder: Path, lake: str) -> tuple[RunReport, list[tuple[str, int, list[str]]], list[int]]:
    space = Workspace(StorageLocation(str(folder / "raw")), StorageLocation(str(folder / lake)))
    pipeline = Pipeline(
        "shop.sold",
        sources={"sales": csv_files("*.csv", budget="90%")},
        steps=[sold],
        outputs=[table("shop/sold", of=sold, mode="append")],
    )
    report = run_in(pipeline, space, RunRequest())
    held, made = open_table(space.lake, "_quarantine/shop.sold"), open_table(space.lake, "shop/sold")
    assert held is not None
    assert made is not None
    refused = held.scan().select("file", "line", "reasons").sort("file", "line").collect().rows()
    return report, refused, made.scan().collect()["id"].sort().to_list()


def test_a_run_that_looks_ahead_refuses_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.csv").write_text("id,shop\n1,x\n2,x\nseven,x\n3,x\n")
    (tmp_path / "raw/b.csv").write_text("shop;id\ny;2\ny;4\ny;four\n")
    plain = run(tmp_path, "plain")
    monkeypatch.setattr(intake, "LOOK_AHEAD", 1)
    looked = run(tmp_path, "looked")
    assert looked[1:] == plain[1:]
    assert looked[2] == [1, 3, 4]
    assert looked[1] == [
        ("a.csv", 3, ["id: must be unique"]),
        ("a.csv", 4, ["id: must be a whole number"]),
        ("b.csv", 2, ["id: must be unique"]),
        ("b.csv", 4, ["id: must be a whole number"]),
    ]
    source = looked[0].sources["sales"]
    assert (source.rows_in, source.accepted, source.quarantined) == (7, 3, 4)


def test_a_large_source_is_read_once_more_only_where_keys_must_be_unique(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.csv").write_text("id,shop\n1,x\n")
    executed: list[int] = []
    known = execution.execute
    monkeypatch.setattr(intake, "execute", lambda sinks: (executed.append(len(sinks)), known(sinks)))
    run(tmp_path, "small")
    assert executed == []
    monkeypatch.setattr(intake, "LOOK_AHEAD", 1)
    run(tmp_path, "large")
    assert executed == [1]
