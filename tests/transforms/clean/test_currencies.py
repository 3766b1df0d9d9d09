"""Conversion: held against looking up each row's rate in a loop, in exact decimals."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from framework.errors import TransformError
from framework.transforms.clean import Rates, convert_currency
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle.clean_money import converted

pytestmark = pytest.mark.drawn(2)

DAY_0 = date(2024, 1, 1)
DAYS = [None, *(DAY_0 + timedelta(days=n) for n in range(12))]
CURRENCIES = [None, "EUR", *(f"C{number:02}" for number in range(6))]
RATES = [None, *(Decimal(text) for text in ("0", "-1", "0.00000001", "0.5", "0.33333333", "1.005", "161.23456789"))]
AMOUNTS = [
    None,
    *(Decimal(text) for text in ("0.000", "0.001", "-0.003", "-0.01", "0.05", "-2.50", "10.005", "99999999999.999")),
]
SCALE = 3
AMOUNT, RATE = pl.Decimal(20, SCALE), pl.Decimal(20, 8)
SALE = {"amount": AMOUNT, "currency": pl.String, "day": pl.Date}
TABLE = {"currency": pl.String, "valid_from": pl.Date, "rate": RATE}
OPTIONS = {"amount": "amount", "currency": "currency", "date": "day", "into": "amount_eur", "mark": "unconverted"}


def picked(*columns):
    """Rows that take one value of each column, by one number: one draw for hypothesis."""

    def row(number):
        values = []
        for column in columns:
            number, place = divmod(number, len(column))
            values.append(column[place])
        return tuple(values)

    size = 1
    for column in columns:
        size *= len(column)
    return st.integers(0, size - 1).map(row)


TABLES = st.lists(picked(CURRENCIES, DAYS, RATES), min_size=25, max_size=60)
POPULATION = st.lists(picked(AMOUNTS, CURRENCIES, DAYS), min_size=60, max_size=120)


def sales(rows, amount=AMOUNT) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SALE | {"amount": amount}, orient="row")


def table(rows, rate=RATE, **options) -> Rates:
    return Rates(pl.LazyFrame(rows, schema=TABLE | {"rate": rate}, orient="row"), **options)


@given(POPULATION, TABLES, st.sampled_from([None, 1, 3, 30]))
def test_amounts_are_what_looking_up_each_rate_in_a_loop_gives(rows, rates, max_age):
    age = None if max_age is None else timedelta(days=max_age)
    found = sales(rows).lazy().pipe(convert_currency, table(rates, max_age=age), **OPTIONS).collect()
    expected = [converted(*row, rates, to="EUR", scale=SCALE, max_age=max_age) for row in rows]
    assert found["amount_eur"].to_list() == expected
    marked = [row[0] is not None and value is None for row, value in zip(rows, expected, strict=True)]
    assert found["unconverted"].to_list() == marked
    assert found.select(SALE.keys()).equals(sales(rows))


@given(POPULATION, TABLES)
def test_it_is_the_same_whole_in_parts_and_on_every_engine(rows, rates):
    def transform(given):
        return given.pipe(convert_currency, table(rates), **OPTIONS)

    whole = same_everywhere(transform, sales(rows))
    assert_frame_equal(whole, by_parts(transform, sales(rows), "currency"), check_row_order=False)
    shuffled = table(list(reversed(rates)))
    again = sales(rows).lazy().pipe(convert_currency, shuffled, **OPTIONS).collect()
    assert_frame_equal(whole, again, check_row_order=False)


def euros(amounts, rates, *, day=DAY_0, **options) -> pl.DataFrame:
    rows = pl.LazyFrame({"amount": amounts, "currency": "USD", "day": day})
    given = {name: options.pop(name) for name in ("to", "max_age") if name in options}
    return rows.pipe(convert_currency, Rates(rates, **given), **OPTIONS, **options).collect()


def test_the_result_is_rounded_once_half_away_from_zero():
    amounts = pl.Series([Decimal("0.05"), Decimal("-0.05"), Decimal("0.15")], dtype=pl.Decimal(10, 2))
    rates = pl.LazyFrame([("USD", DAY_0, Decimal("0.1"))], schema=TABLE, orient="row")
    found = euros(amounts, rates)["amount_eur"]
    assert found.to_list() == [Decimal("0.01"), Decimal("-0.01"), Decimal("0.02")]
    assert found.dtype == pl.Decimal(38, 2)


@pytest.mark.parametrize(("digits", "rate"), [(30, "161.2"), (27, "161.2"), (34, "0.00000001")])
def test_a_product_that_no_decimal_holds_is_null_and_fails_nobody_else(digits, rate):
    amounts = pl.Series([Decimal("1" * digits), Decimal("-" + "1" * digits), Decimal(2)], dtype=pl.Decimal(38, 2))
    rates = pl.LazyFrame([("USD", DAY_0, Decimal(rate))], schema=TABLE, orient="row")
    found = euros(amounts, rates)
    assert found["amount_eur"].to_list() == [None, None, round(2 * Decimal(rate), 2)]
    assert found["unconverted"].to_list() == [True, True, False]


def test_a_rate_that_fits_no_result_is_no_rate():
    rates = pl.LazyFrame([("USD", DAY_0, 10**17)], schema=TABLE | {"rate": pl.Int64}, orient="row")
    amounts = pl.Series([Decimal("1e-18")], dtype=pl.Decimal(38, 30))
    assert euros(amounts, rates)["amount_eur"].to_list() == [None]


def test_two_different_rates_of_a_day_hold_nothing_until_the_next_and_equal_ones_count_once():
    next_day = DAY_0 + timedelta(days=2)
    two = [("USD", DAY_0, Decimal(1)), ("USD", DAY_0, Decimal(2)), ("USD", next_day, Decimal(3))]
    earlier = [("USD", DAY_0 - timedelta(days=9), Decimal(9))]
    rows = [(Decimal(1), "USD", DAY_0 + timedelta(days=n)) for n in range(4)]
    found = sales(rows).lazy().pipe(convert_currency, table([*two, *earlier]), **OPTIONS).collect()
    assert found["amount_eur"].to_list() == [None, None, 3, 3]
    same = sales(rows).lazy().pipe(convert_currency, table([*two[::2], *two[::2]]), **OPTIONS).collect()
    assert same["amount_eur"].to_list() == [1, 1, 3, 3]


def test_floats_are_multiplied_as_floats_and_keep_their_width():
    for kind in (pl.Float64, pl.Float32):
        rates = pl.LazyFrame(
            [("USD", DAY_0, 0.5), ("GBP", DAY_0, float("nan"))], schema=TABLE | {"rate": pl.Float64}, orient="row"
        )
        found = euros(pl.Series([1.25, float("inf")], dtype=kind), rates)["amount_eur"]
        assert (found.dtype, found.to_list()) == (kind, [0.625, float("inf")])


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_float_that_is_no_rate_converts_nothing(rate):
    rates = pl.LazyFrame([("USD", DAY_0, rate)], schema=TABLE | {"rate": pl.Float64}, orient="row")
    assert euros([1.0], rates).select("amount_eur", "unconverted").rows() == [(None, True)]


def test_an_age_counts_days_between_the_rate_and_the_row():
    rows = [(Decimal(1), "USD", DAY_0 + timedelta(days=n)) for n in (-1, 0, 7, 8)]
    rates = table([("USD", DAY_0, Decimal(2))], max_age="7d")
    found = sales(rows).lazy().pipe(convert_currency, rates, **OPTIONS).collect()
    assert found["amount_eur"].to_list() == [None, 2, 2, None]


def test_the_unit_itself_needs_no_rate_and_no_date():
    rows = sales([(Decimal(5), "USD", None), (Decimal(5), "EUR", DAY_0)])
    found = rows.lazy().pipe(convert_currency, table([], to="USD"), **OPTIONS).collect()
    assert found["amount_eur"].to_list() == [5, None]


def test_rates_of_one_day_in_the_far_past_cost_days_and_not_rows():
    rows = sales([(Decimal(1), "C00", DAY_0)] * 10_000)
    rates = table([("C00", date(1900, 1, 1), Decimal(2)), ("C00", date(2030, 1, 1), Decimal(3))])
    assert rows.lazy().pipe(convert_currency, rates, **OPTIONS).collect()["amount_eur"].unique().to_list() == [2]


def test_it_is_lazy_on_both_sides_streams_and_takes_empty_frames():
    assert_lazy(lambda rows: rows.pipe(convert_currency, table([]), **OPTIONS), SALE)
    assert_lazy(lambda rates: sales([]).lazy().pipe(convert_currency, Rates(rates), **OPTIONS), TABLE)
    for age in (None, "3d"):
        assert fallbacks(sales([]).lazy().pipe(convert_currency, table([], max_age=age), **OPTIONS)) == []
    found = sales([]).lazy().pipe(convert_currency, table([]), **OPTIONS).collect()
    assert found.schema == SALE | {"amount_eur": pl.Decimal(38, SCALE), "unconverted": pl.Boolean}
    nulls = sales([(None, None, None)] * 3).lazy().pipe(convert_currency, table([]), **OPTIONS).collect()
    assert nulls.select("amount_eur", "unconverted").rows() == [(None, False)] * 3


@pytest.mark.parametrize(
    ("columns", "rate", "options", "message"),
    [
        (
            {"amount": pl.Int64},
            RATE,
            {},
            (
                "convert_currency: column 'amount' is Int64, expected Decimal or a float: "
                "cast whole units to the scale that the result shall have, `pl.Decimal(38, 2)`"
            ),
        ),
        (
            {},
            pl.Float64,
            {},
            (
                "convert_currency: rates: column 'rate' is Float64, expected Decimal or an integer, "
                "for the amounts are Decimal and stay exact: cast it, `pl.Decimal(18, 8)`"
            ),
        ),
        (
            {"day": pl.Datetime("us", "UTC")},
            RATE,
            {},
            (
                "convert_currency: column 'day' is Datetime(time_unit='us', time_zone='UTC'), "
                "expected Date: take the day in the zone you mean"
            ),
        ),
        (
            {"amount": pl.Decimal(38, 20)},
            pl.Decimal(38, 20),
            {},
            (
                "convert_currency: scales 20 of 'amount' and 20 of the rates leave no digit before the point; "
                "cast one of them to fewer places"
            ),
        ),
        (
            {},
            RATE,
            {"max_age": "36h"},
            "convert_currency: max_age='36h' is no whole number of days, and rates are dated by day",
        ),
    ],
)
def test_what_is_wrong_is_said_when_the_plan_is_built(columns, rate, options, message):
    rows = pl.LazyFrame(schema=SALE | columns)
    with pytest.raises(TransformError) as caught:
        rows.pipe(convert_currency, table([], rate=rate, **options), **OPTIONS)
    assert str(caught.value) == message


def test_rates_without_their_columns_are_refused_by_name():
    rates = Rates(pl.LazyFrame(schema={"currency": pl.String, "valid": pl.Date, "rate": RATE}))
    with pytest.raises(TransformError) as caught:
        sales([]).lazy().pipe(convert_currency, rates, **OPTIONS)
    assert str(caught.value) == "convert_currency: rates: there is no column 'valid_from' (did you mean 'valid'?)"


def test_times_are_refused_as_dates_of_rates():
    rates = Rates(pl.LazyFrame({"currency": ["USD"], "valid_from": [datetime(2024, 1, 1, tzinfo=UTC)], "rate": [1.0]}))
    with pytest.raises(TransformError, match="rates: column 'valid_from' is Datetime"):
        sales([]).lazy().pipe(convert_currency, rates, **OPTIONS)
