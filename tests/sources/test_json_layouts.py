"""Lines of JSON read by their layout, many at once, give the rows that the parser gives for each of them alone."""

from __future__ import annotations

import json
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.core.frames import SOURCE_LINE
from framework.sources import json_layouts
from framework.sources.json import _Reader
from framework.sources.json_layouts import LINE, Layouts, layout_of
from framework.sources.text import Block

COLUMNS = {
    "id": pl.String(),
    "name": pl.String(),
    "tags": pl.List(pl.String()),
    "geo": pl.Struct({"lat": pl.String(), "on": pl.Struct({"x": pl.String()})}),
    "deep": pl.String(),
    "é": pl.String(),
}
FIELDS = {"deep": "geo.on.y"}
BY_LINE = patch.object(Layouts, "read", lambda _self, lines: ([], lines))
EAGER = patch.multiple(json_layouts, LEAST=1, TRIES=50)

NUMBERS = st.sampled_from(
    ["0", "-0", "15.10", "1e2", "1E+05", "12345678901234567890", "0.1000000000000000055511151231257827", "-1.5e-9"]
)
TEXTS = st.one_of(
    st.sampled_from(
        ["", "null", "true", "1", '"', "\\", "a: 1", "[1, 2]", "{}", "\n", "\x00", "é", "𝄞", "\ud800", ","]
    ),
    st.text(max_size=5),
)
SCALARS = st.one_of(
    NUMBERS,
    st.sampled_from(["true", "false", "null", "null"]),
    st.builds(json.dumps, TEXTS, ensure_ascii=st.just(True)),
    TEXTS.filter(lambda text: "\ud800" not in text).map(lambda text: json.dumps(text, ensure_ascii=False)),
)
WRONG_SCALARS = ['"\t"', '"\x01"', '"\\x"', "01", "1.", ".5", "+1", "NaN", "tru", "'a'", '"', "1e", "--1", '"\\u00e"']
BLANKS = st.sampled_from(["", "", "", " ", "\t", " \r"])
KEYS = st.sampled_from(["id", "name", "tags", "geo", "é", "other", "on", "x", "y", "lat"])


@st.composite
def arrays(draw, values):
    return "[" + ",".join(draw(st.lists(values, max_size=3))) + draw(BLANKS) + "]"


@st.composite
def objects(draw, values):
    found = draw(st.lists(st.tuples(KEYS, values), max_size=4, unique_by=lambda item: item[0]))
    inner = ",".join(f"{draw(BLANKS)}{json.dumps(key, ensure_ascii=False)}:{draw(BLANKS)}{v}" for key, v in found)
    return "{" + inner + draw(BLANKS) + "}"


VALUES = st.recursive(SCALARS, lambda inner: st.one_of(arrays(inner), objects(inner)), max_leaves=4)


@st.composite
def templates(draw):
    """Lines that share their keys: the scalars vary, as in files that machines write."""
    start = draw(st.sampled_from(["", " "]))
    shape = draw(
        st.sampled_from(
            [
                '{"id": @, "name": @}',
                '{"id":@,"name":@,"tags":[@, @],"é":@}',
                '{"geo": {"lat": @, "on": {"x": @, "y": @}}, "id": @}',
                '{"geo": {"lat": @, "on": @}, "name": @, "unused": [{"a": @, "b": [@]}, {"a": @, "b": []}]}',
                '{"geo": @, "tags": @}',
                '{"id": @, "id": @}',
                '{"id": @, "name": [@]}',
                '{"id": @, "tags": {"a": @}}',
                '{"id": @ "name": @}',
                '{"id": @, "unused": {}, "é": @,}',
                '{"tags": [], "name": @, "more": [[@], [@]]}',
            ]
        )
    )
    count = draw(st.integers(2, 6))
    lines = []
    for _ in range(count):
        line = shape
        while "@" in line:
            line = line.replace(
                "@", draw(st.one_of(SCALARS, SCALARS, st.sampled_from(WRONG_SCALARS))).replace("@", ""), 1
            )
        lines.append(start + line)
    return lines


def surely_text(line: str) -> bytes:
    return line.encode(errors="surrogatepass")


