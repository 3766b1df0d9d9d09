"""What a step holds in memory is named; what streams is not."""

from __future__ import annotations

import polars as pl
import pytest

from framework.run.fingerprints.plans import StandIn
from framework.run.streaming import in_memory

SCHEMA = pl.Schema({"id": pl.Int64, "name": pl.String, "x": pl.Float64})


def told(build) -> list[str]:
    return [str(one) for one in in_memory({"s": build(StandIn("rows", SCHEMA).frame())})]


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (
            lambda r: r.group_by("id").agg(pl.col("x").median(), m=pl.col("x").mean()),
            'group_by is held in memory: col("x").median()',
        ),
        (lambda r: r.group_by("id").agg(pl.col("x")), 'group_by is held in memory: col("x").implode()'),
        (lambda r: r.unique("id", keep="last", maintain_order=True), "unique is held in memory"),
        (
            lambda r: r.filter(pl.col("id").is_duplicated()),
            'is_duplicated is held in memory: col("id").is_duplicated()',
        ),
        (lambda r: r.with_columns(place=pl.col("x").rank()), 'rank is held in memory: col("x").rank().alias("place")'),
        (
            lambda r: r.select(pl.col("x").quantile(0.5)),
            'quantile is held in memory: col("x").quantile([dyn float: 0.5])',
        ),
        (
            lambda r: r.with_columns(pl.col("id").map_batches(lambda v: v)),
            'a Python function over a whole column (map_batches) is held in memory: col("id").python_udf()',
        ),
        (
            lambda r: r.map_batches(lambda d: d),
            "a Python function over the whole frame (map_batches) is held in memory",
        ),
    ],
    ids=["median", "list", "last", "duplicated", "rank", "quantile", "column in Python", "frame in Python"],
)
def test_what_is_held_in_memory_is_named(build, expected):
    assert told(build) == [f"step 's': {expected}"]


@pytest.mark.parametrize(
    "build",
    [
        lambda r: r.filter(pl.col("x") > 1).with_columns(y=pl.col("x") * 2),
        lambda r: r.group_by("id").agg(pl.col("x").sum(), pl.col("name").n_unique()),
        lambda r: r.sort("x").join(r, on="id"),
        lambda r: r.with_columns(pl.len().over("id")),
        lambda r: r.with_columns(pl.col("name").map_elements(str.upper, return_dtype=pl.String)),
    ],
    ids=["rows", "groups", "sort and join", "window", "one by one"],
)
def test_what_streams_is_not_named(build):
    assert told(build) == []
