"""Casts from text, each against a slow and plain definition of what a value may look like."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.boundary.casts.layouts import shape_of, width_of
from framework.boundary.casts.text_words import FALSE_WORDS, TRUE_WORDS
from framework.errors import SchemaError
from tests.boundary.casting import LOST, cast_values

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-300, 300).map(str),
    st.decimals(-(10**12), 10**12, places=5).map(str),
    st.decimals(-1000, 1000, places=2).map(str),
    st.floats().map(repr),
    st.text(st.sampled_from("0159.+-eE "), max_size=9),
    st.sampled_from(
        [
            "",
            " ",
            " 1",
            "1 ",
            "1_000",
            "0x1f",
            "1,5",
            "\u0661",
            "1e2",
            "1e-30",
            "1e400",
            "12e-1",
            "-0",
            ".",
            "nan",
            "inf",
            "NULL",
            "none",
            "nano",
            "N",
        ]
    ),
)
DECIMALS = [(18, 2), (12, 4), (7, 4), (5, 0), (4, 4), (38, 2), (38, 0), (38, 38), (30, 10), (20, 10)]


def plain_integer(text: str, low: int, high: int):
    if not re.fullmatch(r"[+-]?[0-9]+", text, flags=re.ASCII):
        return LOST
    return int(text) if low <= int(text) <= high else LOST


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        (pl.Int64(), -(2**63), 2**63 - 1),
        (pl.Int8(), -128, 127),
        (pl.Int16(), -(2**15), 2**15 - 1),
        (pl.UInt32(), 0, 2**32 - 1),
    ],
    ids=str,
)
@given(texts=st.lists(NUMBERS, min_size=1, max_size=30))
def test_integers(dtype, low, high, texts):
    expected = [plain_integer(text, low, high) for text in texts]
    found = cast_values(texts, dtype)
    if low == 0:  # polars takes no minus before an unsigned number, not even before nought
        expected = [LOST if text.startswith("-") else value for text, value in zip(texts, expected, strict=True)]
    assert found == expected


def plain_decimal(text: str, precision: int, scale: int):
    """The value, LOST, or None where either is fine (an exact value in a needlessly long form)."""
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text, flags=re.ASCII):
        return LOST
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 500, 10**6, -(10**6)
        value = Decimal(text)
        if value != 0 and (value.adjusted() > 100 or value.adjusted() < -100):
            return LOST
        units = value.scaleb(scale)
        is_exact = units == units.to_integral_value() and abs(units) < 10**precision
        return value if is_exact else LOST


@pytest.mark.parametrize(("precision", "scale"), DECIMALS)
@given(texts=st.lists(NUMBERS, min_size=1, max_size=30))
def test_decimals(precision, scale, texts):
    found = cast_values(texts, pl.Decimal(precision, scale))
    for text, got in zip(texts, found, strict=True):
        expected = plain_decimal(text, precision, scale)
        if got is LOST and expected is not LOST:  # refusing an unusual form is safe, changing a value is not
            assert "e" in text.lower() or len(text) > 20, (text, got, expected)
        else:
            assert got == expected, (text, got, expected)


@pytest.mark.parametrize(("precision", "scale"), DECIMALS)
@given(data=st.data())
def test_every_decimal_of_the_type_is_read_from_its_usual_form(precision, scale, data):
    units = data.draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    with localcontext() as context:
        context.prec = 60
        value = Decimal(units).scaleb(-scale)
        assert cast_values([format(value, "f")], pl.Decimal(precision, scale)) == [value]


@given(texts=st.lists(NUMBERS, min_size=1, max_size=30))
def test_floats(texts):
    for text, got in zip(texts, cast_values(texts, pl.Float64()), strict=True):
        if text.lower().lstrip("+-") in {"nan", "inf"}:
            assert not math.isfinite(got)
        elif not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text, flags=re.ASCII):
            assert got is LOST
        else:
            assert got == (float(text) if math.isfinite(float(text)) else LOST)


@given(texts=st.lists(st.one_of(st.sampled_from([*TRUE_WORDS, *FALSE_WORDS]), st.text(max_size=5)), min_size=1))
def test_booleans(texts):
    words = {**dict.fromkeys(TRUE_WORDS, True), **dict.fromkeys(FALSE_WORDS, False)}
    assert cast_values(texts, pl.Boolean()) == [words.get(text, LOST) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        "2024-1-5",
        "2024-01-5",
        "2024- 1-05",
        " 024-01-15",
        "-024-01-15",
        "+024-01-15",
        "2024-13-01",
        "2024-02-30",
        "2023-02-29",
        "2024-01-15 ",
        " 2024-01-15",
        "20240-1-01",
        "2024/01/15",
        "2024-01-15 10:30:00",
        "15-01-2024",
        "",
        "2024-01-1\uff15",
        "0000-00-00",
    ],
)
def test_text_that_is_nearly_a_date_is_lost(text):
    assert cast_values([text], pl.Date()) == [LOST]


@given(st.dates())
def test_every_date_is_read(day):
    assert cast_values([day.isoformat()], pl.Date()) == [day]


@pytest.mark.parametrize("zone", ["UTC", None])
@given(moment=st.datetimes(), layout=st.sampled_from(["%F %T", "%FT%T", "%FT%TZ", "%FT%T.%fZ"]))
def test_every_moment_is_read_in_each_of_the_usual_forms(zone, moment, layout):
    whole = moment if "%f" in layout else moment.replace(microsecond=0)
    text = whole.isoformat(" " if "T" not in layout[2] else "T", "microseconds" if "%f" in layout else "seconds")
    found = cast_values([text + ("Z" if layout.endswith("Z") else "")], pl.Datetime("us", zone))
    assert found == [whole.replace(tzinfo=UTC) if zone else whole]


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-15 10:30:0",
        "2024-01-15 10:3",
        "2024-01-15 10:30",
        "2024-01-15",
        "2024-01-15 10:30: 0",
        "2024-01-15  9:30:00",
        "2024-01-15 24:00:00",
        "2024-01-15 23:59:60",
        "2024-01-15 10:60:00",
        "-024-01-15 10:30:00",
        "2024-01-15\t10:30:00",
        "2024-01-15T1:30:00.5Z",
        "2024-1-5T10:30:00.5Z",
        "2024-01-15T10:30:00.Z",
        "2024-01-15T10:30:00.5",
        "2024-01-15T10:30:00.1234567Z",
        "2024-01-15 10:30:00Z",
        "2024-01-15T10:30:00+01:00",
        "",
    ],
)
def test_text_that_is_nearly_a_moment_is_lost(text):
    assert cast_values([text], pl.Datetime("us", "UTC")) == [LOST]


def test_fraction_beyond_the_unit_is_lost_unless_it_is_nothing():
    texts = ["2024-01-15T10:30:00.123Z", "2024-01-15T10:30:00.1230000Z", "2024-01-15T10:30:00.1234Z"]
    moment = datetime(2024, 1, 15, 10, 30, 0, 123000, tzinfo=UTC)
    assert cast_values(texts, pl.Datetime("ms", "UTC")) == [moment, moment, LOST]


def test_declared_formats_are_tried_in_turn_and_no_other():
    texts = ["15.01.2024", "01/15/2024", "2024-01-15", "5.1.2024", "15.1.02024"]
    found = cast_values(texts, pl.Date(), formats=("%d.%m.%Y", "%m/%d/%Y"))
    assert found == [date(2024, 1, 15), date(2024, 1, 15), LOST, LOST, LOST]


def test_offset_in_a_format_is_obeyed():
    found = cast_values(
        ["2024-01-15 10:30 +0200", "2024-01-15 10:30"], pl.Datetime("us", "UTC"), formats=("%Y-%m-%d %H:%M %z",)
    )
    assert found == [datetime(2024, 1, 15, 8, 30, tzinfo=UTC), LOST]


def test_names_of_months_have_no_fixed_shape():
    assert (width_of("%d %B %Y"), shape_of("%d %B %Y", 6)) == (None, None)
    assert cast_values(["5 May 2024"], pl.Date(), formats=("%d %B %Y",)) == [date(2024, 5, 5)]


def test_numbers_in_lists_keep_every_digit():
    texts = ["[12345678901234567890.12, 0.10]", "[12345678901234567890.123]", '["0.1\\u0030"]', "[1e2]", "[1 ,\n2]"]
    expected = [[Decimal("12345678901234567890.12"), Decimal("0.1")], LOST, [Decimal("0.10")], [100], [1, 2]]
    assert cast_values(texts, pl.List(pl.Decimal(38, 2))) == expected


@given(st.lists(st.text(st.sampled_from('12",[]{}x null\\'), max_size=10)))
def test_text_that_is_no_list_never_stops_the_run(texts):
    for got in cast_values(texts, pl.List(pl.Int64)):
        assert got is LOST or isinstance(got, list)


def test_lists_in_text_are_json_arrays_of_plain_values():
    texts = ["[1, 2]", "[]", '["3"]', "[1, null]", '["x"]', "[1.5]", "[[1]]", "{}", "1", None]
    assert cast_values(texts, pl.List(pl.Int64)) == [[1, 2], [], [3], [1, None], LOST, LOST, LOST, LOST, LOST, None]
    assert cast_values(['["a\\"b", "c,d"]', "[1]"], pl.List(pl.String)) == [['a"b', "c,d"], ["1"]]


def test_type_that_text_cannot_become_is_refused():
    with pytest.raises(SchemaError, match=re.escape("there is no cast from text to Null")):
        cast_values(["a"], pl.Null())


def test_null_is_kept_by_every_cast():
    for dtype in (pl.Int64(), pl.Float64(), pl.Decimal(9, 2), pl.Date(), pl.Datetime("us"), pl.Boolean(), pl.String()):
        assert cast_values([None], dtype) == [None]


def test_epoch_and_leap_day():
    assert cast_values(["1970-01-01", "2024-02-29"], pl.Date()) == [date(1970, 1, 1), date(2024, 2, 28) + timedelta(1)]
