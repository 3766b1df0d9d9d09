"""Columns that nobody reads are no part of a fingerprint, and columns that somebody reads are."""

from __future__ import annotations

import itertools

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, delta_table, step, table
from framework.run.fingerprints import node_fingerprints

COLUMNS = ("key", "a", "b", "c")


class Source(pa.DataFrameModel):
    key: int
    a: int
    b: int
    c: int


class Anything(pa.DataFrameModel):
    nothing: int | None = pa.Field(nullable=True)


def of_downstream(read, factor: dict[str, int], order=COLUMNS) -> str:
    """The fingerprint of a step behind one whose columns are computed with these factors."""

    @step(returns=Anything)
    def before(rows: LazyFrame[Source]) -> pl.LazyFrame:
        return rows.select((pl.col(name) * factor.get(name, 1)).alias(name) for name in order).with_columns(
            (pl.col(name) + factor.get(name, 1)).alias(name) for name in order
        )

    @step(returns=Anything)
    def behind(before: LazyFrame[Anything], rows: LazyFrame[Source]) -> pl.LazyFrame:
        return read(before, rows)

    made = Pipeline(
        "t.p",
        sources={"rows": delta_table("t/rows")},
        steps=[before, behind],
        outputs=[table("t/out", of=behind)],
    )
    return node_fingerprints(made)["behind"]


READERS = {
    "select": (lambda r, _: r.select("a"), "a"),
    "computed": (lambda r, _: r.select(x=pl.col("a") + pl.col("b")), "ab"),
    "computed, not kept": (lambda r, _: r.with_columns(x=pl.col("b")).select("a"), "a"),
    "replaced": (lambda r, _: r.with_columns(a=pl.lit(1)).select("a", "b"), "b"),
    "replaced by itself": (lambda r, _: r.with_columns(a=pl.col("a") + 1).select("a"), "a"),
    "filter": (lambda r, _: r.filter(pl.col("b") > 1).select("a"), "ab"),
    "sort": (lambda r, _: r.sort("c").select("a"), "ac"),
    "top": (lambda r, _: r.top_k(3, by="c").select("a"), "ac"),
    "head": (lambda r, _: r.head(3).select("a"), "a"),
    "unique by": (lambda r, _: r.unique("b").select("a"), "ab"),
    "unique": (lambda r, _: r.unique().select("a"), "key a b c"),
    "group": (lambda r, _: r.group_by("key").agg(pl.col("a").sum()), "key a"),
    "group, one aggregate read": (
        lambda r, _: r.group_by("key").agg(pl.col("a").sum(), pl.col("b").mean()).select("key", "a"),
        "key a",
    ),
    "group over time": (
        lambda r, _: r.sort("key").group_by_dynamic("key", every="2i").agg(pl.col("a").sum()).select("a"),
        "key a",
    ),
    "count": (lambda r, _: r.group_by("key").len(), "key"),
    "length": (lambda r, _: r.select(pl.len()), ""),
    "join": (lambda r, rows: r.join(rows, on="key").select("a", "b_right"), "key a b"),
    "semi join": (lambda r, rows: rows.join(r, on="key", how="semi"), "key"),
    "joined on the right": (lambda r, rows: rows.join(r, on="key", how="left").select("a_right"), "key a"),
    "rename": (lambda r, _: r.rename({"a": "x", "b": "y"}).select("x"), "a"),
    "swapped": (lambda r, _: r.rename({"a": "b", "b": "a"}).select("a"), "b"),
    "drop": (lambda r, _: r.drop("b", "c"), "key a"),
    "window": (lambda r, _: r.select(x=pl.col("a").sum().over("key")), "key a"),
    "concat": (lambda r, rows: pl.concat([r.select("a"), rows.select("a")]), "a"),
    "all but one": (lambda r, _: r.select(pl.all().exclude("b")), "key a c"),
    "selector": (lambda r, _: r.select(pl.selectors.integer() - pl.selectors.by_name("b")), "key a b c"),
    "by position": (lambda r, _: r.select(pl.nth(1)), "key a b c"),
    "sql": (lambda r, _: pl.SQLContext(r=r).execute("select a from r", eager=False), "key a b c"),
    "whole frame in Python": (
        lambda r, _: r.map_batches(lambda d: d.select("a"), schema={"a": pl.Int64}),
        "key a b c",
    ),
    "unpivot": (lambda r, _: r.unpivot(on=["a"], index="key"), "key a b c"),
    "cache": (lambda r, _: r.cache().select("a"), "a"),
    "struct": (lambda r, _: r.select(pl.struct("a", "b").struct.field("a").alias("x")), "ab"),
}


@pytest.mark.parametrize("name", READERS)
def test_a_change_of_a_column_before_changes_what_reads_it_and_nothing_else(name):
    read, columns = READERS[name]
    known = set(columns.split()) if " " in columns or columns == "key" else set(columns)
    as_it_is = of_downstream(read, {})
    assert as_it_is == of_downstream(read, {})
    noticed = {column for column in COLUMNS if of_downstream(read, {column: 2}) != as_it_is}
    assert noticed == known


@pytest.mark.parametrize("name", READERS)
def test_the_order_of_columns_counts_only_for_what_takes_them_by_position(name):
    read, _ = READERS[name]
    found = {of_downstream(read, {}, order) for order in itertools.permutations(COLUMNS)}
    takes_all = {"drop", "all but one", "unique", "selector", "by position", "sql", "whole frame in Python", "unpivot"}
    assert (len(found) > 1) == (name in takes_all)


def test_what_a_reader_makes_of_a_column_is_known():
    assert len({of_downstream(read, {}) for read, _ in READERS.values()}) == len(READERS) - 2  # two are `select`
