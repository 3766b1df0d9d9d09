"""A history of quality as daily runs leave it: a few are made, the rest are those once more with other numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from benchmarks.wide import parcels, wide_pipeline
from framework import Quality
from framework.lake import Staged, StagingArea, open_table, publish
from framework.quality.history import SCHEMA, table_name
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

if TYPE_CHECKING:
    from pathlib import Path

MADE = 8
ROWS = 5_000
PIPELINE = wide_pipeline(Quality())


def write_history(folder: Path, days: int) -> None:
    """Write the tables of a pipeline of twenty columns that ran once a day, the last days as runs of their own."""
    (folder / "parcels").mkdir(parents=True, exist_ok=True)
    space = Workspace(StorageLocation(str(folder)), StorageLocation(str(folder / "lake")))
    for day in range(MADE):
        parcels(day * ROWS, ROWS).write_parquet(folder / "parcels" / f"day_{day}.parquet")
        run_in(PIPELINE, space, RunRequest())
    _add_days(space.lake, days)


def _add_days(lake: StorageLocation, days: int) -> None:
    """Add the newest run's rows once more for each further day, and bring both tables to the last one's sequence."""
    handle, parcels_now = open_table(lake, table_name(PIPELINE.name)), open_table(lake, "parcels")
    if handle is None or parcels_now is None:
        raise SystemExit("the pipeline has left no tables")
    newest = handle.scan().filter(pl.col("seq") == MADE).collect()
    area = StagingArea(handle.location, SCHEMA, ())
    for day in range(1, days - MADE + 1):
        moved = pl.col("null_rate", "mean", "p50", "psi", "ks") * (1 + day % 7 / 100)
        area.add(newest.with_columns(moved, pl.col("seq") + day, pl.col("at") + timedelta(days=day)))
    told = {"pipeline": PIPELINE.name, "seq": days, "metadata": {}}
    publish(Staged(handle, area.files()), rebase=lambda now: Staged(now, area.files()), **told)
    publish(Staged(parcels_now, []), rebase=lambda now: Staged(now, []), **told)


def report_on(folder: Path) -> str:
    """Report on the newest run, with its history, as a page."""
    from framework.quality.report.html import to_html
    from framework.run.quality.views import open_report, subject_of

    subject = subject_of(StorageLocation(str(folder / "lake")), "parcels", {PIPELINE.name: PIPELINE})
    return to_html(open_report(subject))
