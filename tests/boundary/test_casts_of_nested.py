"""Lists, arrays and structs: each item and field under the guard that a value of its own would have."""

from __future__ import annotations

import json
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import SchemaError
from tests.boundary.casting import LOST, cast_and_count, cast_values

ITEMS = st.one_of(st.none(), st.integers(-300, 300).map(str), st.sampled_from(["1.5", "x", "", " 1", "127", "128"]))


def plain(text: str | None):
    """The 8-bit integer that a text is."""
    if text is None:
        return None
    digits = text.removeprefix("-")
    return int(text) if digits.isdigit() and -128 <= int(text) <= 127 else LOST


def plain_list(items):
    found = None if items is None else [plain(item) for item in items]
    return LOST if found is not None and LOST in found else found


LISTS = st.lists(st.one_of(st.none(), st.lists(ITEMS, max_size=3)), min_size=50)


@given(LISTS)
def test_list_is_kept_if_all_its_items_are(values):
    assert cast_values(values, pl.List(pl.Int8), pl.List(pl.String)) == [plain_list(items) for items in values]


@pytest.mark.parametrize("width", [1, 2])
@given(values=LISTS)
def test_list_is_an_array_if_its_width_is_right(width, values):
    expected = [plain_list(items) if items is None or len(items) == width else LOST for items in values]
    assert cast_values(values, pl.Array(pl.Int8, width), pl.List(pl.String)) == expected
    found, lost = cast_and_count(values, pl.Array(pl.Int8, width), pl.List(pl.String), lossy="drop_surplus")
    for items, got, dropped in zip(values, found, lost, strict=True):
        if items is None:
            assert (got, dropped) == (None, False)
        elif len(items) < width or plain_list(items) is LOST:
            assert got is LOST
        else:
            assert (got, dropped) == (plain_list(items[:width]), len(items) > width)


@given(st.lists(st.one_of(st.none(), st.tuples(ITEMS, ITEMS)), min_size=50))
def test_arrays_are_cast_item_by_item(values):
    given_ = [None if pair is None else list(pair) for pair in values]
    expected = [plain_list(pair) for pair in given_]
    assert cast_values(given_, pl.Array(pl.Int8, 2), pl.Array(pl.String, 2)) == expected
    assert cast_values(given_, pl.List(pl.Int8), pl.Array(pl.String, 2)) == expected
    wrong = cast_values(given_, pl.Array(pl.Int8, 3), pl.Array(pl.String, 2))
    assert wrong == [None if pair is None else LOST for pair in given_]


RAW = pl.Struct({"a": pl.String, "b": pl.List(pl.String), "c": pl.Struct({"d": pl.String}), "more": pl.String})
TYPED = pl.Struct({"c": pl.Struct({"d": pl.Int8}), "a": pl.Int8, "b": pl.List(pl.Int8), "absent": pl.Int64})
PARTS = st.fixed_dictionaries(
    {
        "a": ITEMS,
        "b": st.one_of(st.none(), st.lists(ITEMS, max_size=2)),
        "c": st.one_of(st.none(), st.fixed_dictionaries({"d": ITEMS})),
        "more": st.sampled_from([None, None, None, "y"]),
    }
)


@given(st.lists(st.one_of(st.none(), PARTS), min_size=50))
def test_struct_is_kept_if_all_its_fields_are(values):
    def expected(part, *, surplus):
        if part is None:
            return None
        a, b, c = plain(part["a"]), plain_list(part["b"]), part["c"] and {"d": plain(part["c"]["d"])}
        is_lost = LOST in (a, b) or (c and c["d"] is LOST) or (part["more"] and not surplus)
        return LOST if is_lost else {"c": c, "a": a, "b": b, "absent": None}

    assert cast_values(values, TYPED, RAW) == [expected(part, surplus=False) for part in values]
    found, lost = cast_and_count(values, TYPED, RAW, lossy="drop_surplus")
    assert found == [expected(part, surplus=True) for part in values]
    told = [flag for flag, value in zip(lost, found, strict=True) if value is not LOST]
    assert told == [bool(part and part["more"]) for part, value in zip(values, found, strict=True) if value is not LOST]


def test_lists_of_structs_and_lists():
    source = pl.List(pl.Struct({"a": pl.String, "b": pl.List(pl.String)}))
    target = pl.List(pl.Struct({"a": pl.Decimal(5, 2), "b": pl.List(pl.Int64)}))
    given_ = [[{"a": "1.5", "b": ["1"]}, None], [{"a": "1.555", "b": []}], [{"a": None, "b": ["x"]}], [], None]
    assert cast_values(given_, target, source) == [[{"a": Decimal("1.5"), "b": [1]}, None], LOST, LOST, [], None]
    deep = [[["1"], []], [["x"]], None]
    assert cast_values(deep, pl.List(pl.List(pl.Int64)), pl.List(pl.List(pl.String))) == [[[1], []], LOST, None]


def test_loss_within_a_list_is_told_of_the_value():
    found, lost = cast_and_count(
        [["1.5", "2"], ["2"], ["x"], None], pl.List(pl.Int64), pl.List(pl.String), lossy="round"
    )
    assert (found, lost) == ([[2, 2], [2], LOST, None], [True, False, False, False])


def test_declared_form_holds_within():
    found = cast_values(
        [["1.234,5", "7"], ["1,234.5"]],
        pl.List(pl.Decimal(9, 2)),
        pl.List(pl.String),
        decimal_comma=True,
        thousands=".",
    )
    assert found == [[Decimal("1234.5"), Decimal(7)], LOST]
    assert cast_values(["[1.5]", '["1,5"]'], pl.List(pl.Float64), decimal_comma=True) == [LOST, [1.5]]


def test_empty_and_null_columns():
    assert cast_values([None, None], pl.Struct({"a": pl.Int64}), pl.Null()) == [None, None]
    assert cast_values([{"a": None}], pl.Struct({"a": pl.Int64}), pl.Struct({"a": pl.Null})) == [{"a": None}]
    assert cast_values([[], [None]], pl.List(pl.Date), pl.List(pl.Null)) == [[], [None]]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (pl.List(pl.Int64), pl.Struct({"a": pl.Int64})),
        (pl.Struct({"a": pl.List(pl.Int64)}), pl.Struct({"a": pl.Int64})),
        (pl.List(pl.Int64), pl.List(pl.Date)),
    ],
    ids=str,
)
def test_what_is_within_must_have_a_cast_too(source, target):
    with pytest.raises(SchemaError, match="there is no cast from"):
        cast_values([], target, source)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.text(max_size=5), st.decimals(-99, 99, places=3)
)


@given(st.lists(st.lists(VALUES, max_size=4), min_size=50))
def test_items_of_a_list_in_text_are_what_json_says(lists):
    texts = [f"[{', '.join(str(i) if isinstance(i, Decimal) else json.dumps(i) for i in items)}]" for items in lists]
    for text, got in zip(texts, cast_values(texts, pl.List(pl.String)), strict=True):
        items = json.loads(text, parse_int=str, parse_float=str)
        assert got == [str(i).lower() if isinstance(i, bool) else i for i in items]
