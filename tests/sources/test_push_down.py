"""What the engine pushes into the readers (rows, columns, filters) changes the work, never the result."""

from __future__ import annotations

import gzip
import itertools
import json
from unittest.mock import patch

import polars as pl
import pytest

from framework.sources.pulled import pulled

pytestmark = pytest.mark.drawn(3)

ROWS = 200
COLUMNS = {"a": pl.Int64(), "b": pl.String()}


def contents(kind: str) -> dict[str, bytes]:
    halves = [range(ROWS // 2), range(ROWS // 2, ROWS)]
    if kind == "json":
        texts = ["".join(json.dumps({"a": n, "b": f"v{n}"}) + "\n" for n in half) for half in halves]
        return {f"{i}.json": text.encode() for i, text in enumerate(texts)}
    texts = ["".join(["a,b\n", *(f"{n},v{n}\n" for n in half)]) for half in halves]
    if kind == "plain csv":
        return {f"{i}.csv": text.encode() for i, text in enumerate(texts)}
    return {f"{i}.csv.gz": gzip.compress(text.encode()) for i, text in enumerate(texts)}


@pytest.fixture(params=["plain csv", "csv blocks", "json"])
def rows(request, scan):
    kind = "json" if request.param == "json" else "csv"
    with patch("framework.sources.text.BLOCK", 100):
        read = scan(contents(request.param), schema=COLUMNS, kind=kind)
        assert len(read.parts) == 1
        yield read.parts[0]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 150, 1000])
def test_head_gives_the_first_rows(rows, count):
    expected = [str(n) for n in range(min(count, ROWS))]
    assert rows.head(count).collect()["a"].to_list() == expected
    assert rows.head(count).select("a", "_source_line").collect().height == len(expected)


@pytest.mark.parametrize("columns", [["b"], ["_source_line"], ["_source_file", "a"], ["_malformed"], ["b", "a"]])
@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_projection_gives_these_columns_in_this_order(rows, columns, engine):
    found = rows.select(columns).collect(engine=engine)
    assert found.columns == columns
    assert found.height == ROWS


def test_counting_reads_no_column(rows):
    assert rows.select(pl.len()).collect().item() == ROWS


@pytest.mark.parametrize(("limit", "least"), list(itertools.product([5, 120, 500], [0, 3, 110, 150])))
def test_filter_after_a_limit_sees_the_limited_rows(rows, limit, least):
    kept = rows.head(limit).filter(pl.col("a").cast(pl.Int64) >= least).select("b").collect()
    assert kept["b"].to_list() == [f"v{n}" for n in range(least, min(limit, ROWS))]


@pytest.mark.parametrize(("limit", "least"), list(itertools.product([5, 120, 500], [0, 3, 110, 150])))
def test_limit_after_a_filter_counts_what_is_left(rows, limit, least):
    kept = rows.filter(pl.col("a").cast(pl.Int64) >= least).head(limit).select("b").collect()
    assert kept["b"].to_list() == [f"v{n}" for n in range(least, min(least + limit, ROWS))]


def test_filter_on_a_column_that_is_not_selected(rows):
    found = rows.filter((pl.col("_source_line") <= 3) & (pl.col("_source_file").str.starts_with("1"))).select("b")
    assert found.collect()["b"].to_list()[:1] == ["v100"]


def test_slice_in_the_middle_keeps_lines_and_files(rows):
    found = rows.slice(98, 4).select("a", "_source_file", "_source_line").collect()
    assert [a for a, _, _ in found.rows()] == ["98", "99", "100", "101"]
    assert [f[0] for _, f, _ in found.rows()] == ["0", "0", "1", "1"]
    lines = found["_source_line"].to_list()
    assert lines[1] - lines[0] == lines[3] - lines[2] == 1
    assert lines[1] > lines[2]


def test_frames_are_made_once_however_many_sinks_share_them():
    opened = []

    def frames():
        opened.append(1)
        yield pl.DataFrame({"a": [1, 2, 3]})

    # Without `cache` each branch would push its own filter into the reader.
    rows = pulled(frames, pl.Schema({"a": pl.Int64})).cache()
    kept, rest, total = rows.filter(pl.col("a") > 1), rows.filter(pl.col("a") <= 1), rows.select(pl.col("a").sum())
    found = pl.collect_all([kept, rest, total], engine="streaming")
    assert [frame.rows() for frame in found] == [[(2,), (3,)], [(1,)], [(6,)]]
    assert opened == [1]


def test_limit_stops_the_frames():
    made = []

    def frames():
        for number in range(1000):
            made.append(number)
            yield pl.DataFrame({"a": [number]})

    rows = pulled(frames, pl.Schema({"a": pl.Int64})).head(3).collect()
    assert rows["a"].to_list() == [0, 1, 2]
    assert len(made) == 3
