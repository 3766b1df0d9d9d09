"""Runs on files that say "nothing" in more than one way: quoted empty fields, absent keys, objects in text."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import Nulls, Pipeline, csv_files, delta_table, json_files, parquet_files, table
from framework.lake import open_table
from framework.run.compiled import verify
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation
from tests.sources.reading import read_files

if TYPE_CHECKING:
    from pathlib import Path

    from framework.core.report import RunReport


class Told(pa.DataFrameModel):
    id: int
    name: str = pa.Field(nullable=True)
    score: float = pa.Field(nullable=True)


class Own(Told):
    name: str = pa.Field(nullable=True, metadata={"empty": "text"})
    score: float = pa.Field(nullable=True, metadata={"empty": "null"})


def run(folder: Path, source, **contents: str | bytes) -> tuple[RunReport, dict[int, dict], dict[int, list[str]]]:
    """Run a source into a table; gives the report, the rows by id, and the reasons of refused ones by line."""
    (folder / "raw").mkdir(exist_ok=True)
    for name, content in contents.items():
        path = folder / "raw" / name.replace("_", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    space = Workspace(StorageLocation(str(folder / "raw")), StorageLocation(str(folder / "lake")))
    pipeline = Pipeline("t.p", sources={"rows": source}, outputs=[table("t/rows", of="rows")])
    report = run_in(pipeline, space, RunRequest())
    rows = {row["id"]: row for row in open_table(space.lake, "t/rows").scan().collect().to_dicts()}
    held = open_table(space.lake, "_quarantine/t.p").scan().collect()
    return report, rows, dict(held.sort("line").select("line", "reasons").iter_rows())


EMPTY = 'id,name,score\n1,,\n2,"",""\n3\n4,"x","1"\n5,"",\n"6",,""\n'


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("schema", "nulls", "names", "refused"),
    [
        (Told, Nulls(), {1: None, 2: None, 3: None, 4: "x", 5: None, 6: None}, []),
        (Told, Nulls(empty="text"), {1: None, 3: None, 4: "x", 5: ""}, [3, 7]),
        (Told, Nulls(empty="text", tokens=[""]), {1: None, 2: None, 3: None, 4: "x", 5: None, 6: None}, []),
        (Own, Nulls(), {1: None, 2: "", 3: None, 4: "x", 5: "", 6: None}, []),
        (Own, Nulls(empty="text"), {1: None, 2: "", 3: None, 4: "x", 5: "", 6: None}, []),
    ],
    ids=["default", "source", "and tokens", "column", "column over source"],
)
def test_quoted_empty_field_is_a_text_where_that_is_declared(tmp_path, schema, nulls, names, refused, pack):
    name = "a_csv" if pack is str.encode else "a_csv_gz"
    _, rows, held = run(tmp_path, csv_files("*.csv", schema=schema, nulls=nulls), **{name: pack(EMPTY)})
    assert {number: row["name"] for number, row in rows.items()} == names
    assert held == {line: ["score: must be of type Float64"] for line in refused}


def test_required_text_may_be_empty_in_quotes_only(tmp_path):
    class Named(pa.DataFrameModel):
        id: int
        name: str

    _, rows, held = run(
        tmp_path, csv_files("*.csv", schema=Named, nulls=Nulls(empty="text")), a_csv='id,name\n1,""\n2,\n'
    )
    assert ({n: row["name"] for n, row in rows.items()}, held) == ({1: ""}, {3: ["name: must not be empty"]})


def test_one_column_of_empty_texts_has_no_blank_lines(tmp_path):
    read = read_files(tmp_path, {"f.csv": b'a\n""\n\n"b"\n'}, schema={"a": pl.String()}, empty_texts={"a"})
    assert (read.cells("a"), read.wrong) == ([("",), (None,), ("b",)], {3: "the line is blank"})
    read = read_files(tmp_path, {"f.csv": b'a\n""\n\n"b"\n'}, schema={"a": pl.String()})
    assert (read.cells("a"), read.wrong) == ([(None,), (None,), ("b",)], dict.fromkeys((2, 3), "the line is blank"))


FIELDS = st.sampled_from(["", '""', "x", '"x"', '"a""b"', '"a,b"', '"a\nb"', '""""'])


def fields_of(line: list[str]) -> list[str | None]:
    """What fields say: nothing is null, quotes are none of the text."""
    return [None if not f else f[1:-1].replace('""', '"') if f.startswith('"') else f for f in line]


@given(
    st.lists(st.lists(FIELDS, min_size=3, max_size=3), min_size=1, max_size=30), st.booleans(), st.sampled_from([0, 60])
)
def test_both_ways_of_parsing_tell_empty_texts_apart(tmp_path_factory, lines, is_packed, plain):
    every = [*lines, *[["x", "y", "z"]] * plain]
    text = "a,b,c\n" + "".join(",".join(line) + "\r\n" for line in every)
    content = gzip.compress(text.encode()) if is_packed else text.encode()
    name = "f.csv.gz" if is_packed else "f.csv"
    read = read_files(tmp_path_factory.mktemp("csv"), {name: content}, empty_texts={"a", "b"})
    told = [fields_of(line) for line in every]
    assert read.cells() == [(a, b, c or None) for a, b, c in told]
    blank = [(a, b, c or None) == (None, None, None) for a, b, c in told]
    assert [value is not None for value in read.rows["_malformed"]] == blank


