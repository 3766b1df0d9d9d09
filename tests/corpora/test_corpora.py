"""Public corpora of hostile and odd files: every file gets the verdict it must get."""

from __future__ import annotations

import csv
import io
import json

import polars as pl
import pytest

from tests.corpora.golden import FOLDERS, GOLDEN, brief, judge
from tests.sources.reading import read_files

REPEATED_KEYS = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
"""Valid JSON that is refused on purpose: which of the two values would be the right one?"""


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_gets_the_verdict_it_got_when_it_was_looked_at(corpus, folder):
    verdicts = judge(corpus(folder), FOLDERS[folder])
    assert brief(verdicts) == json.loads(GOLDEN.read_text())[folder]


def test_no_invalid_json_is_accepted_and_all_valid_json_is(corpus):
    verdicts = judge(corpus("JSONTestSuite/test_parsing"), "json")
    assert len(verdicts) == 318
    accepted = {name for name, v in verdicts.items() if v.rows > v.quarantined}
    assert not [name for name in accepted if name.startswith("n_")]
    assert {n for n, v in verdicts.items() if n.startswith("y_") and v.outcome == "rejected"} == REPEATED_KEYS


def test_cells_of_csv_spectrum_are_those_of_its_json(corpus, tmp_path):
    folder = corpus("csv-spectrum")
    for path in sorted((folder / "csvs").iterdir()):
        truth = json.loads((folder / "json" / path.with_suffix(".json").name).read_text())
        header = next(csv.reader(io.StringIO(path.read_text())))
        read = read_files(
            tmp_path, {path.name: path.read_bytes()}, schema=dict.fromkeys(header, pl.String()), kind="csv"
        )
        records = truth if isinstance(truth, list) else [truth]
        expected = [tuple(record[name] or None for name in header) for record in records]
        if path.name == "location_coordinates.csv":  # its truth has another phone number than the file
            assert (read.rows.height, read.wrong) == (len(expected), {})
            continue
        assert [tuple(v and v.replace("\r\n", "\n") for v in row) for row in read.cells(*header)] == [
            tuple(v and v.replace("\r\n", "\n") for v in row) for row in expected
        ]


def test_files_whose_checksums_are_wrong_are_refused(corpus):
    verdicts = judge(corpus("parquet-testing/data"), "parquet")
    for name in ("datapage_v1-corrupt-checksum.parquet", "rle-dict-uncompressed-corrupt-checksum.parquet"):
        assert verdicts[name].outcome == "rejected"
        assert "CRC checksum verification failed" in verdicts[name].reason
    assert verdicts["datapage_v1-snappy-compressed-checksum.parquet"].outcome == "ok"
