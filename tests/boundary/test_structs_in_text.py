"""JSON objects in columns of text: what a JSON parser says is in them, field by field under the casts' own rules."""

from __future__ import annotations

import json
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.boundary.casting import LOST, cast_and_count, cast_values

TARGET = pl.Struct({"id": pl.Int8, "name": pl.String, "tags": pl.List(pl.String), "at": pl.Struct({"x": pl.Int8})})
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-200, 200), st.text(max_size=4))
ANY = st.recursive(PLAIN, lambda v: st.lists(v, max_size=2) | st.dictionaries(st.text(max_size=2), v, max_size=2))
WANTED = st.fixed_dictionaries(
    {},
    optional={
        "id": st.one_of(st.none(), st.integers(-200, 200), st.sampled_from(["7", "x"])),
        "name": st.one_of(st.none(), st.text(max_size=4)),
        "tags": st.one_of(st.none(), st.lists(st.text(max_size=3), max_size=2), st.just("[1]")),
        "at": st.one_of(st.none(), st.fixed_dictionaries({}, optional={"x": st.integers(-200, 200)})),
        "more": st.one_of(st.none(), ANY),
    },
)


def whole(value, low=-128, high=127):
    """The 8-bit integer that a JSON value is."""
    if value is None:
        return None
    try:
        number = int(value)
    except ValueError:
        return LOST
    return number if low <= number <= high else LOST


def expected(record):
    """What becomes of an object: by the rules in docs/reference/casts.md, in plain Python."""
    if isinstance(record.get("tags"), str):
        return LOST
    at = record.get("at")
    inner = None if at is None else {"x": whole(at.get("x"))}
    number = whole(record.get("id"))
    if number is LOST or (inner and inner["x"] is LOST):
        return LOST
    return {"id": number, "name": record.get("name"), "tags": record.get("tags"), "at": inner}


@given(st.lists(WANTED, min_size=20, max_size=40), st.booleans(), st.sampled_from([None, (" ,\n", "\t: ")]))
def test_object_is_kept_if_all_its_fields_are(records, is_ascii, separators):
    texts = [json.dumps(record, ensure_ascii=is_ascii, separators=separators) for record in records]
    kept = [LOST if r.get("more") is not None else expected(r) for r in records]
    assert cast_values(texts, TARGET) == kept
    values, lost = cast_and_count(texts, TARGET, lossy="drop_surplus")
    assert values == [expected(record) for record in records]
    for record, value, is_lost in zip(records, values, lost, strict=True):
        assert is_lost == (value is not LOST and record.get("more") is not None)


def is_sound(text: str) -> bool:
    """Whether a strict parser takes a text for an object whose strings are text, and no key stands in it twice."""

    def unique(pairs):
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def refuse(name):
        raise ValueError(name)

    try:
        found = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, AssertionError):
        return False
    return isinstance(found, dict)


SOUND = '{"a": [1, {"b": "\\u00e9\\"\\\\"}], "c": -1.5e3, "d": null, "e": {"f": [true, "]}"]}}'


@given(st.lists(st.tuples(st.integers(0, len(SOUND)), st.integers(0, 3), st.text('{}[]",:\\u1e-. \x01\n', max_size=2))))
@example([(0, 0, " ")])
def test_text_is_an_object_where_a_parser_says_so(changes):
    texts = [SOUND[:at] + new + SOUND[at + gone :] for at, gone, new in changes]
    found = cast_values(texts, pl.Struct({"a": pl.String}), lossy="drop_surplus")
    assert [value is not LOST for value in found] == [is_sound(text) for text in texts]


def test_numbers_keep_their_digits():
    dtype = pl.Struct({"n": pl.Decimal(38, 18), "t": pl.String})
    text = '{"n": 12345678901234567890.120000000000000001, "t": 1.50}'
    assert cast_values([text], dtype) == [{"n": Decimal("12345678901234567890.120000000000000001"), "t": "1.50"}]


@pytest.mark.parametrize(
    "text",
    [
        "null",
        '"{}"',
        "[]",
        "",
        '{"a": 1, "a": 1}',
        '{"a": null, "a": null}',
        '{"a": 1, "\\u0061": 1}',
        '{"a": "\\ud800"}',
        '{"\\udc00": null}',
        '{"a": "\x01"}',
        '{"a": 1} {"a": 1}',
        '{"a": ' + "[" * 8 + "]" * 8 + "}",
        '{"a": \x02}',
        "{\x01: 1}",
        "\x02",
        "\x01",
    ],
)
def test_what_is_no_object_of_text_is_refused(text):
    for lossy in ({}, {"lossy": "drop_surplus"}):
        found = cast_values([text, '{"a": "1"}', None], pl.Struct({"a": pl.String}), **lossy)
        assert found == [LOST, {"a": "1"}, None]


def test_as_deep_as_eight_and_escapes_within():
    deep = '{"a": ' + "[" * 7 + "]" * 7 + "}"
    pair = '{"a": "\\ud83d\\ude00\\\\ud800"}'
    assert cast_values([deep, pair], pl.Struct({"a": pl.String})) == [
        {"a": "[" * 7 + "]" * 7},
        {"a": "\U0001f600\\ud800"},
    ]


def test_declared_forms_and_losses_hold_within():
    dtype = pl.Struct({"price": pl.Decimal(9, 2), "note": pl.String})
    found, lost = cast_and_count(
        ['{"price": "1,505", "note": "n/a"}', '{"price": "1,5", "note": ""}', '{"price": "1.5"}'],
        dtype,
        decimal_comma=True,
        null_tokens=["n/a"],
        lossy="round",
    )
    assert found == [{"price": Decimal("1.51"), "note": None}, {"price": Decimal("1.50"), "note": ""}, LOST]
    assert lost == [True, False, False]


def test_objects_within_lists_in_text_are_refused_and_halves_of_pairs_too():
    assert cast_values(['[{"a": 1}]', '["\\ud800"]', '["\\ud83d\\ude00"]'], pl.List(pl.String)) == [
        LOST,
        LOST,
        ["\U0001f600"],
    ]