WRONG = st.sampled_from(
    [b"", b" ", b"{", b"7", b"null", b'{"id": NaN}', b'{"id": 01}', b'{"id": 1.}', b'{"id": -}', b'{"id": "\\x"}',
     b'{"id": "\xff"}', b'{"id": 1}}', b'{"\\u-1-1-1-1":5}', b'{"a":"\\u-1-1-1-1"}', b'{"id": "a" "b"}',
     b'{"id": "\t"}',
     b'\xef\xbb\xbf{"id": 1}', b'{"id": 1}\x00', b'{"id": truefalse}', b'{"id": -"a"}', b'{"id": "a".5}', b"[" * 3000,
     b'{"i\\u0064": 7}', b'{"id": 1}\r', b'{"id": "\xed\xa0\x80"}', b'{"id": 5, "name": "\\u00e9\\n"}']
)  # fmt: skip
LINES = st.lists(
    st.one_of(
        templates().map(lambda lines: [surely_text(line) for line in lines]),
        objects(VALUES).map(lambda line: [surely_text(line)]),
        WRONG.map(lambda line: [line]),
    ),
    min_size=1,
    max_size=12,
).flatmap(lambda groups: st.permutations([line for group in groups for line in group]))


def rows_of(content: bytes, columns=None) -> pl.DataFrame:
    reader = _Reader(columns or COLUMNS, FIELDS, None)
    return reader._rows(Block(content, 7), Layouts(reader.columns, reader.paths))


@given(lines=LINES, is_ended=st.booleans())
def test_rows_by_layout_are_those_of_the_parser(lines, is_ended):
    content = b"\n".join(lines) + (b"\n" if is_ended else b"")
    with BY_LINE:
        slow = rows_of(content)
    with EAGER:
        quick = rows_of(content)
    assert quick.schema == slow.schema
    assert quick.rows() == slow.rows()


@given(lines=st.lists(st.text(st.sampled_from('{}[]":,1a-\\u0e. '), max_size=14), min_size=3, max_size=25))
def test_what_is_no_json_is_never_taken_for_it(lines):
    content = "\n".join(f'{{"id": {line}}}' for line in [*lines, "1", '"a"']).encode()
    with BY_LINE:
        slow = rows_of(content)
    with EAGER:
        quick = rows_of(content)
    assert quick.rows() == slow.rows()


@pytest.mark.parametrize("scalar", WRONG_SCALARS)
def test_no_wrong_scalar_slips_through_beside_many_right_ones(scalar):
    lines = [f'{{"id": {n}, "name": "x"}}' for n in range(100)]
    lines[50] = f'{{"id": 50, "name": {scalar}}}'
    found = rows_of("\n".join(lines).encode())
    wrong = found.filter(pl.col("_malformed").is_not_null())
    assert wrong.select("_source_line", "_text").rows() == [(57, lines[50])]
    assert found.height == 100


def test_wide_records_are_captured_in_several_passes():
    columns = {f"c{n}": pl.String() for n in range(50)}
    content = "".join(json.dumps({f"c{n}": f"{n}-{row}" for n in range(50)}) + "\n" for row in range(200)).encode()
    reader = _Reader(columns, {}, None)
    layouts = Layouts(reader.columns, reader.paths)
    found = reader._rows(Block(content, 1), layouts)
    assert [len(layout.patterns) for layout in layouts.known] == [4]
    assert found.select(list(columns)).rows() == [tuple(f"{n}-{row}" for n in range(50)) for row in range(200)]


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ('{"id": 1}', 0),
        ('{"id": 15.10, "name": null, "other": {"a": [{"b": 1}]}}', 0),
        ('{"id": "\\u00e9", "tags": ["a", 1, null]}', 0),
        ('{"id": [1]}', 100),
        ('{"tags": "a"}', 100),
        ('{"tags": ["\\u00e9"]}', 100),
        ('{"id": "\\ud800"}', 100),
        ('{"geo": {"on": [1]}}', 100),
    ],
)
def test_layouts_take_what_they_can_and_leave_the_rest(line, left):
    reader = _Reader(COLUMNS, FIELDS, None)
    lines = pl.DataFrame({SOURCE_LINE: range(100), LINE: [line] * 100})
    _, rest = Layouts(reader.columns, reader.paths).read(lines)
    assert rest.height == left


def test_a_layout_is_found_although_the_first_lines_are_broken():
    lines = pl.DataFrame({SOURCE_LINE: range(100), LINE: ["{"] * 3 + ['{"id": 1}'] * 97})
    parts, rest = Layouts(COLUMNS, {name: (name,) for name in COLUMNS}).read(lines)
    assert [part.height for part in parts] == [97]
    assert rest[SOURCE_LINE].to_list() == [0, 1, 2]


def test_records_with_very_many_values_are_left_to_the_parser():
    line = json.dumps({f"c{n}": n for n in range(100)})
    assert layout_of(line, {"c1": pl.String()}, {"c1": ("c1",)}) is None
