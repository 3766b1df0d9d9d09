"""Values of checks and defaults, read in the type of their column and written so that they read back."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.boundary.yaml_schema.emit import Block, emit
from framework.boundary.yaml_schema.types import read_type
from framework.boundary.yaml_schema.values import read_value, write_value, write_values
from framework.core.yaml_document import Findings, plain, read_document
from framework.errors import SchemaError

BERLIN = ZoneInfo("Europe/Berlin")


def node(text):
    return read_document(f"at: {text}".encode(), "x.yaml", Findings()).entries["at"]


@pytest.mark.parametrize(
    ("type_words", "text", "value"),
    [
        ("str", "NO", "NO"),
        ("str", "2024-01-01", "2024-01-01"),
        ("enum[low, high]", "low", "low"),
        ("categorical", "low", "low"),
        ("int", "5", 5),
        ("uint8", "-1", -1),
        ("float", "5", 5),
        ("float", "0.5", 0.5),
        ("decimal(9, 2)", "5", 5),
        ("decimal(9, 2)", "0.50", Decimal("0.50")),
        ("decimal(9, 2)", "'5'", Decimal(5)),
        ("decimal(38, 30)", "0.123456789012345678901234567891", Decimal("0.123456789012345678901234567891")),
        ("bool", "true", True),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("time", "09:30", time(9, 30)),
        ("datetime[us]", "2024-01-01 12:00:00", datetime(2024, 1, 1, 12)),  # noqa: DTZ001 - naive on purpose
        ("datetime[us, UTC]", "2024-01-01 12:00:00+01:00", datetime(2024, 1, 1, 11, tzinfo=ZoneInfo("UTC"))),
        ("datetime[us, UTC]", "2024-01-01T12:00:00Z", datetime(2024, 1, 1, 12, tzinfo=ZoneInfo("UTC"))),
        ("datetime[us, Europe/Berlin]", "2024-07-01 12:00:00+02:00", datetime(2024, 7, 1, 12, tzinfo=BERLIN)),
        ("duration[us]", "P1DT2H", timedelta(days=1, hours=2)),
        ("binary", "!!binary YWI=", b"ab"),
        ("list[int]", "[1, 2]", [1, 2]),
        ("struct{a: int, b: date}", "{a: 1, b: 2024-01-01}", {"a": 1, "b": date(2024, 1, 1)}),
        ("int", "null", None),
    ],
)
def test_a_value_is_read_in_the_type_of_its_column(type_words, text, value):
    found = read_value(node(text), read_type(type_words))
    assert found == value
    assert type(found) is type(value)
    assert getattr(found, "tzinfo", None) is getattr(value, "tzinfo", None)


@pytest.mark.parametrize(
    ("type_words", "text", "expected"),
    [
        ("str", "5", '5 is a number, not text; write "5" for type str'),
        ("str", "true", 'true is a truth value, not text; write "true" for type str'),
        ("int", "0.5", "0.5 is no value of type int; a number of another type says so: {value: 0.5, as: float}"),
        ("int", "'5'", "'5' is no value of type int"),
        ("int", "true", "true is no value of type int"),
        ("float", "abc", "'abc' is no value of type float"),
        ("float", "false", "false is no value of type float"),
        ("decimal(9, 2)", ".inf", ".inf is no value of type decimal(9, 2)"),
        ("decimal(9, 2)", "true", "true is no value of type decimal(9, 2)"),
        ("decimal(9, 2)", "'NaN'", "'NaN' is no value of type decimal(9, 2)"),
        ("bool", "NO", "'NO' is no truth value; write true or false"),
        ("date", "2024-13-01", "'2024-13-01' is no value of type date; write it like 2024-12-31"),
        ("date", "5", "5 is no value of type date; write it like 2024-12-31"),
        ("date", "2024-01-01 12:00:00", "'2024-01-01 12:00:00' is no value of type date; write it like 2024-12-31"),
        ("time", "25:00", "'25:00' is no value of type time; write it like 23:59:59"),
        ("time", "09:30:00.1234567", "'09:30:00.1234567' is finer than a microsecond"),
        (
            "datetime[us, UTC]",
            "2024-01-01 12:00:00",
            "'2024-01-01 12:00:00' does not say its offset; write it like 2024-12-31 23:59:59+00:00",
        ),
        (
            "datetime[us]",
            "2024-01-01 12:00:00Z",
            "'2024-01-01 12:00:00Z' has an offset, and times of type datetime[us] have none",
        ),
        ("duration[us]", "soon", "'soon' is no duration; write it like P1DT2H30M"),
        ("binary", "abc", "'abc' is no bytes; write them in base64: !!binary aGk="),
        ("list[int]", "5", "expected a list, as values of type list[int] are, got a number"),
        ("list[int]", "[1, a]", "'a' is no value of type int"),
        ("struct{a: int}", "{b: 1}", "field 'b' is none of type struct{a: int}"),
        ("int", "[1]", "expected one value of type int, got a list"),
    ],
)
def test_a_value_of_another_type_is_refused(type_words, text, expected):
    with pytest.raises(SchemaError) as caught:
        read_value(node(text), read_type(type_words))
    assert str(caught.value) == expected


PLAIN = {
    "bool": st.booleans(),
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(),
    "str": st.text(st.characters(codec="utf-8"), max_size=8),
    "decimal(20, 4)": st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)
    | st.sampled_from([Decimal("1E+2"), Decimal("-0"), Decimal(5), Decimal("0.500")]),
    "binary": st.binary(max_size=6),
    "date": st.dates(),
    "time": st.times().map(lambda one: one.replace(fold=0)),
    "datetime[us]": st.datetimes().map(lambda one: one.replace(fold=0)),
    "datetime[us, UTC]": st.datetimes(timezones=st.just(ZoneInfo("UTC"))),
    "datetime[us, Europe/Berlin]": st.datetimes(
        min_value=datetime(1990, 1, 1), max_value=datetime(2050, 1, 1), timezones=st.just(BERLIN)  # noqa: DTZ001
    ),
    "duration[us]": st.timedeltas(timedelta(-9999), timedelta(9999)),
    "list[int]": st.lists(st.integers(0, 9) | st.none(), max_size=3),
}  # fmt: skip


@given(own=st.sampled_from([*PLAIN]), column=st.sampled_from([*PLAIN, None]), data=st.data())
def test_a_value_that_is_written_reads_back_in_any_column(own, column, data):
    value = data.draw(PLAIN[own])
    dtype = read_type(column) if column else None
    if own == "list[int]" and column != own:
        return  # lists are values of columns of lists only
    said, named = write_value(value, dtype)
    found = read_value(node_of(said), named if named is not None else dtype)
    assert (type(found), repr(found)) == (type(value), repr(value)) or is_same_moment(found, value)


def is_same_moment(found, value):
    """Local times that clocks do not show are written as the moment that they are."""
    return (
        isinstance(value, datetime) and value.tzinfo is found.tzinfo and found.astimezone(UTC) == value.astimezone(UTC)
    )


def node_of(said):
    return read_document(emit(Block(at=said)).encode(), "x.yaml", Findings()).entries["at"]


def test_values_of_several_types_are_written_in_the_one_that_holds_all():
    assert write_values([0, 0.5], pl.Decimal(9, 2)) == ([0, 0.5], pl.Float64())
    assert write_values([1, None], pl.Int64()) == ([1, None], None)
    with pytest.raises(SchemaError, match="there is no one type in which all of it can be written"):
        write_values([1, "a"], pl.Date())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1j, "1j is a complex, for which there are no words; give a plain value"),
        (time(9, tzinfo=UTC), "datetime.time(9, 0, tzinfo=datetime.timezone.utc) is a time, for which there are no words"),
        (datetime.fromisoformat("2024-01-01T00:00:00+05:00"), "has an offset without a zone; give it a ZoneInfo"),
    ],
)  # fmt: skip
def test_a_value_without_words_is_refused(value, expected):
    with pytest.raises(SchemaError) as caught:
        write_value(value, pl.Int64())
    assert expected in str(caught.value)


TEXT = st.text(st.characters(codec="utf-8"), max_size=10) | st.sampled_from(["NO", "~", "<<", "a\nb\n", "x: y", "\x85"])
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(data=st.dictionaries(TEXT, DATA, max_size=4))
def test_data_that_is_emitted_reads_back(data):
    findings = Findings()
    root = read_document(emit(Block(data)).encode(), "x.yaml", findings)
    assert plain(root) == data
    assert findings.found == []


def test_emitted_text_is_what_people_write():
    data = Block(
        a="plain text", b="true", c=["x", "1"], d=["x" * 60, "y" * 60], e={"value": 0.5, "as": "int"},
        f=[Block(g=1, h="two\nlines\n")], i=Decimal("1.50"), j=Decimal(5), k=float("inf"), l=[], m={},
    )  # fmt: skip
    assert emit(data) == (
        "a: plain text\nb: 'true'\nc: [x, '1']\n"
        f"d:\n  - {'x' * 60}\n  - {'y' * 60}\n"
        "e: {value: 0.5, as: int}\nf:\n  - g: 1\n    h: |\n      two\n      lines\n"
        "i: 1.50\nj: '5'\nk: .inf\nl: []\nm: {}\n"
    )


@pytest.mark.parametrize(
    ("value", "column", "named"),
    [
        (datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")), pl.Datetime("us", "Europe/Berlin"), pl.Datetime("us", "UTC")),
        (datetime(2024, 1, 1), pl.Datetime("us", "UTC"), pl.Datetime("us")),  # noqa: DTZ001 - naive on purpose
        (datetime(2024, 1, 1, tzinfo=UTC), pl.Datetime("ms", "UTC"), None),
        (True, pl.Int64(), pl.Boolean()),
        (5, pl.String(), pl.Int64()),
        ("5", pl.Int64(), pl.String()),
        (Decimal("0.5"), pl.Float64(), pl.Decimal(38, 0)),
        (date(2024, 1, 1), pl.Datetime("us"), pl.Date()),
    ],
)
def test_a_value_of_another_type_than_its_column_is_written_with_its_own(value, column, named):
    assert write_value(value, column)[1] == named
