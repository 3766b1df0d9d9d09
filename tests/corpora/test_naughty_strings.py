"""Strings that break programs, as cells, column names and file names."""

from __future__ import annotations

import csv
import io
import json

import polars as pl
import pytest

from framework.run.readers import judge_files
from framework.storage import StorageLocation
from tests.corpora.golden import inputs
from tests.sources.reading import read_files


@pytest.fixture
def strings(corpus) -> list[str]:
    own = [
        "a\nb",
        "a\r\nb",
        "*",
        "?",
        "[a]",
        "{a}",
        "..",
        "../a",
        "-rf",
        "~",
        "$HOME",
        "%s",
        "^.*$",
        "\x01",
        "a\tb",
        "_text",
    ]
    found = json.loads((corpus("naughty-strings") / "blns.json").read_text())
    return list(dict.fromkeys([*found, *own]))


def test_naughty_cells_are_read_as_they_are(strings, tmp_path):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["a", "b", "c"])
    writer.writerows([string, n, "x"] for n, string in enumerate(strings))
    records = [{"a": string, "b": n, "c": "x"} for n, string in enumerate(strings)]
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    expected = [(string, str(n), "x") for n, string in enumerate(strings)]
    for content in (lines, json.dumps(records), json.dumps(records, indent=1, ensure_ascii=False)):
        read = read_files(tmp_path, {"f.json": content.encode()})
        assert (read.wrong, read.cells()) == ({}, expected)
    read = read_files(tmp_path, {"f.csv": text.getvalue().encode()})
    assert read.wrong == {}
    assert read.cells() == [(a or None, b, c) for a, b, c in expected]


def test_naughty_column_names_are_read_or_refused_with_a_word(strings, tmp_path):
    refused = set()
    for string in strings:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([["id", string], ["1", "x"]])
        schema = {"id": pl.String(), string.strip(): pl.String()}
        read = read_files(tmp_path, {"f.csv": text.getvalue().encode()}, schema=schema)
        if read.rejected:
            refused.add(string)
        else:
            assert read.cells(*schema) == [("1", "x")], string
    assert refused == {"*", "^.*$", "a\nb", "a\r\nb", "_text"}


def test_naughty_file_names_are_names(strings, tmp_path):
    names = {f"{string}.csv" for string in strings if "/" not in string and 0 < len(string.encode()) < 250}
    for name in names:
        (tmp_path / name).write_bytes(b"a,b\n1,2\n")
    verdicts = list(judge_files(inputs(tmp_path, "csv"), StorageLocation(str(tmp_path))))
    assert {verdict.path for verdict in verdicts} == names
    assert {(verdict.outcome, verdict.rows) for verdict in verdicts} == {("ok", 1)}
