"""Last known values, held against a reading of every row's past."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.events import fill_last_known
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle import events as oracle

pytestmark = pytest.mark.drawn(2)

START = datetime(2024, 3, 30, tzinfo=UTC)
SCHEMA = {"key": pl.Int64, "at": pl.Datetime("us", "UTC"), "value": pl.Int64}
HISTORIES = st.lists(
    st.tuples(
        st.none() | st.integers(0, 40),
        st.none() | st.integers(0, 8).map(lambda hours: START + timedelta(hours=hours)),
        st.none() | st.integers(0, 9),
    ),
    min_size=100,
    max_size=300,
)


def frame(rows, schema=SCHEMA) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=schema, orient="row")


def filled(rows, **options) -> list:
    plan = frame(rows).pipe(fill_last_known, "value", by="key", order="at", **options)
    return plan.collect().select("value", "is_fallback").rows()


def hours(*values) -> list:
    """Rows of one key, one an hour."""
    return [("a", START + timedelta(hours=i), value) for i, value in enumerate(values)]


@given(HISTORIES, st.none() | st.integers(1, 4).map(lambda hours: timedelta(hours=hours)))
def test_every_null_has_the_last_value_known_before_it_or_stays(rows, max_age):
    plan = frame(rows).pipe(fill_last_known, "value", by="key", order="at", max_age=max_age)
    expected = oracle.fill_last_known(rows, max_age=max_age)
    for engine in ("streaming", "in-memory"):
        result = plan.collect(engine=engine)
        assert result.select("key", "at").rows() == [(key, at) for key, at, _ in rows]
        assert result.select("value", "is_fallback").rows() == expected


def test_an_age_of_exactly_the_limit_is_within_it():
    rows = [(1, START, 5), (1, START + timedelta(hours=1), None), (1, START + timedelta(hours=1, microseconds=1), None)]
    assert filled(rows, max_age="1h") == [(5, False), (5, True), (None, False)]


def test_nothing_is_filled_backwards_or_from_the_same_time():
    rows = [(1, START, None), (1, START, 7), (1, START + timedelta(hours=1), None)]
    assert filled(rows) == [(None, False), (7, False), (7, True)]


def test_of_several_values_of_one_time_the_greatest_holds_in_whatever_order_they_come():
    rows = [(1, START, 3), (1, START, 9), (1, START, 4), (1, START + timedelta(1), None)]
    assert filled(rows)[-1] == filled([rows[1], rows[2], rows[0], rows[3]])[-1] == (9, True)


def test_a_newer_value_that_is_too_old_is_not_passed_over_for_an_older_one():
    rows = [(1, START, 3), (1, START + timedelta(hours=1), 4), (1, START + timedelta(hours=3), None)]
    assert filled(rows, max_age="1h") == [(3, False), (4, False), (None, False)]


def test_columns_are_filled_each_for_itself_and_the_mark_says_that_any_was():
    schema = {"key": pl.Int64, "day": pl.Date, "rate": pl.Decimal(8, 4), "name": pl.String}
    rows = [
        (1, date(2024, 1, 1), Decimal("1.1000"), None),
        (1, date(2024, 1, 2), None, "euro"),
        (1, date(2024, 1, 3), None, None),
    ]
    plan = frame(rows, schema).pipe(fill_last_known, ["rate", "name"], by="key", order="day", max_age="1d", mark="old")
    assert plan.collect().select("rate", "name", "old").rows() == [
        (Decimal("1.1000"), None, False),
        (Decimal("1.1000"), "euro", True),
        (None, "euro", True),
    ]


def test_a_whole_number_can_order_rows_where_no_age_is_asked_for():
    rows = pl.LazyFrame({"k": ["a", "a"], "line": [2, 1], "v": [None, True]})
    plan = rows.pipe(fill_last_known, "v", by="k", order="line")
    assert plan.collect()["v"].to_list() == [True, True]


def test_ages_are_counted_in_instants_across_a_change_of_clocks():
    vienna = pl.Series(["2024-03-30 12:00", "2024-03-31 12:00"]).str.to_datetime("%F %R", time_zone="Europe/Vienna")
    rows = pl.LazyFrame({"k": [1, 1], "at": vienna, "v": [5, None]})
    plan = rows.pipe(fill_last_known, "v", by="k", order="at", max_age="23h")
    assert plan.collect()["v"].to_list() == [5, 5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "valu"}, "fill_last_known: there is no column 'valu' (did you mean 'value'?)"),
        ({"by": "keys"}, "fill_last_known: there is no column 'keys' (did you mean 'key'?)"),
        ({"mark": "at"}, "fill_last_known: adds the column at, which is there already; rename or drop it"),
        (
            {"columns": ["value", "at"]},
            "fill_last_known: column 'at' is to be filled, but it is in `by` or `order` as well",
        ),
        ({"columns": []}, "fill_last_known: `columns` names nothing to fill"),
        ({"by": []}, "fill_last_known: `by` names no key"),
        (
            {"columns": "tags"},
            "fill_last_known: column 'tags' is Object, expected a type with an order",
        ),
        (
            {"order": "line", "max_age": "1d"},
            "fill_last_known: column 'line' is Int64, expected Date or Datetime, which an age is counted in",
        ),
        ({"max_age": "0h"}, "fill_last_known: max_age='0h' must be above zero"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, message):
    rows = pl.LazyFrame(schema=SCHEMA | {"tags": pl.Object, "line": pl.Int64})
    with pytest.raises(TransformError) as caught:
        fill_last_known(rows, **{"columns": "value", "by": "key", "order": "at"} | options)
    assert str(caught.value) == message


def test_no_rows_and_a_column_of_nulls_are_fine():
    assert filled([]) == []
    assert filled([(1, START, None), (1, START + timedelta(1), None)]) == [(None, False)] * 2


def test_a_key_of_many_rows_is_filled_in_one_pass():
    rows = pl.LazyFrame({"key": 1, "line": range(300_000), "value": [1] + [None] * 299_999})
    result = rows.pipe(fill_last_known, "value", by="key", order="line").select(pl.col("value", "is_fallback").sum())
    assert result.collect().row(0) == (300_000, 299_999)


def test_it_is_lazy_streams_and_is_the_same_on_every_engine_and_in_parts():
    def transform(rows):
        return rows.pipe(fill_last_known, "value", by=["key"], order="at", max_age="2h")

    rows = pl.DataFrame(
        {"key": [n % 7 if n % 11 else None for n in range(200)], "n": range(200)},
    ).with_columns(
        at=pl.lit(START) + pl.duration(hours=pl.col("n") * 7919 % 23),
        value=pl.when(pl.col("n") % 3 == 0).then("n"),
    )
    assert_lazy(transform, SCHEMA)
    assert fallbacks(transform(rows.lazy())) == []
    whole = same_everywhere(transform, rows, sort_by=["n"])
    assert by_parts(transform, rows, "key").sort("n").equals(whole)
