"""Rules that take a second look, in real runs: what they find, what they set aside, and that nothing of it stays."""

# ruff: noqa: N805, TC002 - Pandera's checks take cls, and it reads annotations

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest
from pandera.api.polars.types import PolarsData

from framework import LazyFrame, Pipeline, RunRequest, Settings, csv_files, delta_table, run_pipeline, step, table
from framework.boundary.dataset import aside
from framework.errors import BoundaryError, StepError
from framework.lake import open_table
from framework.run.fingerprints import fingerprint
from framework.run.second_looks import second_looks
from tests.run.test_verdicts import lines, run, space_of

ROOT = Path(__file__).parents[2]


class Row(pa.DataFrameModel):
    id: int
    size: int = pa.Field(nullable=True)


class Middling(Row):
    @pa.check("id", error="half of them must be below 5")
    def median(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).median() < 5)


class Private(pa.DataFrameModel):
    id: int = pa.Field(metadata={"sensitive": True})

    @pa.check("id", error="must not lean so much")
    def leaning(cls, data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col(data.key).skew() < 0)


def at_share(share: float, method: str = "nearest") -> type[Row]:
    class Share(Row):
        @pa.check("id", error="nine of ten must be below 100", raise_warning=True)
        def high(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col(data.key).quantile(share, method) < 100)

    return Share


def reading(schema: object = Middling, **options: object) -> Pipeline:
    source = csv_files("*.csv", schema=schema, **options)
    return Pipeline("t.rows", sources={"rows": source}, outputs=[table("t/rows", of="rows")])


@pytest.mark.parametrize("held", [1, 2**20])
def test_median_of_the_accepted_rows_fails_the_run(tmp_path, monkeypatch, held):
    monkeypatch.setattr(aside, "AT_ONCE", held)
    assert run(tmp_path, reading(), a=lines(1, 2, "x", 99)).sources["rows"].accepted == 3
    with pytest.raises(BoundaryError) as caught:
        run(tmp_path, reading(), b=lines(7, 8, 1))
    assert str(caught.value) == (
        "source 'rows': 1 rule over all its rows broken by the 3 rows accepted:\n"
        "  id: half of them must be below 5; found median(id) = 7\n"
        "nothing of this run is published; correct the rows and deliver the files again, or change the rule in Middling"
    )
    assert open_table(space_of(tmp_path).lake, "t/rows").scan().collect().height == 3


def test_second_look_that_only_warns_is_told(tmp_path):
    report = run(tmp_path, reading(at_share(0.9)), a=lines(*range(95, 105)))
    assert report.sources["rows"].warnings == [
        "id: nine of ten must be below 100; found quantile(id, 0.9) = 103",
    ]


def test_values_of_a_sensitive_column_are_not_told(tmp_path):
    with pytest.raises(BoundaryError, match=r"found skew\(id\) = \*\*\*"):
        run(tmp_path, reading(Private), a="id\n1\n1\n9\n")


def test_second_look_at_a_step_is_over_all_its_rows(tmp_path):
    @step(returns=Middling)
    def doubled(rows: LazyFrame[Row]) -> pl.LazyFrame:
        return rows.with_columns(id=pl.col("id") * 2)

    pipeline = Pipeline(
        "t.doubled", sources={"rows": csv_files("*.csv")}, steps=[doubled], outputs=[table("t/doubled", of=doubled)]
    )
    count = 300_000  # many batches
    with pytest.raises(StepError, match=rf"half of them must be below 5; found median\(id\) = {count}\n"):
        run(tmp_path, pipeline, a=lines(*range(count + 1)))


@pytest.mark.parametrize("held", [1, 2**20])
def test_retaken_rows_are_looked_at_with_the_fresh_ones(tmp_path, monkeypatch, held):
    monkeypatch.setattr(aside, "AT_ONCE", held)
    known = Pipeline("t.known", sources={"k": csv_files("k*.csv", schema=Row)}, outputs=[table("t/known", of="k")])
    orders = Pipeline(
        "t.orders",
        sources={
            "rows": csv_files("a*.csv", schema=Middling, references={"id": "known"}),
            "known": delta_table("t/known"),
        },
        outputs=[table("t/orders", of="rows")],
    )
    run(tmp_path, known, k=lines(1, 4))
    assert run(tmp_path, orders, a1=lines(1, 8, 9)).sources["rows"].quarantined == 2
    run(tmp_path, known, k2=lines(1, 4, 8, 9))
    with pytest.raises(BoundaryError, match=r"broken by the 3 rows accepted:\n.*found median\(id\) = 8"):
        run(tmp_path, orders, a2=lines(4))


