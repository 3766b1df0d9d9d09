"""Checkpoints on an object store: written down, found again, removed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl

from framework import LazyFrame, Pipeline, csv_files, step, table
from framework.lake import StageStore
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.stages import make_room
from framework.run.workspace import Keep, Workspace

if TYPE_CHECKING:
    from framework.core.report import RunReport
    from tests.s3.conftest import Bucket


class Visit(pa.DataFrameModel):
    shop: str
    visitors: int = pa.Field(ge=0)


@step(returns=Visit, checkpoint=True)
def doubled(visits: LazyFrame[Visit]) -> pl.LazyFrame:
    return visits.with_columns(pl.col("visitors") * 2)


PIPELINE = Pipeline(
    "t.visits",
    sources={"visits": csv_files("*.csv")},
    steps=[doubled],
    outputs=[table("visits", of=doubled, mode="merge", key="shop")],
)


def told(report: RunReport) -> tuple:
    source = report.sources["visits"]
    return report.stages["doubled"].state, source.accepted, source.quarantined


def test_rows_of_a_checkpoint_are_kept_found_again_and_removed(bucket: Bucket):
    space = Workspace(bucket.raw, bucket.lake)
    bucket.raw.create("a.csv", b"shop,visitors\nA,1\nB,2\nC,-1\n")
    assert told(run_in(PIPELINE, space, RunRequest())) == ("computed", 2, 1)
    assert told(run_in(PIPELINE, space, RunRequest(full=True))) == ("reused", 2, 1)
    store = StageStore(space.kept)
    (stage,) = store.stages()
    store.location.delete(stage.nodes["doubled"][0].path)
    assert told(run_in(PIPELINE, space, RunRequest(full=True))) == ("computed", 2, 1)
    (stage,) = store.stages()
    assert store.finish(replace(stage, seconds=9.0)).seconds == stage.seconds, "the first record holds"
    assert store.damage(stage) == "", "its files are those of the first record, too"
    assert len(make_room(Workspace(bucket.raw, bucket.lake, keep=Keep(mb=0)))) == 1
    assert list(store.stages()) == []
