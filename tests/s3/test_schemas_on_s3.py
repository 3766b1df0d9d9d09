"""Schemas that change on an object store: registered once, carried out with a run, migrated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl

from framework import Migration, Pipeline, csv_files, table
from framework.lake import open_table
from framework.registry import Registry
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.schemas.migration import migrate
from framework.run.workspace import Workspace

if TYPE_CHECKING:
    from tests.s3.conftest import Bucket


class Shop(pa.DataFrameModel):
    shop: str
    visitors: pl.Int32


class Noted(Shop):
    note: str = pa.Field(nullable=True)


class Rated(Noted):
    visitors: pl.Int64
    rating: str = pa.Field(default="none")


class Counted(pa.DataFrameModel):
    shop: str
    visitors: pl.Int16


def shops(schema, **options) -> Pipeline:
    output = table("shops", of="rows", mode="merge", key="shop", **options)
    return Pipeline("t.shops", sources={"rows": csv_files("*.csv", schema=schema)}, outputs=[output])


def test_a_schema_that_changes_three_times_is_registered_and_carried_out(bucket: Bucket):
    space = Workspace(bucket.raw, bucket.lake)
    for name, schema, text in (
        ("a", Shop, "shop,visitors\nA,1\nB,2\n"),
        ("b", Noted, "shop,visitors,note\nB,3,x\n"),
        ("c", Rated, "shop,visitors,note,rating\nC,4,y,good\n"),
    ):
        bucket.raw.create(f"{name}.csv", text.encode())
        assert run_in(shops(schema), space, RunRequest()).state == "SUCCESS"
    made = shops(Counted, migration=Migration(cast=["visitors"]))
    assert migrate(made, "shops", space).schema_version == 4
    found = open_table(bucket.lake, "shops")
    assert found.scan().select("shop", "visitors").collect().sort("shop").rows() == [("A", 1), ("B", 3), ("C", 4)]
    assert found.scan().collect_schema()["visitors"] == pl.Int16
    before = open_table(bucket.lake, "shops", found.version - 1).scan().select("shop", "note", "rating").collect()
    assert before.sort("shop").rows() == [("A", None, "none"), ("B", "x", "none"), ("C", "y", "good")]
    registry = Registry(bucket.lake)
    assert list(registry.versions("shops")) == [1, 2, 3, 4]
    document = registry.require("shops", 2)
    assert registry.register(document, after=1) == 2
    assert registry.register(replace(document, key=()), after=1) == 5
