"""JSON files as they come: documents, arrays, records, lines; numbers as they are written; broken ones."""

from __future__ import annotations

import gzip
import json
from unittest.mock import patch

import polars as pl
import pytest

SCHEMA = {"id": pl.Int64(), "price": pl.Decimal(10, 2), "name": pl.String()}
RECORDS = [{"id": 1, "price": 1.5, "name": "x"}, {"id": 2, "price": None, "name": "y"}]
ROWS = [("1", "1.5", "x"), ("2", None, "y")]
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)


@pytest.fixture
def read(scan):
    def run(content: bytes | str, **asked):
        content = content if isinstance(content, bytes) else content.encode()
        return scan({"f.json": content}, schema=asked.pop("schema", SCHEMA), **asked)

    return run


def in_lines(items: list[str], start: str = "[", end: str = "]") -> str:
    return "\n".join([start, ",\n".join(items), end])


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (json.dumps(RECORDS), [1, 2]),
        (json.dumps(RECORDS, indent=2), [1, 2]),
        (json.dumps({"products": RECORDS}), [1, 2]),
        (json.dumps({"version": 3, "products": RECORDS}, indent=1), [1, 2]),
        (LINES, [1, 2]),
        (LINES.rstrip(), [1, 2]),
        ("\n" + LINES.replace("\n", "\n\n"), [2, 4]),
        (LINES.replace("\n", "\r\n"), [1, 2]),
        (in_lines([json.dumps(r) for r in RECORDS]), [1, 2]),
        (in_lines([json.dumps(r) for r in RECORDS], '{"products": [', "]}"), [1, 2]),
        (in_lines([json.dumps(r) for r in RECORDS], '{"products":\n[', "]\n}"), [1, 2]),
    ],
    ids=[
        "array", "indented array", "document", "indented document", "lines", "lines without end", "blank lines",
        "CRLF lines", "array, a record per line", "document, a record per line", "document, brackets on their own",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["utf-8", "utf-8-sig", "utf-16", "gzip"])
def test_records_are_read_whatever_their_form(read, content, lines, form):
    raw = gzip.compress(content.encode()) if form == "gzip" else content.encode(form)
    found = read(raw, records="products")
    assert found.rejected == {}
    assert found.cells(*SCHEMA) == ROWS
    assert found.lines == lines
    assert found.wrong == {}


def test_single_record_is_a_file_of_one_row(read):
    assert read(json.dumps(RECORDS[0], indent=2)).cells(*SCHEMA) == ROWS[:1]
    assert read(json.dumps(RECORDS[0])).cells(*SCHEMA) == ROWS[:1]
    assert read(in_lines([json.dumps(RECORDS[0])])).cells(*SCHEMA) == ROWS[:1]


def test_broken_line_costs_that_line(read):
    found = read(LINES + '{"id": 3, "na\n' + "[1]\n" + "7\n" + '{"id": 4}\n')
    assert found.cells("id") == [("1",), ("2",), (None,), (None,), (None,), ("4",)]
    assert found.lines == [1, 2, 3, 4, 5, 6]
    assert found.wrong == {
        3: "not valid JSON: Unterminated string starting at at column 11",
        4: "the record is no JSON object",
        5: "the record is no JSON object",
    }
    assert found.rows["_text"].to_list()[2:5] == ['{"id": 3, "na', "[1]", "7"]


def test_broken_first_line_costs_that_line(read):
    found = read('{"id": 0, "na\n' + LINES)
    assert found.rejected == {}
    assert found.cells("id") == [(None,), ("1",), ("2",)]
    assert list(found.wrong) == [1]


def test_truncated_document_is_rejected_as_a_whole(read):
    for start in ("[", '{"products": ['):
        whole = in_lines([json.dumps(r) for r in RECORDS], start, "")
        assert list(read(whole, records="products").rejected) == ["f.json"]


@pytest.mark.parametrize(
    "text", ["1.10", "0.1000000000000000055511151231257827", "1e400", "-0", "0.10", "12345678901234567890123", "1E-7"]
)
@pytest.mark.parametrize("is_line", [True, False])
def test_number_keeps_the_text_it_has_in_the_file(read, text, is_line):
    record = f'{{"id": 1, "price": {text}, "name": {text}}}'
    content = f"{record}\n{record}\n" if is_line else f"[{record}]"
    assert read(content).cells("price", "name")[0] == (text, text)


