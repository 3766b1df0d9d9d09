"""Projects of pipelines that do not need each other: two that keep a core busy each, many that do next to nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BUSY = 250_000_000
"""Turns of a loop in plain Python, some seconds on one core."""
MANY = 20

MODULE = '''"""Pipelines that do not need each other."""

import polars as pl
import pandera.polars as pa

from framework import LazyFrame, Pipeline, csv_files, step, table


class Line(pa.DataFrameModel):
    number: int


def busy(values: pl.Series) -> pl.Series:
    """Keep one core busy: Python runs one thread at a time."""
    total = 0
    for number in range({turns}):
        total += number & 1
    return values + 0 * total


@step(returns=Line)
def worked(lines: LazyFrame[Line]) -> pl.LazyFrame:
    """Give the lines as they are, after some work. One row per line."""
    return lines.with_columns(pl.col("number").map_batches(busy, return_dtype=pl.Int64))


def pipeline_of(name: str) -> Pipeline:
    """One of them."""
    files = {{"lines": csv_files("lines.csv", schema=Line)}}
    return Pipeline(f"bench.{{name}}", sources=files, steps=[worked], outputs=[table(f"bench/{{name}}", of=worked)])


pipelines = [pipeline_of(f"p{{number}}") for number in range({count})]
globals().update({{p.name.replace(".", "_"): p for p in pipelines}})
'''


def write_project(folder: Path, *, count: int, turns: int) -> None:
    """Write a project of so many pipelines with one small file."""
    (folder / "pipelines").mkdir(parents=True)
    (folder / "pipelines/__init__.py").touch()
    (folder / "pipelines/bench.py").write_text(MODULE.format(count=count, turns=turns))
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/lines.csv").write_text("number\n1\n2\n3\n")


def run_command(folder: Path, *, workers: int) -> None:
    """Run all of a project with `sluice run`."""
    command = [sys.executable, "-m", "framework.cli.main", "-C", str(folder), "run", "--quiet"]
    subprocess.run([*command, "--workers", str(workers)], check=True, stdout=subprocess.DEVNULL)


def run_in_place(folder: Path) -> None:
    """Run all of a project in this process, one after another, without a supervisor or a ledger."""
    from framework.definition.load import load_pipelines
    from framework.run.flow import run_pipeline
    from framework.run.request import RunRequest
    from framework.settings import load_settings

    settings = load_settings(folder)
    for pipeline in load_pipelines(settings).values():
        run_pipeline(pipeline, settings, RunRequest())
