"""Files of one glob whose columns drift: older names, columns that are not there yet, types that were others."""

from __future__ import annotations

import io
import json
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest

from framework import Pipeline, csv_files, json_files, parquet_files, table
from framework.boundary import compile_contract
from framework.core.events import listening
from framework.errors import DefinitionError
from framework.lake import open_table
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation


class Price(pa.DataFrameModel):
    item: str
    amount: pl.Decimal(9, 2) = pa.Field(gt=0, metadata={"aliases": ["price", "unitPrice"]})
    place: str = pa.Field(default="shop", metadata={"renamed_from": "store"})


RECORDS: dict[str, list[dict[str, Any]]] = {
    "1-oldest": [{"item": "a", "unitPrice": 1}],
    "2-older": [{"item": "b", "price": "2.50", "store": "x"}, {"item": "c", "price": "-1", "store": "x"}],
    "3-now": [{"item": "d", "amount": "3.25", "place": "y"}],
    "4-other": [{"item": "e", "amount": 4.5}],
    "5-both": [{"item": "f", "amount": "5", "price": "6", "place": "z"}],
    "6-both-old": [{"item": "g", "unitPrice": "5", "price": "6", "place": "z"}],
}
EXPECTED = [("a", "1.00", "shop"), ("b", "2.50", "x"), ("d", "3.25", "y"), ("e", "4.50", "shop")]


def as_csv(records):
    frame = pl.DataFrame(records, infer_schema_length=None)
    return frame.write_csv().encode()


def as_parquet(records):
    written = io.BytesIO()
    pl.DataFrame(records).write_parquet(written)
    return written.getvalue()


def as_lines(records):
    # Enough of them that the quick way of reading lines is taken as well.
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def as_document(records):
    return json.dumps(records).encode()


FORMATS = [
    pytest.param(csv_files, "csv", as_csv, id="csv"),
    pytest.param(parquet_files, "parquet", as_parquet, id="parquet"),
    pytest.param(json_files, "ndjson", as_lines, id="ndjson"),
    pytest.param(json_files, "json", as_document, id="json"),
]


@pytest.mark.parametrize(("source", "ending", "write"), FORMATS)
def test_files_of_every_age_are_read_as_one_and_what_is_twice_there_is_refused(tmp_path, source, ending, write):
    (tmp_path / "raw").mkdir()
    for name, records in RECORDS.items():
        (tmp_path / "raw" / f"{name}.{ending}").write_bytes(write(records))
    made = Pipeline(
        "t.prices", sources={"p": source(f"*.{ending}", schema=Price)}, outputs=[table("p", of="p", mode="append")]
    )
    space = Workspace(*(StorageLocation(str(tmp_path / name)) for name in ("raw", "lake")))
    events = []
    with listening(events.append):
        report = run_in(made, space, RunRequest()).sources["p"]
    rows = open_table(space.lake, "p").scan().select("item", "amount", "place").collect().rows()
    assert sorted((item, str(amount), place) for item, amount, place in rows) == EXPECTED
    told = sorted(e.message for e in events if e.name == "columns.renamed")
    # A file of records is not refused as a whole, so that the last one counts as well.
    assert told == sorted(
        [
            f"p: {'2 files' if ending in {'json', 'ndjson'} else '1 file'} with price, which is called amount now",
            "p: 1 file with store, which is called place now",
            "p: 1 file with unitPrice, which is called amount now",
        ]
    )
    refused = open_table(space.lake, "_quarantine/t.prices").scan().select("file", "reasons").collect().rows()
    reasons = {file.partition(".")[0]: reasons for file, reasons in refused}
    assert reasons["2-older"] == ["amount: must be > 0"]
    words = "{} is there under its older name {} as well"
    prefix = "file: wrong columns: " if ending in {"csv", "parquet"} else ""
    assert reasons["5-both"][0] == (prefix + words.format("amount", "price"))
    first, second = ("amount", "unitPrice") if prefix else ("price", "unitPrice")
    assert reasons["6-both-old"][0] == (prefix + words.format(first, second))
    assert report.files_rejected == (2 if prefix else 0)


def test_lines_of_two_ages_in_one_file_are_told_apart_by_their_layout(tmp_path):
    (tmp_path / "raw").mkdir()
    old = [{"item": f"o{n}", "price": n} for n in range(1, 201)]
    new = [{"item": f"n{n}", "amount": n, "place": "y"} for n in range(1, 201)]
    mixed = [record for pair in zip(old, new, strict=True) for record in pair]
    (tmp_path / "raw/a.ndjson").write_bytes(as_lines([*mixed, {"item": "x", "amount": 1, "price": 1}]))
    made = Pipeline(
        "t.prices", sources={"p": json_files("*.ndjson", schema=Price)}, outputs=[table("p", of="p", mode="append")]
    )
    space = Workspace(*(StorageLocation(str(tmp_path / name)) for name in ("raw", "lake")))
    run_in(made, space, RunRequest())
    rows = open_table(space.lake, "p").scan().select("item", pl.col("amount").cast(pl.Int64), "place").collect().rows()
    assert sorted(rows) == sorted(
        [(f"o{n}", n, "shop") for n in range(1, 201)] + [(f"n{n}", n, "y") for n in range(1, 201)]
    )
    assert open_table(space.lake, "_quarantine/t.prices").scan().collect().height == 1


def test_an_older_name_may_mean_one_column_only():
    class Unclear(pa.DataFrameModel):
        a: str = pa.Field(metadata={"aliases": ["b", "x"]})
        b: str
        c: str = pa.Field(metadata={"renamed_from": "x"})
        d: str = pa.Field(metadata={"aliases": 3})

    with pytest.raises(DefinitionError) as caught:
        compile_contract(Unclear)
    assert [str(problem) for problem in caught.value.problems] == [
        "Unclear.d: metadata 'aliases' must be a name or a list of names, got 3",
        "Unclear.a: older name 'b' is a column itself (a name can mean one column)",
        "Unclear.c: older name 'x' is one of a too (a name can mean one column)",
    ]


def test_a_delimiter_is_found_by_older_names_too(tmp_path):
    (tmp_path / "raw").mkdir()

    class Amount(pa.DataFrameModel):
        amount: int = pa.Field(metadata={"aliases": "price"})

    (tmp_path / "raw/a.csv").write_text("price|a,b,c\n1|2\n")
    made = Pipeline(
        "t.prices", sources={"p": csv_files("*.csv", schema=Amount)}, outputs=[table("p", of="p", mode="append")]
    )
    space = Workspace(*(StorageLocation(str(tmp_path / name)) for name in ("raw", "lake")))
    assert run_in(made, space, RunRequest()).sources["p"].accepted == 1
