"""Casts between the types that typed files bring along: a value is the same afterwards, or it is lost."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import SchemaError
from tests.boundary.casting import LOST, cast_and_count, cast_values

INTEGERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-300, 300))
FLOATS = st.one_of(st.floats(), st.integers(-300, 300).map(float), st.sampled_from([2.0**53, 1e300, -0.0]))


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [(pl.Int8(), -128, 127), (pl.Int32(), -(2**31), 2**31 - 1), (pl.UInt8(), 0, 255), (pl.UInt64(), 0, 2**64 - 1)],
    ids=str,
)
@given(numbers=st.lists(INTEGERS, min_size=1))
def test_integer_to_narrower_integer(dtype, low, high, numbers):
    expected = [n if low <= n <= high else LOST for n in numbers]
    assert cast_values(numbers, dtype, pl.Int64()) == expected


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1))
def test_integer_to_wider_integer_is_always_kept(numbers):
    assert cast_values(numbers, pl.Int64(), pl.Int32()) == numbers


@given(st.lists(INTEGERS, min_size=1))
def test_integer_to_float(numbers):
    assert cast_values(numbers, pl.Float64(), pl.Int64()) == [
        float(n) if int(float(n)) == n and float(n) < 2**63 else LOST for n in numbers
    ]


@given(st.lists(FLOATS, min_size=1))
def test_float_to_integer(numbers):
    expected = [int(x) if math.isfinite(x) and x == int(x) and -(2**63) <= x < 2**63 else LOST for x in numbers]
    assert cast_values(numbers, pl.Int64(), pl.Float64()) == expected


@given(st.lists(st.decimals(-(10**9), 10**9, places=3), min_size=1))
def test_price_that_went_through_a_float_comes_back_as_the_decimal_it_was(prices):
    expected = [p if p == round(p, 2) else LOST for p in prices]
    assert cast_values([float(p) for p in prices], pl.Decimal(18, 2), pl.Float64()) == expected


@given(st.lists(FLOATS, min_size=1))
def test_float_to_decimal_is_never_another_number(numbers):
    for x, got in zip(numbers, cast_values(numbers, pl.Decimal(12, 4), pl.Float64()), strict=True):
        assert got is LOST or float(got) == x


@given(st.lists(st.decimals(-(10**8), 10**8, places=4), min_size=1))
def test_decimal_to_decimal_of_fewer_places(values):
    expected = [v if v == round(v, 2) and abs(v) < 10**6 else LOST for v in values]
    assert cast_values(values, pl.Decimal(8, 2), pl.Decimal(20, 4)) == expected


@pytest.mark.parametrize(("precision", "scale"), [(12, 4), (18, 2), (38, 2), (4, 4), (15, 0), (16, 0)])
def test_float_that_is_too_large_for_a_decimal_is_lost(precision, scale):
    limit = 10.0 ** (precision - scale)
    near = [math.nextafter(limit, 0), math.nextafter(-limit, 0), limit - 0.4 * 10.0**-scale]
    beyond = [limit, -limit, 2 * limit, limit * 1e9, math.inf, math.nan]
    found = cast_values([*beyond, *near], pl.Decimal(precision, scale), pl.Float64())
    assert found[: len(beyond)] == [LOST] * len(beyond)
    assert cast_values([limit * 4], pl.Decimal(precision, scale), pl.Float32()) == [LOST]


def test_decimal_to_integer_and_float():
    values = [Decimal("1.00"), Decimal("1.50"), Decimal("12345678901234567.10"), None]
    assert cast_values(values, pl.Int64(), pl.Decimal(30, 2)) == [1, LOST, LOST, None]
    assert cast_values(values, pl.Float64(), pl.Decimal(30, 2)) == [1.0, 1.5, LOST, None]


def test_float_to_smaller_float_loses_what_does_not_fit():
    found = cast_values([0.5, 0.1, 1e300, math.inf, None], pl.Float32(), pl.Float64())
    assert found == [0.5, LOST, LOST, math.inf, None]
    assert math.isnan(cast_values([math.nan], pl.Float32(), pl.Float64())[0])


def test_number_to_boolean_keeps_nought_and_one():
    assert cast_values([0, 1, 2, -1, None], pl.Boolean(), pl.Int64()) == [False, True, LOST, LOST, None]
    assert cast_values([0.0, 1.0, 0.5, math.nan], pl.Boolean(), pl.Float64()) == [False, True, LOST, LOST]
    assert cast_values([True, False, None], pl.Int8(), pl.Boolean()) == [1, 0, None]


def test_time_to_date_and_coarser_unit():
    midnight, noon = datetime(2024, 1, 1), datetime(2024, 1, 1, 12)  # noqa: DTZ001 - naive on purpose
    exact = datetime(2024, 1, 1, 0, 0, 0, 123456)  # noqa: DTZ001
    assert cast_values([midnight, noon, None], pl.Date(), pl.Datetime("us")) == [date(2024, 1, 1), LOST, None]
    assert cast_values([midnight, exact], pl.Datetime("ms"), pl.Datetime("us")) == [midnight, LOST]
    assert cast_values([date(2024, 1, 1)], pl.Datetime("us", "UTC"), pl.Date()) == [midnight.replace(tzinfo=UTC)]


def test_naive_times_are_utc():
    noon = datetime(2024, 7, 1, 12)  # noqa: DTZ001
    assert cast_values([noon], pl.Datetime("us", "UTC"), pl.Datetime("ns")) == [noon.replace(tzinfo=UTC)]


@pytest.mark.parametrize(
    ("values", "source", "expected"),
    [
        ([1, None], pl.Int32(), ["1", None]),
        ([1.5, math.inf], pl.Float64(), ["1.5", "inf"]),
        ([Decimal("1.50")], pl.Decimal(9, 2), ["1.50"]),
        ([date(2024, 1, 5)], pl.Date(), ["2024-01-05"]),
        (["a", None], pl.Categorical(), ["a", None]),
        ([True], pl.Boolean(), ["true"]),
        ([b"abc"], pl.Binary(), ["abc"]),
    ],
)
def test_plain_values_become_their_text(values, source, expected):
    assert cast_values(values, pl.String(), source) == expected


@pytest.mark.parametrize(
    ("source", "inner", "values", "expected"),
    [
        (pl.String(), pl.Int64(), [["1", None], ["x"], ["1.5"], [], None], [[1, None], LOST, LOST, [], None]),
        (pl.String(), pl.Decimal(5, 2), [["1.10"], ["1.239"]], [[Decimal("1.10")], LOST]),
        (pl.String(), pl.Date(), [["2024-01-05"], ["2024-1-5"]], [[date(2024, 1, 5)], LOST]),
        (pl.String(), pl.Boolean(), [["true", "0"], ["perhaps"]], [[True, False], LOST]),
        (pl.Float64(), pl.Int64(), [[1.0], [1.7], [math.nan]], [[1], LOST, LOST]),
        (pl.Int64(), pl.Int8(), [[1], [300], [None]], [[1], LOST, [None]]),
        (pl.Int64(), pl.String(), [[1, None]], [["1", None]]),
        (pl.List(pl.String()), pl.List(pl.Int64()), [[["1"], None], [["1", "x"]]], [[[1], None], LOST]),
    ],
)
def test_items_of_lists_are_held_to_the_same_as_values(source, inner, values, expected):
    assert cast_values(values, pl.List(inner), pl.List(source)) == expected


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (pl.Int64(), pl.Datetime("us", "UTC")),
        (pl.Int64(), pl.Date()),
        (pl.Boolean(), pl.Date()),
        (pl.Date(), pl.Int64()),
        (pl.Decimal(9, 2), pl.Boolean()),
        (pl.List(pl.String()), pl.String()),
        (pl.Struct({"a": pl.String()}), pl.String()),
        (pl.Int64(), pl.List(pl.Int64())),
        (pl.Binary(), pl.Int64()),
    ],
    ids=str,
)
def test_types_between_which_no_value_is_the_same_are_refused(source, target):
    text = f"there is no cast from {source} to {target} that keeps every value"
    with pytest.raises(SchemaError, match=f"^{re.escape(text)}$"):
        cast_values([], target, source)


@pytest.mark.parametrize(("how", "mode"), [("round", ROUND_HALF_UP), ("truncate", ROUND_DOWN)])
@pytest.mark.parametrize("target", [pl.Int64(), pl.Int8(), pl.Decimal(6, 2), pl.Decimal(30, 6)], ids=str)
@given(values=st.lists(st.decimals(-(10**6), 10**6, places=4), min_size=50))
def test_allowed_loss_between_numbers_is_rounded_or_cut_and_told(how, mode, target, values):
    scale = target.scale if isinstance(target, pl.Decimal) else 0
    limit = 10 ** (target.precision - scale) if isinstance(target, pl.Decimal) else 2**63 if target == pl.Int64 else 128
    expected = []
    for value in values:
        wanted = value.quantize(Decimal(1).scaleb(-scale), rounding=mode) if scale < 4 else value
        is_held = -limit <= wanted < limit if target.is_integer() else abs(wanted) < limit
        expected.append((wanted, wanted != value) if is_held else (LOST, False))
    found = list(zip(*cast_and_count(values, target, pl.Decimal(20, 4), lossy=how), strict=True))
    assert found == expected


@pytest.mark.parametrize("how", ["round", "truncate"])
@pytest.mark.parametrize("target", [pl.Int64(), pl.Decimal(12, 2)], ids=str)
@given(numbers=st.lists(FLOATS, min_size=50))
def test_allowed_loss_of_a_float_is_less_than_its_last_place(how, target, numbers):
    unit = Fraction(1, 100) if isinstance(target, pl.Decimal) else Fraction(1)
    limit = 10**10 if isinstance(target, pl.Decimal) else 2**63
    for x, got, lost in zip(numbers, *cast_and_count(numbers, target, pl.Float64(), lossy=how), strict=True):
        if not math.isfinite(x) or abs(x) >= limit:
            assert got is LOST
        elif got is LOST:
            assert abs(x) > limit - 1
        else:
            distance = abs(Fraction(got) - Fraction(x))
            assert distance <= (unit / 2 if how == "round" else unit) + Fraction(abs(x)) / 2**50
            assert how == "round" or abs(got) <= abs(Fraction(x)) + Fraction(abs(x)) / 2**50
            assert lost == (float(got) != x)


@given(st.lists(INTEGERS, min_size=50))
def test_whole_numbers_beyond_a_float_s_digits_may_be_rounded(numbers):
    found, lost = cast_and_count(numbers, pl.Float64(), pl.Int64(), lossy="round")
    assert found == [float(n) for n in numbers]
    assert lost == [float(n) != n or float(n) == 2.0**63 for n in numbers]


def test_no_loss_of_size_is_ever_allowed():
    assert cast_values([1e300, 0.1, math.inf, math.nan], pl.Float32(), pl.Float64(), lossy="round")[0] is LOST
    assert cast_values([300, -1], pl.UInt8(), pl.Int64(), lossy="round") == [LOST, LOST]
    assert cast_values([2], pl.Boolean(), pl.Int64()) == [LOST]
    found, lost = cast_and_count([0.1, math.inf, None, 0.5], pl.Float32(), pl.Float64(), lossy="round")
    assert (found[1:], lost) == ([math.inf, None, 0.5], [True, False, False, False])


@given(st.lists(st.times(), min_size=50))
def test_time_of_day_goes_to_text_and_back(times):
    texts = cast_values(times, pl.String(), pl.Time())
    assert cast_values(texts, pl.Time()) == times


@given(st.lists(st.integers(-(2**127), 2**127 - 1), min_size=50))
def test_128_bit_integers(numbers):
    assert cast_values([str(n) for n in numbers], pl.Int128()) == numbers
    narrow = [n if -(2**63) <= n < 2**63 else LOST for n in numbers]
    assert cast_values(numbers, pl.Int64(), pl.Int128()) == narrow
    wide = [n if abs(n) < 10**38 else LOST for n in numbers]
    assert cast_values(numbers, pl.Decimal(38, 0), pl.Int128()) == wide


@given(st.lists(st.timedeltas(timedelta(-(10**5)), timedelta(10**5)), min_size=50))
def test_duration_of_a_coarser_unit(spans):
    whole = [LOST if span.microseconds % 1000 else span for span in spans]
    assert cast_values(spans, pl.Duration("ms"), pl.Duration("us")) == whole