def test_values_of_other_types_become_text(read):
    found = read('[{"id": true, "price": "1.5", "name": {"a": 1}}, {"id": false, "price": [], "name": "é"}]')
    assert found.cells(*SCHEMA) == [("true", "1.5", '{"a": "1"}'), ("false", "[]", "é")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\t\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b'{"id": ', "not valid JSON: Expecting value at line 1, column 8"),
        (b'[{"id": 1}\n,{"id": }]', "not valid JSON: Expecting value at line 2, column 9"),
        (b'{"id": NaN}', "not valid JSON: NaN is no JSON number"),
        (b'{"id": -Infinity}', "not valid JSON: -Infinity is no JSON number"),
        (b'{"id": 1, "id": 2}', "not usable JSON: key 'id' occurs twice"),
        (b'{"x": {"id": 1, "id": 2}}', "not usable JSON: key 'id' occurs twice"),
        (b"[" * 200_000, "not readable JSON: nested too deeply"),
        (b'{"id": 1} {"id": 2}', "not valid JSON: Extra data at line 1, column 11"),
    ],
    ids=range(11),
)
def test_document_that_is_no_json_is_rejected(read, content, reason):
    assert read(content).rejected == {"f.json": reason}


def test_document_without_its_array_names_what_it_has(read):
    reason = "the document has no array 'products'; found items, version"
    assert read('{"items": [], "version": 1}', records="products").rejected == {"f.json": reason}
    assert read('{"products": {}}', records="products").rejected == {
        "f.json": "the document has no array 'products'; found products"
    }
    assert read('{"products": []}', records="products").rows.height == 0


def test_bytes_that_are_no_text_cost_the_document_or_the_line(read):
    assert list(read(b'[{"id": "\xff"}]').rejected) == ["f.json"]
    found = read(LINES.encode() + b'{"id": "\xff"}\n')
    assert list(found.wrong) == [3]
    assert found.rows["_text"].to_list()[2] == r'{"id": "\xff"}'


def test_half_a_surrogate_pair_costs_its_record(read):
    found = read(LINES + '{"id": 3, "name": "\\ud800"}\n{"id": 4}\n')
    assert found.cells("id") == [("1",), ("2",), (None,), ("4",)]
    assert list(found.wrong) == [3]
    assert list(read('[{"id": 3, "name": "\\ud800"}, {"id": 4}]').wrong) == [1]


def test_duplicate_key_or_nan_in_a_line_costs_that_line(read):
    found = read('{"id": 1, "id": 2}\n{"id": NaN}\n' + LINES)
    assert found.wrong == {
        1: "not usable JSON: key 'id' occurs twice",
        2: "not valid JSON: NaN is no JSON number",
    }
    assert found.cells("id")[2:] == [("1",), ("2",)]


def test_deeply_nested_line_costs_that_line(read):
    found = read(LINES + "[" * 200_000 + "\n" + LINES)
    assert found.wrong == {3: "not readable JSON: nested too deeply"}
    assert found.lines == [1, 2, 3, 4, 5]


def test_nested_fields_are_found_by_their_path(read):
    schema = {"id": pl.Int64(), "clicks": pl.Int64(), "tags": pl.List(pl.String()), "at": pl.String()}
    fields = {"clicks": "performance.clicks", "tags": "performance.meta.tags"}
    records = [
        {"id": 1, "performance": {"clicks": 5, "meta": {"tags": ["a", None, 1]}}, "at": "x"},
        {"id": 2, "performance": None},
        {"id": 3, "performance": {"meta": None}},
        {"id": 4, "performance": [1]},
        {"id": 5, "performance": {"meta": {"tags": "a"}}},
        {"id": 6, "performance": {"meta": {"tags": [["a"]]}}},
    ]
    found = read(json.dumps(records), schema=schema, fields=fields)
    assert found.cells("id", "clicks", "tags")[:3] == [
        ("1", "5", ["a", None, "1"]),
        ("2", None, None),
        ("3", None, None),
    ]
    assert found.wrong == {
        4: "performance.clicks cannot be found: the value on the way is no object",
        5: 'expected a list, got "a"',
    }
    assert json.loads(found.rows["_text"][4]) == {"id": "5", "performance": {"meta": {"tags": "a"}}}


def test_unknown_keys_are_left_out(read):
    assert read('[{"id": 1, "colour": "red"}]').cells(*SCHEMA) == [("1", None, None)]


def test_lines_and_documents_of_one_source_are_read_together(scan):
    found = scan(
        {"a.json": LINES.encode(), "b.json": b"{", "c.json": json.dumps(RECORDS).encode(), "d.json": LINES.encode()},
        schema=SCHEMA,
    )
    assert list(found.rejected) == ["b.json"]
    assert found.rows.select("_source_file", "id").rows() == [
        ("a.json", "1"), ("a.json", "2"), ("c.json", "1"), ("c.json", "2"), ("d.json", "1"), ("d.json", "2"),
    ]  # fmt: skip


def test_records_that_straddle_blocks_are_whole(read):
    records = "".join(json.dumps({"id": n, "name": "ä€𝄞" * 3}, ensure_ascii=False) + "\n" for n in range(300))
    with patch("framework.sources.text.BLOCK", 150):
        found = read(records)
        array = read("[" + ",".join(records.splitlines()) + "]")
    for one in (found, array):
        assert [int(i) for (i,) in one.cells("id")] == list(range(300))
        assert set(one.rows["name"]) == {"ä€𝄞" * 3}
        assert one.lines == list(range(1, 301))