class Visit(pa.DataFrameModel):
    id: int
    shop: str = pa.Field(nullable=True)
    note: str = pa.Field(default="none")
    visitors: int = pa.Field(nullable=False, ge=0)


VISITS = [
    {"id": 1, "shop": "A", "note": "n", "visitors": 1},
    {"id": 2, "shop": None, "note": None, "visitors": 2},
    {"id": 3, "visitors": 3},
    {"id": 4, "shop": "D", "note": "n", "visitors": None},
    {"id": 5, "shop": "E", "note": "n"},
]
MANY = [{"id": n, "shop": "S", "note": "n", "visitors": 1} for n in range(100, 300)]
MANY += [{"id": n, "visitors": 1} for n in range(300, 500)]
LINES = "".join(json.dumps(record) + "\n" for record in [*VISITS, *MANY])
DOCUMENT = json.dumps([*VISITS, *MANY])


@pytest.mark.parametrize("content", [LINES, DOCUMENT], ids=["lines", "document"])
def test_absent_keys_are_nulls_unless_they_are_told_apart(tmp_path, content):
    _, rows, held = run(tmp_path, json_files("*.json", schema=Visit), a_json=content)
    assert {n: (rows[n]["shop"], rows[n]["note"]) for n in (1, 2, 3, 100, 300)} == {
        1: ("A", "n"),
        2: (None, "none"),
        3: (None, "none"),
        100: ("S", "n"),
        300: (None, "none"),
    }
    assert held == {line: ["visitors: must not be empty"] for line in (4, 5)}


@pytest.mark.parametrize("content", [LINES, DOCUMENT], ids=["lines", "document"])
def test_absent_keys_told_apart(tmp_path, content):
    source = json_files("*.json", schema=Visit, nulls=Nulls(absent="apart"))
    report, rows, held = run(tmp_path, source, a_json=content)
    assert set(rows) == {1, *range(100, 300)}
    first = {line: held[line] for line in range(2, 6)}
    assert first == {
        2: ["note: must not be empty"],
        3: ["shop: is absent"],
        4: ["visitors: must not be empty"],
        5: ["visitors: is absent"],
    }
    assert report.sources["rows"].reasons == {
        "shop: is absent": 201,
        "note: must not be empty": 1,
        "visitors: is absent": 1,
        "visitors: must not be empty": 1,
    }


def test_default_stands_in_for_what_is_absent_only_where_a_column_says_so(tmp_path):
    class Noted(pa.DataFrameModel):
        id: int
        note: str = pa.Field(default="none", nullable=True, metadata={"absent": "apart"})
        more: float = pa.Field(default=0.5, nullable=True, metadata={"absent": "apart"})

    records = '{"id": 1, "note": null, "more": "NaN"}\n{"id": 2}\n{"id": 3, "note": "x", "more": 2}\n'
    _, rows, held = run(tmp_path, json_files("*.json", schema=Noted), a_json=records)
    found = {n: (row["note"], str(row["more"])) for n, row in rows.items()}
    assert (found, held) == ({1: (None, "nan"), 2: ("none", "0.5"), 3: ("x", "2.0")}, {})


def test_default_stands_in_for_columns_that_a_csv_file_lacks_and_not_for_empty_fields(tmp_path):
    class Noted(pa.DataFrameModel):
        id: int
        note: str = pa.Field(default="none", nullable=True)

    source = csv_files("*.csv", schema=Noted, nulls=Nulls(absent="apart"))
    _, rows, held = run(tmp_path, source, a_csv="id,note\n1,\n", b_csv="id\n2\n")
    assert ({n: row["note"] for n, row in rows.items()}, held) == ({1: None, 2: "none"}, {})


def schema_of(**columns: pa.Column) -> pa.DataFrameSchema:
    return pa.DataFrameSchema({"id": pa.Column(int), **columns}, name="Some")