def test_share_and_method_of_a_quantile_are_part_of_what_a_pipeline_means():
    assert fingerprint(reading(at_share(0.9))) != fingerprint(reading(at_share(0.9, "lower")))
    assert fingerprint(reading(at_share(0.9))) != fingerprint(reading(at_share(0.8)))


def test_second_looks_of_a_pipeline_are_listed():
    @step(returns=Private)
    def kept(rows: LazyFrame[Middling], old: LazyFrame[Private]) -> pl.LazyFrame:
        return rows

    pipeline = Pipeline(
        "t.kept",
        sources={"rows": csv_files("*.csv"), "old": delta_table("t/old")},
        steps=[kept],
        outputs=[table("t/kept", of=kept)],
    )
    assert [str(look) for look in second_looks(pipeline)] == [
        "second look at id of rows: id: half of them must be below 5",
        "second look at id of kept: id: must not lean so much",
    ]
    assert second_looks(reading(Row)) == []


def scratch_of(folder: Path) -> list[str]:
    """The files without a name that this process has open below a folder."""
    handles = [handle for handle in Path("/proc/self/fd").iterdir() if handle.is_symlink()]
    return [name for name in (str(handle.readlink()) for handle in handles) if name.startswith(str(folder))]


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the open files of a process")
@pytest.mark.parametrize("ids", [(1, 2), (8, 9)])
def test_nothing_of_what_was_set_aside_stays_after_success_or_failure(tmp_path, monkeypatch, ids):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setattr(aside, "AT_ONCE", 1)
    seen: list[list[str]] = []
    monkeypatch.setattr("framework.run.flow.fault", lambda _: seen.append(scratch_of(scratch)))
    with contextlib.suppress(BoundaryError):
        run(tmp_path, reading(), a=lines(*ids))
    gc.collect()
    assert max(map(len, seen)) > 0
    assert scratch_of(scratch) == []
    assert list(scratch.rglob("*")) == []


WORKER = """
import sys
from pathlib import Path
from framework import RunRequest, Settings, run_pipeline
from framework.boundary.dataset import aside
from tests.run import test_second_looks as told
import framework.run.flow as flow
aside.AT_ONCE = 1
folder = Path(sys.argv[1])
passed = flow.fault
def fault(point):
    (folder / point).write_text(str(len(told.scratch_of(folder / "scratch"))))
    passed(point)
flow.fault = fault
run_pipeline(told.reading(), Settings(project=folder), RunRequest())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the open files of a process")
def test_nothing_of_what_was_set_aside_stays_after_a_kill(tmp_path):
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "scratch").mkdir()
    (tmp_path / "data/raw/a.csv").write_text(lines(1, 2))
    fault = {"TMPDIR": str(tmp_path / "scratch"), "PYTHONPATH": str(ROOT), "SLUICE_FAULT": "stage.after:kill"}
    worker = [sys.executable, "-c", WORKER, str(tmp_path)]
    done = subprocess.run(worker, env={**os.environ, **fault}, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert int((tmp_path / "stage.after").read_text()) > 0
    assert list((tmp_path / "scratch").rglob("*")) == []


def test_run_on_real_files_is_published_once_its_median_is_right(tmp_path):
    (tmp_path / "data/raw").mkdir(parents=True)
    file = tmp_path / "data/raw/a.csv"
    file.write_text(lines(8, 9))
    with pytest.raises(BoundaryError):
        run_pipeline(reading(), Settings(project=tmp_path), RunRequest())
    file.write_text(lines(1, 2, 9))
    assert run_pipeline(reading(), Settings(project=tmp_path), RunRequest()).state == "SUCCESS"
