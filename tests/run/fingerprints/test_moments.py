"""The time of a run is no part of a fingerprint unless it is asked for: then of what depends on it alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pandera.polars as pa
import polars as pl

from framework import LazyFrame, Pipeline, delta_table, run_time, step, table
from framework.run.fingerprints import node_fingerprints


class Visit(pa.DataFrameModel):
    id: int


@step(returns=Visit)
def timeless(visits: LazyFrame[Visit]) -> pl.LazyFrame:
    return visits.filter(pl.col("id") > 1)


@step(returns=Visit)
def recent(timeless: LazyFrame[Visit]) -> pl.LazyFrame:
    return timeless.filter(pl.lit(run_time()) > pl.lit(datetime(2024, 1, 1, tzinfo=UTC)))


@step(returns=Visit)
def last(recent: LazyFrame[Visit]) -> pl.LazyFrame:
    return recent.head(1)


VISITS = Pipeline(
    "t.visits",
    sources={"visits": delta_table("t/visits")},
    steps=[timeless, recent, last],
    outputs=[table("t/last", of=last)],
)


def test_without_a_moment_the_time_of_a_run_is_no_part_of_it():
    assert node_fingerprints(VISITS) == node_fingerprints(VISITS)


def test_with_a_moment_what_depends_on_it_is_another():
    found = node_fingerprints(VISITS), node_fingerprints(VISITS, moment=datetime(2026, 1, 1, tzinfo=UTC))
    assert {name for name in found[0] if found[0][name] != found[1][name]} == {"recent", "last"}
