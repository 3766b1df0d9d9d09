"""Daily spend and rolling return, held against a book kept by hand."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.windows import daily_spend, rolling_roi
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle.windows_money import last_days

pytestmark = pytest.mark.drawn(2)

MONEY = pl.Decimal(12, 2)
COSTS = {"ad": pl.String, "at": pl.Datetime("us", "UTC"), "cost": MONEY}
DAILY = {"ad": pl.Int64, "day": pl.Date, "cost": MONEY, "won": MONEY}
OPTIONS = {"spend": "cost", "revenue": "won", "day": "day", "by": "ad"}
ADS, DAYS = 25, 40
CENTS = st.none() | st.integers(-300, 900)
POPULATIONS = st.lists(st.tuples(st.integers(0, ADS * DAYS - 1), CENTS, CENTS), min_size=60, max_size=150)


def cents(n: int | None) -> Decimal | None:
    return None if n is None else Decimal(n).scaleb(-2)


def history(population) -> list[tuple]:
    split = [(*divmod(n, DAYS), spend, won) for n, spend, won in population]
    return [(ad or None, date(2024, 2, 20) + timedelta(days=d), cents(s), cents(w)) for ad, d, s, w in split]


def frame(rows, schema) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


@given(POPULATIONS, st.integers(1, 9))
def test_returns_are_those_of_a_book_over_calendar_days(population, days):
    rows = history(population)
    found = same_everywhere(lambda d: d.pipe(rolling_roi, **OPTIONS, days=[days]), frame(rows, DAILY))
    assert {row[:2]: row[2:] for row in found.rows()} == last_days(rows, days)


def test_refunds_lower_the_spend_and_are_counted():
    night = datetime(2024, 5, 31, 22, 30, tzinfo=UTC)
    rows = [
        ("a", night, cents(10)),
        ("a", night, cents(-4)),
        ("a", night, None),
        ("a", night, cents(0)),
        ("a", None, cents(1)),
    ]
    found = frame(rows, COSTS).lazy().pipe(daily_spend, spend="cost", time="at", by="ad", zone="Europe/Berlin")
    assert found.sort("day").collect().rows() == [
        ("a", None, Decimal("0.01"), 1, 0, 0),
        ("a", date(2024, 6, 1), Decimal("0.06"), 4, 1, 1),
    ]
    assert found.collect_schema().dtypes()[3:] == [pl.Int64] * 3


def test_a_day_of_25_hours_is_one_day_of_spend():
    hours = [datetime(2024, 11, 3, 4, tzinfo=UTC) + timedelta(hours=n) for n in range(25)]
    rows = frame([("a", hour, cents(100)) for hour in hours], COSTS).lazy()
    found = rows.pipe(daily_spend, spend="cost", time="at", zone="America/Havana").collect()
    assert found.rows() == [(date(2024, 11, 3), Decimal("25.00"), 25, 0, 0)]


def test_a_return_without_spend_above_zero_is_unknown():
    rows = [(1, date(2024, 1, 1), cents(0), cents(5)), (1, date(2024, 1, 2), cents(-1), cents(5))]
    found = frame(rows, DAILY).lazy().pipe(rolling_roi, **OPTIONS, days=[1]).collect()
    assert found["roi_1d"].to_list() == [None, None]


def test_rows_without_a_day_are_kept_and_have_no_last_days():
    rows = [(1, None, cents(7), cents(5)), (1, date(2024, 1, 2), cents(1), cents(5))]
    found = frame(rows, DAILY).lazy().pipe(rolling_roi, **OPTIONS, days=[7]).sort("day").collect()
    assert found.rows() == [
        (1, None, cents(7), cents(5), None, None, None),
        (1, date(2024, 1, 2), cents(1), cents(5), cents(1), cents(5), 4.0),
    ]


def test_without_a_key_all_rows_are_one():
    rows = frame(history([(7, 1, 2), (50, 3, 4)]), DAILY).lazy().drop("ad")
    found = rows.pipe(rolling_roi, **{**OPTIONS, "by": ()}, days=[28]).sort("day").collect()
    assert found.columns == ["day", "cost", "won", "cost_28d", "won_28d", "roi_28d"]
    assert found.row(-1)[1:] == (cents(3), cents(4), cents(4), cents(6), 0.5)


@pytest.mark.parametrize("rows", [[], [(None, None, None, None)]])
def test_frames_without_days_have_no_days(rows):
    found = frame(rows, DAILY).lazy().pipe(rolling_roi, **OPTIONS, days=[7]).collect()
    assert found.rows() == [(None, None, Decimal(0), Decimal(0), None, None, None) for _ in rows]
    costs = frame([], COSTS).lazy().pipe(daily_spend, spend="cost", time="at").collect()
    assert costs.rows() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spend": "costs"}, "there is no column 'costs' (did you mean 'cost'?)"),
        ({"day": "won"}, "column 'won' is Decimal(precision=12, scale=2), expected Date (dt.date() in its zone)"),
        ({"revenue": "day"}, "column 'day' is Date, expected a number (Decimal for money)"),
        ({"days": [7, 0]}, "days=[7, 0] must be counts of days above zero"),
        ({"by": "roi_7d"}, "adds the column roi_7d, which is there already; rename or drop it"),
    ],
)
def test_what_cannot_be_done_is_said_when_the_plan_is_built(options, message):
    with pytest.raises(TransformError) as caught:
        rolling_roi(frame([], {**DAILY, "roi_7d": pl.Int64}).lazy(), **{**OPTIONS, **options})
    assert str(caught.value) == f"rolling_roi: {message}"


def test_daily_spend_refuses_what_is_no_money_and_names_that_are_taken():
    costs = frame([], {**COSTS, "day": pl.Int64}).lazy()
    with pytest.raises(TransformError, match="daily_spend: column 'ad' is String, expected a number"):
        costs.pipe(daily_spend, spend="ad", time="at")
    with pytest.raises(TransformError, match="daily_spend: adds the column day, which is there already"):
        costs.pipe(daily_spend, spend="cost", time="at", by="day")


def test_both_are_lazy_stream_and_are_the_same_by_parts():
    def spent(rows):
        return rows.pipe(daily_spend, spend="cost", time="at", by="ad")

    def returned(rows):
        return rows.pipe(rolling_roi, **OPTIONS)

    rng = random.Random(2)
    daily = frame(history([(rng.randrange(ADS * DAYS), rng.randrange(9), 5) for _ in range(300)]), DAILY)
    costs = frame([(str(n % 7), datetime(2024, 1, n % 9 + 1, tzinfo=UTC), cents(n)) for n in range(99)], COSTS)
    for transform, rows in ((spent, costs), (returned, daily)):
        whole = same_everywhere(transform, rows, sort_by=["ad", "day"])
        assert by_parts(transform, rows, "ad").sort("ad", "day").equals(whole)
        assert_lazy(transform, rows.schema)
        assert fallbacks(transform(rows.lazy())) == []
