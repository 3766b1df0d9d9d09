"""CSV files as they come: dialects, encodings, compression, ragged and broken lines."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from framework.core.frames import BLANK
from framework.core.plan import FileInput
from framework.core.source import Expected, FileSource
from framework.sources import scan_files
from framework.storage import StorageLocation

ROWS = [("1", "x", "3"), ("4", None, "6")]
TEXT = "a,b,c\n1,x,3\n4,,6\n"


def zstd(content: bytes) -> bytes:
    return pa.Codec("zstd").compress(content, asbytes=True)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_per_file(scan, delimiter):
    read = scan({"f.csv": TEXT.replace(",", delimiter).encode()})
    assert read.cells() == ROWS
    assert read.lines == [2, 3]


def test_delimiter_of_the_declaration_wins(scan):
    read = scan({"f.csv": b"a:b:c\n1:x:3\n4::6\n"}, delimiter=":")
    assert read.cells() == ROWS


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (TEXT.encode(), "plain"),
        (TEXT.encode("utf-8-sig"), "UTF-8 mark"),
        (TEXT.encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "UTF-16 big endian"),
        (b"\xff\xfe\x00\x00" + TEXT.encode("utf-32-le"), "UTF-32"),
        (TEXT.replace("\n", "\r\n").encode(), "CRLF"),
        (TEXT.replace("\n", "\r").encode(), "CR"),
        (TEXT.replace("\n", "\r").encode("utf-16"), "CR in UTF-16"),
        (TEXT.replace("\n", "\r\n").encode("utf-16"), "CRLF in UTF-16"),
        (TEXT.rstrip("\n").encode(), "no end of line at the end"),
        (b'"a","b","c"\n"1","x","3"\n"4","","6"\n', "all quoted"),
        (b'a,b,c\r\n"1",x,3\r\n4,"",6\r\n', "some quoted, CRLF"),
        (gzip.compress(TEXT.encode()), "gzip"),
        (zstd(TEXT.encode()), "zstd"),
        (gzip.compress(TEXT.encode("utf-16")), "UTF-16 in gzip"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_same_table_is_read_whatever_its_form(scan, content, name):
    read = scan({"f.csv": content})
    assert read.rejected == {}
    assert read.cells() == ROWS
    assert read.lines == [2, 3]
    assert read.wrong == {}


def test_latin_1_is_read_where_it_is_declared(scan):
    content = "a,b,c\n1,x,3\n2,Käse,é\n".encode("latin-1")
    assert scan({"f.csv": content}, encodings=("latin-1",)).cells() == [("1", "x", "3"), ("2", "Käse", "é")]


def test_latin_1_without_a_declaration_costs_only_its_lines(scan):
    read = scan({"f.csv": "a,b,c\n1,x,3\n2,Käse,é\n4,y,6\n".encode("latin-1")})
    assert read.cells()[::2] == [("1", "x", "3"), ("4", "y", "6")]
    assert read.wrong == {3: "not valid UTF-8 at byte 4"}
    assert read.cells()[1][0] == r"2,K\xe4se,\xe9"


def test_utf_8_stays_utf_8_although_a_fallback_is_declared(scan):
    content = "a,b,c\n1,Käse,3\n".encode() + b"2,\xff,3\n"
    read = scan({"f.csv": content}, encodings=("latin-1",))
    assert read.cells()[0] == ("1", "Käse", "3")
    assert read.wrong == {3: "not valid UTF-8 at byte 3"}


def test_half_a_pair_in_utf_16_costs_its_line(scan):
    bad = "a,b,c\n1,".encode("utf-16") + b"\x00\xd8" + ",3\n4,y,6\n".encode("utf-16-le")
    read = scan({"f.csv": bad})
    assert read.wrong == {2: "not valid UTF-8 at byte 3"}
    assert read.cells()[1] == ("4", "y", "6")


@pytest.mark.parametrize("compress", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_truncated_compressed_file_is_rejected_as_a_whole(scan, compress):
    content = compress("".join(["a,b,c\n", *(f"{i},{i * 7919 % 1009},z\n" for i in range(5000))]).encode())
    read = scan({"cut.csv": content[: len(content) // 2], "f.csv": TEXT.encode()})
    assert list(read.rejected) == ["cut.csv"]
    assert read.rejected["cut.csv"].startswith("the compressed data is broken: ")
    assert read.cells() == ROWS


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (gzip.compress(b"", mtime=0), "the file is empty"),
        (b"a,b\n1,2\n", "wrong header: missing c; found a, b"),
        (b"x,y,z\n", "wrong header: missing a, b, c; found x, y, z"),
        (b"a,b,c,a\n", "wrong header: a column occurs twice in a, b, c, a"),
        (b"\n1,2,3\n", "wrong header: missing a, b, c; found nothing"),
        (b"a,b,kc\n", "wrong header: missing c (is 'kc' meant?); found a, b, kc"),
    ],
)
def test_file_with_a_wrong_start_is_rejected(scan, content, reason):
    read = scan({"f.csv": content})
    assert read.rejected == {"f.csv": reason}


def test_surplus_column_is_refused_by_a_strict_schema_only(scan):
    content = b"b,d,a,c\nx,9,1,3\n"
    read = scan({"f.csv": content})
    assert read.cells() == [("1", "x", "3")]
    assert read.extra == {"d"}
    assert scan({"f.csv": content}, is_strict=True).rejected == {"f.csv": "wrong header: unknown columns d"}


def test_optional_column_that_a_file_lacks_is_empty(scan):
    read = scan({"f.csv": b"c,a\n3,1\n", "g.csv": TEXT.encode()}, required={"a"})
    assert read.cells() == [("1", None, "3"), *ROWS]


@pytest.mark.parametrize("header", [b"a,b,c", b"a,b,c\n", b"a,b,c\r\n", b'"a","b","c"\n'])
def test_header_alone_is_a_file_without_rows(scan, header):
    read = scan({"f.csv": header})
    assert (read.rejected, read.rows.height) == ({}, 0)


@pytest.mark.parametrize("mark", ["", '"'], ids=["plain", "quoted"])
def test_blank_lines_keep_their_number_and_are_called_blank(scan, mark):
    content = f"a,b,c\n\n{mark}1{mark},x,3\n\r\n,,\n4,,6\n\n".encode()
    read = scan({"f.csv": content})
    assert read.wrong == dict.fromkeys([2, 4, 5, 7], BLANK)
    assert read.lines == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("mark", ["", '"'], ids=["plain", "quoted"])
@pytest.mark.parametrize("neighbour", ["5,y,6", '5,"y,6'], ids=["good neighbour", "broken neighbour"])
def test_verdict_on_a_ragged_line_depends_on_the_line_alone(scan, mark, neighbour):
    lines = ["a,b,c", f"{mark}1{mark},2", "1,2,", "1,2,3,", "1,2,3,4", neighbour]
    read = scan({"f.csv": "\n".join(lines).encode()})
    assert read.cells()[:4] == [("1", "2", None), ("1", "2", None), ("1", "2", "3"), ("1", "2", "3")]
    assert {k: v for k, v in read.wrong.items() if k < 6} == {5: "too many fields: more than 3"}


def test_quoted_fields_hold_delimiters_line_ends_and_quotes(scan):
    content = b'a,b,c\n"1,5","say ""hi""","two\nlines"\n2,"three\r\nmore\r\nlines",x\r\n3,5" pipe,y\n'
    read = scan({"f.csv": content})
    assert read.cells() == [
        ("1,5", 'say "hi"', "two\nlines"),
        ("2", "three\r\nmore\r\nlines", "x"),
        ("3", '5" pipe', "y"),
    ]
    assert read.lines == [2, 4, 7]
    assert read.wrong == {}


