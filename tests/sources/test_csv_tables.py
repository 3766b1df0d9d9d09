"""Arbitrary tables written by Python's csv module and read back: the same cells on the same lines, for any blocks."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.core.frames import BLANK
from framework.sources.csv_blocks import parse_at_once
from framework.sources.csv_layout import OVERFLOW, Layout
from framework.sources.csv_lines import Form, parse_lines
from framework.sources.csv_suspects import find_suspects, split_lines
from tests.sources.reading import read_files

LETTERS = st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0\r")
CELLS = st.one_of(
    st.sampled_from(["", "", "1", "x y", '"', '""', ",", ";", "\n", "\r\n", "ä", "€", "𝄞", "a,b", '5" x', " ", "'"]),
    st.text(LETTERS, max_size=8),
)
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=12)
PLAIN_CELLS = st.text(st.characters(codec="utf-8", exclude_characters='\0\r\n",;\t|'), max_size=6)
BLOCKS = st.sampled_from([32, 41, 64, 200, 2**21])
"""The header fits into the first block, as it does in life."""


SEEN = ["a", "b", "c", OVERFLOW, "_source_line", "_malformed"]


def read_in_blocks(content: bytes, size: int, name: str = "f.csv", **options):
    with (
        tempfile.TemporaryDirectory() as folder,
        patch("framework.sources.text.BLOCK", size),
        patch("framework.sources.csv_survey.BLOCK", size),
    ):
        return read_files(Path(folder), {name: content}, **options)


def written(table, *, delimiter, quoting, line_end) -> tuple[str, list[int]]:
    """The text of a table with a header, and the line on which each row starts."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerow(["a", "b", "c"])
    lines = []
    for row in table:
        lines.append(text.getvalue().count("\n") + 1)
        writer.writerow(row)
    return text.getvalue(), lines


@given(
    table=TABLES,
    size=BLOCKS,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    form=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gzip"]),
)
def test_table_written_by_the_csv_module_is_read_back(table, size, delimiter, quoting, line_end, form):
    text, lines = written(table, delimiter=delimiter, quoting=quoting, line_end=line_end)
    content = gzip.compress(text.encode()) if form == "gzip" else text.encode(form)
    read = read_in_blocks(content, size, delimiter=delimiter)
    assert read.rejected == {}
    if not table:
        assert read.rows.height == 0
        return
    assert read.cells() == [tuple(cell or None for cell in row) for row in table]
    assert read.lines == lines
    blank = [n for n, row in zip(lines, table, strict=True) if not any(row)]
    assert read.wrong == dict.fromkeys(blank, BLANK)


@given(
    rows=st.lists(st.lists(PLAIN_CELLS, max_size=4), max_size=15),
    size=BLOCKS,
    line_end=st.sampled_from(["\n", "\r\n"]),
    is_ended=st.booleans(),
    has_mark=st.booleans(),
)
def test_plain_path_and_block_path_agree(rows, size, line_end, is_ended, has_mark):
    lines = ["a,b,c", *(",".join(row) for row in rows)]
    content = (line_end.join(lines) + (line_end if is_ended else "")).encode("utf-8-sig" if has_mark else "utf-8")
    plain = read_in_blocks(content, 2**21)
    blocks = read_in_blocks(gzip.compress(content), size, "f.csv.gz", kind="csv")
    columns = ["a", "b", "c", "_surplus", "_source_line", "_malformed"]
    assert plain.rejected == blocks.rejected == {}
    assert plain.rows.height == blocks.rows.height
    if plain.rows.height:
        assert plain.rows.select(columns).rows() == blocks.rows.select(columns).rows()


@given(
    lines=st.lists(
        st.one_of(
            st.sampled_from([b"", b",,", b'"1",2,3', b'1,"2', b'x",2,3', b'1,"a\nb",3', b"1,\xff,3", b"1,\0,3", b'"']),
            st.text(st.sampled_from('ab,"\r\n'), max_size=8).map(str.encode),
        ),
        max_size=8,
    ),
    size=st.sampled_from([14, 15, 16, 21, 64]),
)
def test_blocks_of_any_size_give_the_same_rows(lines, size):
    content = b"\n".join([b"a,b,c", *lines])
    whole = read_in_blocks(content, 2**21)
    cut = read_in_blocks(content, size)
    assert cut.rejected == whole.rejected == {}
    assert cut.rows.rows() == whole.rows.rows()


@given(lines=st.lists(st.text(st.sampled_from('ab," '), max_size=7), min_size=1, max_size=4))
def test_parsing_at_once_and_line_by_line_agree(lines):
    """The one line that cannot be parsed at once sends its whole block the slow way; the others must not notice."""
    content = "\n".join(["a,b,c", *lines, "1,2,3", ""]).encode()
    alone = read_in_blocks(content, 2**21)
    beside = read_in_blocks(content + b"1,\0,3\n", 2**21)
    shared = beside.rows.filter(pl.col("_source_line") < len(lines) + 3)
    assert alone.rows.select(SEEN).rows() == shared.select(SEEN).rows()


@given(lines=st.lists(st.text(st.sampled_from('a",'), min_size=1, max_size=9), min_size=1, max_size=2))
def test_parsing_at_once_and_line_by_line_agree_on_quotes(lines):
    content = "\n".join([*lines, '"1",2,3', ""]).encode()
    layout = Layout(("a", "b", "c"), ",")
    quick = None if find_suspects(content, 3, ",") else parse_at_once(content, 2, layout)
    slow = parse_lines(split_lines(content), 2, Form(("a", "b", "c", OVERFLOW), ",")).rows
    assert quick is None or quick.select(SEEN).rows() == slow.select(SEEN).rows()


@pytest.mark.parametrize("form", ["plain", "quoted", "gzip", "utf-16", "latin-1"])
def test_file_of_many_blocks_keeps_every_line(form):
    cell = '"ä\n,"' if form == "quoted" else "ä"
    rows = [f"{n},{cell},{n}" for n in range(2000)]
    text = "\n".join(["a,b,c", *rows])
    content = gzip.compress(text.encode()) if form == "gzip" else text.encode(form if "-" in form else "utf-8")
    read = read_in_blocks(content, 1000, encodings=("latin-1",))
    assert [int(a) for a, _, _ in read.cells()] == list(range(2000))
    step = 2 if form == "quoted" else 1
    assert read.lines == [2 + n * step for n in range(2000)]
    assert set(read.rows["b"]) == {"ä\n," if form == "quoted" else "ä"}
    assert read.wrong == {}


def test_byte_that_a_fallback_encoding_lacks_in_a_later_block_costs_its_line():
    content = b"a,b,c\n" + b"1,\xe4,3\n" * 50 + b"1,\x81,3\n1,\xe4,3\n"
    read = read_in_blocks(content, 64, encodings=("cp1252",))
    assert read.wrong == {52: "not valid UTF-8 at byte 3"}
    assert set(read.rows.filter(pl.col("_source_line") != 52)["b"]) == {"ä"}
