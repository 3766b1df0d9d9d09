"""`sluice run` on a file that kills whoever reads it: the next attempt finds it, and the run goes on without it."""

from __future__ import annotations

import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

LIMIT_MB = 600
PIECE = 16 * 2**20
VISITS = """
import pandera.polars as pa
from framework import Pipeline, parquet_files, table

class Visit(pa.DataFrameModel):
    shop: str
    visitors: int

pipeline = Pipeline("visits.all", sources={"visits": parquet_files("visits/*.parquet", schema=Visit)},
    outputs=[table("visits", of="visits", mode="append")])
"""


@pytest.fixture
def visits(project):
    """A project with a sound file, and one of 40 kB that takes a gigabyte to read."""
    package = project / "pipelines" / "visits"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "all.py").write_text(VISITS)
    raw = project / "data" / "raw" / "visits"
    raw.mkdir(parents=True)
    pl.DataFrame({"shop": ["A", "B"], "visitors": [1, 2]}).write_parquet(raw / "a.parquet")
    piece = pa.array(["x" * PIECE])
    huge = pa.table({"shop": pa.chunked_array([piece] * 64), "visitors": pa.array(range(64))})
    pq.write_table(huge, raw / "b.parquet", compression="zstd", use_dictionary=False, write_statistics=False)
    assert (raw / "b.parquet").stat().st_size < 100_000
    return project


def test_file_that_takes_all_memory_costs_itself(sluice, visits):
    done = sluice("run", "visits.all", "--json", cwd=visits, SLUICE_MEMORY_MB=str(LIMIT_MB))
    assert done.returncode == 0, done.stderr
    assert (
        "trying again, each file read apart first: over the memory limit of 600 MiB (SLUICE_MEMORY_MB)" in done.stderr
    )
    (report,) = json.loads(done.stdout)["runs"]
    counts = report["sources"]["visits"]
    assert (report["attempts"], counts["accepted"], counts["files"], counts["files_rejected"]) == (2, 2, 2, 1)
    held = sluice("quarantine", "list", cwd=visits)
    assert held.stdout.splitlines()[-1].split(maxsplit=6) == [
        "visits.all",
        "visits",
        "open",
        "1",
        "-",
        "1",
        "file: reading it takes more than 600 MiB of memory",
    ]