def test_unclosed_quote_costs_its_line_only(scan):
    lines = ["a,b,c", *(f"{i},{i},{i}" for i in range(2, 500))]
    lines[249] = '250,"open,250'
    read = scan({"f.csv": "\n".join(lines).encode()})
    assert read.wrong == {250: "a quote is not closed"}
    assert read.lines == list(range(2, 500))
    assert read.cells()[248] == ('250,"open,250', None, None)
    assert all(row == (str(n),) * 3 for n, row in zip(read.lines, read.cells(), strict=True) if n != 250)


def test_unclosed_quote_in_the_last_line_costs_that_line(scan):
    read = scan({"f.csv": b'a,b,c\n"1",2,3\n4,5,"6'})
    assert read.cells() == [("1", "2", "3"), ('4,5,"6', None, None)]
    assert read.wrong == {3: "a quote is not closed"}


def test_text_behind_a_closing_quote_is_no_field(scan):
    assert scan({"f.csv": b'a,b,c\n"1"x,2,3\n4,5,6\n'}).wrong == {2: "a quote is not closed"}


@pytest.mark.parametrize("field", ['"the "best" one"', '"b"a""', '""a""', '"12" monitor,5,"6" x"'])
def test_quotes_that_are_not_doubled_cost_their_line_and_no_character(scan, field):
    read = scan({"f.csv": f'a,b,c\n{field},5,6\n"4",,6\n'.encode()})
    assert read.wrong == {2: "a quote is not closed"}
    assert read.cells() == [(f"{field},5,6", None, None), ROWS[1]]


def test_nul_byte_costs_its_line(scan):
    read = scan({"f.csv": b"a,b,c\n1,x\0y,3\n4,,6\n"})
    assert read.wrong == {2: "holds a NUL byte"}
    assert read.cells() == [(r"1,x\0y,3", None, None), ROWS[1]]


def test_wrong_bytes_within_a_quoted_line_end_cost_the_record(scan):
    read = scan({"f.csv": b'a,b,c\n1,"x\n\xff",3\n4,,6\n'})
    assert list(read.wrong) == [2]
    assert read.wrong[2].startswith("not valid UTF-8")
    assert read.cells()[-1] == ROWS[1]