@pytest.mark.parametrize("kind", ["csv", "json", "document", "parquet"])
def test_optional_column_breaks_no_rule_where_it_is_not_there_and_is_held_where_it_is(tmp_path, kind):
    schema = schema_of(visitors=pa.Column(int, pa.Check.gt(0), required=False))
    with_it = [{"id": 1, "visitors": 5}, {"id": 2, "visitors": 0}, {"id": 3, "visitors": None}]
    frame = pl.DataFrame(with_it)
    if kind == "csv":
        given = {"a_csv": frame.write_csv(), "b_csv": "id\n4\n"}
        source = csv_files("*.csv", schema=schema)
    elif kind == "parquet":
        (tmp_path / "raw").mkdir()
        frame.write_parquet(tmp_path / "raw" / "a.parquet")
        pl.DataFrame({"id": [4]}).write_parquet(tmp_path / "raw" / "b.parquet")
        given, source = {}, parquet_files("*.parquet", schema=schema)
    else:
        records = [*with_it, {"id": 4}]
        given = {"a_json": frame_lines(records) if kind == "json" else json.dumps(records)}
        source = json_files("*.json", schema=schema)
    _, rows, held = run(tmp_path, source, **given)
    assert {n: row["visitors"] for n, row in rows.items()} == {1: 5, 4: None}
    assert list(held.values()) == [["visitors: must be > 0"], ["visitors: must not be empty"]]


def frame_lines(records: list[dict]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_rule_over_many_rows_counts_only_the_keys_that_are_there(tmp_path):
    schema = schema_of(code=pa.Column(str, unique=True, required=False))
    records = [{"id": 1, "code": "a"}, {"id": 2}, {"id": 3}, {"id": 4, "code": "b"}, {"id": 5, "code": "b"}]
    source = json_files("*.json", schema=schema)
    _, rows, held = run(
        tmp_path, source, a_json=frame_lines(records), b_json=json.dumps([{"id": 6}, {"id": 7, "code": "c"}])
    )
    assert set(rows) == {1, 2, 3, 6, 7}
    assert sorted(held) == [4, 5]


def test_rows_that_wait_know_what_they_lack_when_they_are_taken_up(tmp_path):
    class Product(pa.DataFrameModel):
        product: str

    sale = schema_of(product=pa.Column(str), n=pa.Column(int, pa.Check.gt(0), required=False))
    raw = tmp_path / "raw"
    for name in ("products", "sales"):
        (raw / name).mkdir(parents=True)
    (raw / "products" / "a.csv").write_text("product\np\n")
    (raw / "sales" / "a.json").write_text(frame_lines([{"id": 1, "product": "q"}, {"id": 2, "product": "q", "n": 3}]))
    space = Workspace(StorageLocation(str(raw)), StorageLocation(str(tmp_path / "lake")))
    products = Pipeline(
        "t.products",
        sources={"rows": csv_files("products/*.csv", schema=Product)},
        outputs=[table("p", of="rows", mode="append")],
    )
    source = json_files("sales/*.json", schema=sale, references={"product": "products"})
    sales = Pipeline(
        "t.sales",
        sources={"sales": source, "products": delta_table("p", schema=Product)},
        outputs=[table("s", of="sales")],
    )
    for pipeline in (products, sales):
        run_in(pipeline, space, RunRequest())
    raws = open_table(space.lake, "_quarantine/t.sales").scan().sort("line").collect()["raw"].to_list()
    assert [sorted(k for k in json.loads(raw) if not k.startswith("_")) for raw in raws] == [
        ["id", "product"],
        ["id", "n", "product"],
    ]
    (raw / "products" / "b.csv").write_text("product\nq\n")
    for pipeline in (products, sales):
        report = run_in(pipeline, space, RunRequest())
    assert report.sources["sales"].released == 2
    assert sorted(open_table(space.lake, "s").scan().select("id", "n").collect().rows()) == [(1, None), (2, 3)]


AT = ['{"x": 1, "names": ["a"]}', None, '{"x": 300}', '{"x": 1, "y": 2}', "nothing"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_object_in_text_becomes_a_struct(tmp_path, kind):
    schema = schema_of(at=pa.Column(pl.Struct({"x": pl.Int8, "names": pl.List(pl.String)}), nullable=True))
    frame = pl.DataFrame({"id": range(1, 6), "at": AT})
    (tmp_path / "raw").mkdir()
    frame.write_csv(tmp_path / "raw" / "a.csv") if kind == "csv" else frame.write_parquet(
        tmp_path / "raw" / "a.parquet"
    )
    source = csv_files("*.csv", schema=schema) if kind == "csv" else parquet_files("*.parquet", schema=schema)
    _, rows, held = run(tmp_path, source)
    assert {n: row["at"] for n, row in rows.items()} == {1: {"x": 1, "names": ["a"]}, 2: None}
    assert len(held) == 3
    assert {reason for reasons in held.values() for reason in reasons} == {
        "at: must be of type Struct({'x': Int8, 'names': List(String)})"
    }


def test_policies_that_are_none_are_problems_of_the_definition():
    bad = Nulls(empty="nothing", absent="null or not")  # type: ignore[arg-type]
    pipeline = Pipeline(
        "t.p", sources={"rows": csv_files("*.csv", schema=Told, nulls=bad)}, outputs=[table("t/rows", of="rows")]
    )
    assert [problem.what for problem in verify(pipeline)] == [
        "absent must be one of null, apart, got 'null or not'",
        "empty must be one of null, text, got 'nothing'",
    ]
