"""Runs on files that nobody vouches for: what does harm or breaks a promise is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pyarrow.parquet as pq
import pytest

from framework import Pipeline, csv_files, guarded, parquet_files, table
from framework.lake import open_table
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation


class Visit(pa.DataFrameModel):
    shop: str
    visitors: int


ROWS = pl.DataFrame({"shop": [f"shop {n}" for n in range(2000)], "visitors": range(2000)})


@pytest.fixture
def space(tmp_path):
    (tmp_path / "raw").mkdir()
    raw, lake, files = (StorageLocation(str(tmp_path / name)) for name in ("raw", "lake", "files"))
    return Workspace(raw, lake, exports=files)


def run(space: Workspace, source):
    visits = table("visits", of="visits", mode="append")
    return run_in(Pipeline("t.visits", sources={"visits": source}, outputs=[visits]), space, RunRequest())


def test_damaged_page_costs_its_file_and_not_the_run(space):
    good, bad = Path(space.raw.uri("a.parquet")), Path(space.raw.uri("b.parquet"))
    pq.write_table(ROWS.to_arrow(), good, write_page_checksum=True)
    content = bytearray(good.read_bytes())
    content[200] ^= 1
    bad.write_bytes(content)
    report = run(space, guarded(parquet_files("*.parquet", schema=Visit), apart=True))
    counts = report.sources["visits"]
    assert (counts.rows_in, counts.accepted, counts.files, counts.files_rejected) == (2000, 2000, 2, 1)
    held = open_table(space.lake, "_quarantine/t.visits").scan().collect()
    assert held["file"].to_list() == ["b.parquet"]
    assert held["reasons"][0].item().startswith("file: damaged Parquet pages: could not verify page integrity, CRC")


def test_broken_promise_costs_its_file_and_not_the_run(space):
    for name, promised in (("a.csv", b"shop,visitors\nA,1\n"), ("b.csv", b"shop,visitors\nB,20\n")):
        Path(space.raw.uri(name)).write_bytes(promised[: 18 if name == "a.csv" else 17])
        Path(space.raw.uri(name + ".sha256")).write_text(f"{hashlib.sha256(promised).hexdigest()}  {name}\n")
    report = run(space, guarded(csv_files("*.csv", schema=Visit), manifest="sha256"))
    counts = report.sources["visits"]
    assert (counts.rows_in, counts.accepted, counts.files, counts.files_rejected) == (1, 1, 2, 1)
    assert open_table(space.lake, "visits").scan().select("shop").collect().rows() == [("A",)]