@pytest.mark.parametrize("mark", ["", '"'], ids=["plain", "quoted"])
def test_lone_carriage_return_within_a_line_stays_in_its_field(scan, mark):
    read = scan({"f.csv": f"a,b,c\nx\ry,{mark}2{mark},3\n".encode()})
    assert read.cells() == [("x\ry", "2", "3")]


def test_files_of_one_header_keep_their_lines_apart(scan):
    read = scan(
        {
            "d/1.csv": b"a,b,c\n1,2,3\n\n4,5,6",
            "d/2.csv": b"a,b,c",
            "d/3.csv": b"a,b,c\r\n\r\n7,8,9\r\n",
            "d/4.csv": b"\xef\xbb\xbfa,b,c\n",
            "d/5.csv": b"c,b,a\n3,2,1\n",
            "d/6.csv": b"\xef\xbb\xbfa,b,c\n10,11,12\n\n",
            "d/7.csv": b'a,b,c\n"13",14,15\n',
        }
    )
    found = read.rows.select("_source_file", "_source_line", "a", "c").rows()
    assert [row for row in found if row[2]] == [
        ("d/1.csv", 2, "1", "3"),
        ("d/1.csv", 4, "4", "6"),
        ("d/3.csv", 3, "7", "9"),
        ("d/5.csv", 2, "1", "3"),
        ("d/6.csv", 2, "10", "12"),
        ("d/7.csv", 2, "13", "15"),
    ]
    assert read.rows["_source_time"].dt.minute().to_list() == [0, 0, 0, 2, 2, 4, 5, 5, 6]


def test_file_that_is_gone_is_rejected(scan, tmp_path):
    file = FileInput(datetime(2024, 1, 1, tzinfo=UTC), "gone.csv", 3)
    source = FileSource("csv", ("*.csv",))
    found = scan_files(source, [file], StorageLocation(str(tmp_path)), Expected({}, frozenset(), is_strict=False))
    assert [r.reason for r in found.rejected] == ["the file is gone since the run was planned"]


@pytest.mark.parametrize("mark", ["", '"'], ids=["plain", "quoted"])
@pytest.mark.parametrize(
    ("line", "surplus"),
    [("1,2,3,,x", ",x"), ("1,2,3,,,,,x,", ",,,,x,"), ("1,2,3,x,,y", "x,,y"), (",,,,x", ",x"), ("1,2,3,x,y\r", "x,y")],
)
def test_value_beyond_the_last_column_is_never_lost(scan, mark, line, surplus):
    content = f"a,b,c\n{mark}0{mark},x,3\n{line}\n4,,6\n".encode()
    for name, raw in (("f.csv", content), ("f.csv.gz", gzip.compress(content))):
        read = scan({name: raw}, kind="csv")
        assert read.wrong == {3: "too many fields: more than 3"}
        assert read.rows["_surplus"].to_list() == [None, surplus, None]
        assert read.cells()[::2] == [("0", "x", "3"), ROWS[1]]


def test_empty_fields_beyond_the_last_column_are_no_values(scan):
    read = scan({"f.csv": b'a,b,c\n1,x,3,\n4,,6,,,\n"1",x,3,"",\n'})
    assert (read.cells(), read.wrong) == ([*ROWS, ROWS[0]], {})


ODD = {
    b'"5","6,7",8': [("5", "6,7", "8")],
    b'5,"6\n7",8': [("5", "6\n7", "8")],
    b'5,"6,8': [(r'5,"6,8', None, None)],
    b"5,\xff,8": [(r"5,\xff,8", None, None)],
    b"5,\0,8": [(r"5,\0,8", None, None)],
    b"5,6,8,9": [("5", "6", "8")],
    b"": [(None, None, None)],
    b'5,6"7,8': [("5", '6"7', "8")],
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("place", [1, 2, 999, 1000])
def test_an_odd_line_changes_nothing_about_the_others(scan, odd, place):
    lines = [b"a,b,c", *(b"%d,x,%d" % (n, n) for n in range(1000))]
    lines.insert(place, odd)
    read = scan({"e.csv": TEXT.encode(), "f.csv": b"\n".join(lines)})
    rows = read.rows.filter(read.rows["_source_file"] == "f.csv")
    first = place + 1
    assert len(read.parts) == (2 if odd else 1)
    assert rows.filter(rows["_source_line"] == first).select("a", "b", "c").rows() == ODD[odd]
    others = rows.filter(rows["_source_line"] != first)
    assert others.select("a", "b", "c").rows() == [(str(n), "x", str(n)) for n in range(1000)]
    skipped = odd.count(b"\n") + 1
    assert others["_source_line"].to_list() == [n + 2 if n + 2 < first else n + 2 + skipped for n in range(1000)]


def test_file_of_odd_lines_is_read_in_blocks(scan):
    lines = [b"a,b,c", *(b'"%d",x,%d' % (n, n) for n in range(1000)), b"1,2,3,4"]
    read = scan({"f.csv": b"\n".join(lines)})
    assert read.wrong == {1002: "too many fields: more than 3"}
    assert [a for a, _, _ in read.cells()[:-1]] == [str(n) for n in range(1000)]
