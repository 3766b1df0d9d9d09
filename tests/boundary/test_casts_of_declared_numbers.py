"""Numbers in forms that a column's metadata declares, each against a plain definition of what may be read."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.boundary.casting import LOST, cast_and_count, cast_values

SIGNS = st.sampled_from(["", "", "+", "-"])
MARKS = st.sampled_from([".", ",", " ", "'", "", "\u202f"])


@st.composite
def written(draw) -> str:
    """A number as somebody may have written it: often right, often nearly so."""
    groups = draw(st.lists(st.integers(0, 999), min_size=1, max_size=4))
    mark, comma = draw(MARKS), draw(st.sampled_from([".", ",", "", ".", ","]))
    rest = "".join(f"{draw(st.sampled_from([mark, mark, mark, '']))}{n:03}" for n in groups[1:])
    places = draw(st.sampled_from(["", "5", "50", "05", "125", "000", "x"])) if comma else ""
    return f"{draw(SIGNS)}{groups[0]}{rest}{comma}{places}"


def plain(text: str, thousands: str, comma: str):
    """What a text means where groups and decimals are separated like that; None: nothing."""
    body = text.lstrip("+-")
    if len(text) - len(body) > 1:
        return None
    whole, _, places = body.partition(comma)
    groups = whole.split(thousands) if thousands else [whole]
    if len(groups) > 1 and not (1 <= len(groups[0]) <= 3 and all(len(g) == 3 for g in groups[1:])):
        return None
    digits = "".join(groups) + places
    if not re.fullmatch("[0-9]+", digits) or not all(groups):
        return None
    return Decimal(("-" if text[0] == "-" else "") + "".join(groups) + "." + (places or "0"))


def expected(value, precision: int, scale: int):
    if value is None:
        return LOST
    with localcontext() as context:
        context.prec = 60
        units = value.scaleb(scale)
        return value if units == units.to_integral_value() and abs(units) < 10**precision else LOST


@pytest.mark.parametrize(
    ("thousands", "comma"), [(".", ","), (",", "."), ("'", "."), (" ", ","), ("\u202f", ","), ("", ",")]
)
@given(texts=st.lists(written(), min_size=20, max_size=40))
def test_thousands_and_decimal_comma(thousands, comma, texts):
    form = {"decimal_comma": comma == ",", **({"thousands": thousands} if thousands else {})}
    found = cast_values(texts, pl.Decimal(12, 2), **form)
    assert found == [expected(plain(text, thousands, comma), 12, 2) for text in texts]
    whole = cast_values(texts, pl.Int64(), **form)
    assert whole == [
        int(value) if value is not None and comma not in text else LOST
        for text, value in ((text, plain(text, thousands, comma)) for text in texts)
    ]


@given(st.lists(st.integers(-(10**12), 10**12), min_size=50))
def test_every_number_is_read_from_its_grouped_form(numbers):
    assert cast_values([f"{n:,}" for n in numbers], pl.Int64(), thousands=",") == numbers
    german = [f"{n / 4:,.2f}".translate(str.maketrans(",.", ".,")) for n in numbers]
    assert cast_values(german, pl.Float64(), thousands=".", decimal_comma=True) == [n / 4 for n in numbers]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("€ 1.234,50", "1234.50"),
        ("€1.234,50", "1234.50"),
        ("-€5", "-5"),
        ("€-5", "-5"),
        ("1.234,50 €", "1234.50"),
        ("1.234,50\u00a0EUR", "1234.50"),
        ("+5 EUR", "5"),
        ("5", "5"),
        (",5 €", "0.5"),
        ("€ 5 €", None),
        ("-€-5", None),
        ("5 $", None),
        ("5  €", None),
        (" 5 €", None),
        ("€", None),
        ("12.34 €", None),
        ("1.2345,00 €", None),
        ("EUR€5", None),
        ("5 eur", None),
    ],
)
def test_currency_stands_before_or_behind_the_number(text, value):
    form = {"currency": ["€", "EUR"], "thousands": ".", "decimal_comma": True}
    assert cast_values([text], pl.Decimal(12, 2), **form) == [Decimal(value) if value else LOST]


def test_sign_of_a_currency_may_hold_any_character():
    assert cast_values(["5.20 Fr.", "Fr. 5.20", "5.20Fr", "Fr. 1'000"], pl.Decimal(9, 2), currency="Fr.") == [
        Decimal("5.2"),
        Decimal("5.2"),
        LOST,
        LOST,
    ]


@given(st.lists(st.decimals(-1000, 1000, places=3), min_size=30))
def test_percent_is_a_fraction_or_points_as_declared(numbers):
    texts = [f"{n}%" for n in numbers]
    assert cast_values(texts, pl.Decimal(12, 5), percent="fraction") == [n / 100 for n in numbers]
    assert cast_values(texts, pl.Decimal(12, 3), percent="points") == numbers
    lost = [n / 100 if (n / 100) == round(n / 100, 4) else LOST for n in numbers]
    assert cast_values(texts, pl.Decimal(12, 4), percent="fraction") == lost


def test_bare_number_is_no_fraction_but_may_be_points():
    assert cast_values(["15", "15 %"], pl.Decimal(5, 2), percent="fraction") == [LOST, Decimal("0.15")]
    assert cast_values(["15", "15 %", "15 %%"], pl.Decimal(5, 2), percent="points") == [15, 15, LOST]
    assert cast_values(["12,5 %"], pl.Float64(), percent="fraction", decimal_comma=True) == [0.125]


UNITS = {"kg": 1, "g": "0.001", "t": 1000, "lb": "0.45359237", "doz": 12, "third": "1/3"}


@given(
    st.lists(
        st.tuples(st.decimals(-(10**7), 10**7, places=3), st.sampled_from([*UNITS, "", "oz"]), st.sampled_from(" ")),
        min_size=50,
    )
)
def test_units_are_converted_exactly_or_not_at_all(given_):
    texts = [f"{n}{blank}{unit}" for n, unit, blank in given_]
    found = cast_values(texts, pl.Decimal(14, 4), units=UNITS)
    for (number, unit, _), got in zip(given_, found, strict=True):
        if unit not in UNITS:
            assert got is LOST
            continue
        value = Fraction(str(number)) * Fraction(str(UNITS[unit]))
        is_exact = (value * 10**4).denominator == 1 and abs(value) < 10**10
        assert (Fraction(str(got)) == value) if is_exact else got is LOST


def test_units_of_whole_numbers_and_floats():
    assert cast_values(["2 h", "90 min", "91 min", "3"], pl.Int64(), units={"h": 1, "min": "1/60"}) == [
        2,
        LOST,
        LOST,
        LOST,
    ]
    assert cast_values(["1.5 kg", "250 g"], pl.Float64(), units=UNITS) == [1.5, 0.25]
    assert cast_values(["1.5 kg", "1.5"], pl.Float64(), units=["kg", ""]) == [1.5, 1.5]
    assert cast_values(["9223372036854775807 t", "9 t"], pl.Int64(), units=UNITS) == [LOST, 9000]
    assert cast_values(["1 t"], pl.Decimal(38, 38), units=UNITS) == [LOST]


SURPLUS = st.one_of(
    st.decimals(-(10**7), 10**7, places=4).map(str),
    st.decimals(-2, 2, places=3).map(str),
    st.integers(-(10**12), 10**12).map(str),
    st.sampled_from(
        ["1.005", "-1.005", "0.995", "999999.995", "999999.994", "1.", ".5", "1e-3", "1.5e0", "x", "", "1.00500001"]
    ),
)


@pytest.mark.parametrize(("how", "mode"), [("round", ROUND_HALF_UP), ("truncate", ROUND_DOWN)])
@pytest.mark.parametrize("dtype", [pl.Decimal(8, 2), pl.Int64(), pl.Int8()], ids=str)
@given(texts=st.lists(SURPLUS, min_size=50))
def test_allowed_loss_is_rounded_or_cut_and_told(how, mode, dtype, texts):
    scale, limit = (2, 10**6) if isinstance(dtype, pl.Decimal) else (0, 2**63 if dtype == pl.Int64 else 128)
    for text, got, lost in zip(texts, *cast_and_count(texts, dtype, lossy=how), strict=True):
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text):
            assert got is LOST or (got == Decimal(text) and not lost)
            continue
        exact = Decimal(text)
        wanted = exact.quantize(Decimal(1).scaleb(-scale), rounding=mode)
        is_held = -limit <= wanted < limit if dtype.is_integer() else abs(wanted) < limit
        assert got == (wanted if is_held else LOST), (text, got)
        assert lost == (is_held and wanted != exact), text


@pytest.mark.parametrize("dtype", [pl.Decimal(38, 37), pl.Decimal(38, 38), pl.Decimal(38, 0)], ids=str)
def test_widest_decimals_are_rounded_where_there_is_room_for_one_more_digit(dtype):
    text = "0." + "1" * 45
    found, lost = cast_and_count([text, "0.5"], dtype, lossy="truncate")
    with localcontext() as context:
        context.prec = 60
        assert found[0] == Decimal(text).quantize(Decimal(1).scaleb(-dtype.scale), rounding=ROUND_DOWN)
    assert lost == [True, dtype.scale == 0]
