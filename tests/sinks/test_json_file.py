"""JSON files: what readers of each layout find, and that a file is whole or the old one."""

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.sinks import write_json
from framework.storage import StorageLocation

ROWS = pl.LazyFrame(
    {
        "name": ['say "hi"\n', None],
        "day": [date(2024, 2, 29), None],
        "at": [datetime(2024, 2, 29, 12, 30, tzinfo=UTC), None],
        "amount": [Decimal("12.50"), None],
        "share": [0.25, float("nan")],
        "count": [7, None],
        "vector": [[1.5, None], []],
    }
)
RECORDS = [
    {
        "name": 'say "hi"\n',
        "day": "2024-02-29",
        "at": "2024-02-29T12:30:00+00:00",
        "amount": Decimal("12.50"),
        "share": 0.25,
        "count": 7,
        "vector": [1.5, None],
    },
    {"name": None, "day": None, "at": None, "amount": None, "share": None, "count": None, "vector": []},
]


@pytest.fixture
def place(tmp_path) -> StorageLocation:
    return StorageLocation(str(tmp_path))


def test_records_are_an_array_with_decimals_as_numbers_and_dates_as_text(place, tmp_path):
    written = write_json(ROWS, place, "a/b.json", layout="records", head={})
    text = (tmp_path / "a/b.json").read_text()
    assert '"amount":12.50,' in text
    assert json.loads(text, parse_float=lambda t: Decimal(t) if t == "12.50" else float(t)) == RECORDS
    assert (written.rows, written.bytes) == (2, len(text.encode()))


def test_a_document_says_first_what_it_holds(place, tmp_path):
    write_json(ROWS.select("count"), place, "b.json", layout="document", head={"table": "a/b", "version": 3})
    document = json.loads((tmp_path / "b.json").read_text())
    assert document == {"table": "a/b", "version": 3, "records": [{"count": 7}, {"count": None}]}
    assert list(document) == ["table", "version", "records"]


def test_lines_are_one_record_each(place, tmp_path):
    write_json(ROWS.select("count"), place, "b.ndjson", layout="lines", head={})
    assert (tmp_path / "b.ndjson").read_text() == '{"count":7}\n{"count":null}\n'


@pytest.mark.parametrize(("layout", "text"), [("records", "[\n\n]\n"), ("lines", "")])
def test_no_rows_make_an_empty_file_of_the_layout(place, tmp_path, layout, text):
    write_json(ROWS.clear(), place, "b.json", layout=layout, head={})
    assert (tmp_path / "b.json").read_text() == text


def test_a_document_without_rows_is_still_json(place, tmp_path):
    write_json(ROWS.clear(), place, "b.json", layout="document", head={"version": 1})
    assert json.loads((tmp_path / "b.json").read_text()) == {"version": 1, "records": []}


def test_a_compressed_file_is_the_same_bytes_each_time(place, tmp_path):
    sums = {write_json(ROWS, place, f"{n}.json.gz", layout="records", head={}).sha256 for n in range(2)}
    assert len(sums) == 1
    assert json.loads(gzip.decompress((tmp_path / "0.json.gz").read_bytes()))[0]["count"] == 7


def test_rows_that_cannot_be_read_leave_the_old_file_and_nothing_else(place, tmp_path):
    write_json(ROWS, place, "b.json", layout="records", head={})
    before = (tmp_path / "b.json").read_bytes()
    broken = ROWS.with_columns(pl.col("name").cast(pl.Int64))
    with pytest.raises(pl.exceptions.PolarsError):
        write_json(broken, place, "b.json", layout="records", head={})
    assert (tmp_path / "b.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


@given(
    st.lists(
        st.fixed_dictionaries({'a "b\\': st.none() | st.text(), "n": st.none() | st.integers(-(2**63), 2**63 - 1)})
    )
)
def test_what_is_written_is_read_back(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("json")
    frame = pl.LazyFrame(rows, schema={'a "b\\': pl.String, "n": pl.Int64})
    write_json(frame, StorageLocation(str(folder)), "x.json", layout="records", head={})
    assert json.loads((folder / "x.json").read_text()) == rows
