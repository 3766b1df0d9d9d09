"""Files that are something else than they say, or far too much of it: refused as a whole, with the reason."""

from __future__ import annotations

import gzip
import io
import json
from unittest.mock import patch

import polars as pl
import pyarrow as pa
import pytest

from framework.sources import expansion

PARQUET = io.BytesIO()
pl.DataFrame({"a": ["1"], "b": ["x"], "c": ["3"]}).write_parquet(PARQUET)


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (PARQUET.getvalue(), "it is a Parquet file"),
        (gzip.compress(PARQUET.getvalue()), "it is a Parquet file"),
        (b"PK\x03\x04....", "it is a ZIP archive (or a spreadsheet)"),
        (b"BZh91AY&SY", "it is compressed with bzip2"),
        (b"SQLite format 3\0", "it is a SQLite database"),
        (b"%PDF-1.7", "it is a PDF document"),
        (bytes(5000), "it begins with NUL bytes"),
    ],
)
def test_file_of_another_kind_is_called_by_its_name(scan, kind, content, what):
    assert scan({f"f.{kind}": content}).rejected == {f"f.{kind}": f"no {kind.upper()} file: {what}"}


def test_text_that_is_called_parquet_is_refused(scan):
    reason = scan({"f.parquet": b"a,b,c\n1,2,3\n"}).rejected["f.parquet"]
    assert reason.startswith("no readable Parquet file: ")


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize("compress", [gzip.compress, lambda b: pa.Codec("zstd").compress(b, asbytes=True)])
def test_decompression_bomb_is_refused_before_it_has_grown(scan, kind, compress):
    start = b"a,b,c\n" if kind == "csv" else b'{"a": 1}\n'
    bomb = compress(start + b"1,2,3\n" * 600_000 if kind == "csv" else start * 500_000)
    with patch.object(expansion, "ALWAYS_ALLOWED", 100_000):
        reason = scan({f"f.{kind}": bomb}).rejected[f"f.{kind}"]
    assert reason.startswith(f"its {len(bomb)} bytes decompress to more than ")
    assert reason.endswith(" MiB, over 200 times as many: a decompression bomb?")


def test_what_compresses_well_is_no_bomb_while_it_is_small(scan):
    read = scan({"f.csv": gzip.compress(b"a,b,c\n" + b"1,2,3\n" * 50_000)})
    assert (read.rejected, read.rows.height) == ({}, 50_000)


def test_too_many_columns_are_refused_before_they_are_read(scan):
    wide = ",".join(f"c{n}" for n in range(100_000)).encode()
    assert scan({"f.csv": wide + b"\n1\n"}).rejected == {
        "f.csv": "wrong header: 100,000 columns; at most 10,000 are read"
    }


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_line_without_end_is_refused(scan, ending):
    with patch("framework.sources.text.MAX_LINE", 10_000), patch("framework.sources.text.BLOCK", 1000):
        assert scan({"f.csv": b"a,b,c\n1," + b"x" * 100_000 + ending}).rejected == {
            "f.csv": "line 2 is longer than 0 MiB"
        }


@pytest.mark.parametrize("name", ["_malformed", "_surplus", "_source_line"])
def test_names_that_readers_use_are_refused(scan, name):
    reason = f"wrong header: '{name}' is a name that Sluice itself uses"
    assert scan({"f.csv": f"a,b,c,{name}\n1,2,3,4\n".encode()}).rejected == {"f.csv": reason}


def test_quoted_names_of_columns_may_hold_delimiters(scan):
    schema = {"a,b": pl.String(), 'say "hi"': pl.String()}
    read = scan({"f.csv": b'"a,b","say ""hi"""\n1,2\n'}, schema=schema)
    assert read.cells(*schema) == [("1", "2")]


def test_half_a_surrogate_pair_costs_no_neighbour(scan):
    """In an unused key it costs nothing; what a line is worth never depends on another one."""
    lines = [{"a": "1", "x": "\ud800"}, {"a": "\ud800"}, {"a": "3"}]
    read = scan({"f.json": "".join(json.dumps(line) + "\n" for line in lines).encode()})
    assert read.cells("a") == [("1",), (None,), ("3",)]
    assert list(read.wrong) == [2]


@pytest.mark.parametrize(
    ("column", "dtype", "reason"),
    [
        (pl.Series("a", [[1], [2]]), pl.Int64(), "a holds List(Int64), which cannot become Int64"),
        (pl.Series("a", [{"x": 1}]), pl.String(), "a holds Struct({'x': Int64}), which cannot become String"),
        (pl.Series("a", [b"x"]), pl.Int64(), "a holds Binary, which cannot become Int64"),
        (pl.Series("a", [1]), pl.List(pl.Int64()), "a holds Int64, which cannot become List(Int64)"),
    ],
)
def test_parquet_column_that_cannot_become_what_is_expected_costs_the_file(scan, column, dtype, reason):
    target = io.BytesIO()
    column.to_frame().write_parquet(target)
    read = scan({"f.parquet": target.getvalue()}, schema={"a": dtype})
    assert read.rejected == {"f.parquet": f"wrong columns: {reason}"}
