"""The touches of each conversion, held against the definition in plain loops."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from framework.errors import TransformError
from framework.transforms.journeys import Lookback, find_journeys
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.journeys.populations import (
    ORDER_TYPES,
    START,
    TOUCH_TYPES,
    cents,
    orders_of,
    populations,
    touches_of,
)
from tests.transforms.oracle import journeys as slow

pytestmark = pytest.mark.drawn(2)

KEYS = {"by": "user", "touch_time": ("at", "touch"), "conversion_time": "bought_at", "conversion": "order"}
LENGTHS = "expected a length of time such as '30m', '1h30m' or '7d'"
HOUR = timedelta(hours=1)


def found(touches, orders, lookback, **options) -> pl.LazyFrame:
    return touches.lazy().pipe(find_journeys, orders.lazy(), lookback=lookback, **{**KEYS, **options})


def assert_same(plan: pl.LazyFrame, expected: list[dict], engine: str) -> None:
    rows = plan.collect(engine=engine)
    slowly = pl.DataFrame(expected, schema=rows.schema) if expected else rows.clear()
    assert_frame_equal(rows, slowly.select(rows.columns), check_row_order=False)


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@given(
    populations(),
    st.sampled_from([timedelta(minutes=30), HOUR, 3 * HOUR, timedelta(days=9)]),
    st.booleans(),
    st.sampled_from([None, 1, 2, 3]),
)
def test_journeys_are_those_of_the_definition(engine, people, length, reuse, max_touches):
    touches, orders = people
    lookback = Lookback(length, reuse=reuse, max_touches=max_touches)
    expected = slow.journeys(touches.to_dicts(), orders.to_dicts(), length, reuse=reuse, max_touches=max_touches)
    assert_same(found(touches, orders, lookback), expected, engine)


def at(hours: float):
    return START + timedelta(hours=hours)


def test_touches_at_the_conversion_and_exactly_as_old_as_the_look_back_count_and_no_older():
    touches = touches_of([(n, 1, at(h), "mail") for n, h in enumerate([0, 1, 4, 4.001])])
    orders = orders_of([(7, 1, at(4), cents(100))])
    rows = found(touches, orders, "3h").sort("position").collect()
    assert rows.select("touch", "position", "touches", "age_s").rows() == [(1, 1, 2, 10800.0), (2, 2, 2, 0.0)]


@pytest.mark.parametrize(("reuse", "expected"), [(True, [1, 2, 2]), (False, [1, 1, 1])])
def test_a_touch_counts_for_every_conversion_or_for_the_next_one(reuse, expected):
    touches = touches_of([(1, 1, at(0), "mail"), (2, 1, at(1), "mail"), (3, 1, at(3), "mail")])
    orders = orders_of([(7, 1, at(0), None), (8, 1, at(2), None), (9, 1, at(3), None)])
    rows = found(touches, orders, Lookback("2h", reuse=reuse)).group_by("order").agg(pl.col("touches").first())
    assert rows.sort("order").collect()["touches"].to_list() == expected


def test_an_order_delivered_twice_is_one_conversion_at_its_earliest_time():
    touches = touches_of([(1, 1, at(0), "mail"), (2, 1, at(2), "mail")])
    orders = orders_of([(7, 1, at(3), cents(5)), (7, 1, at(1), cents(6)), (7, 1, at(1), cents(4))])
    rows = found(touches, orders, "9h").collect()
    assert rows.select("order", "bought_at", "value", "touch", "touches").rows() == [(7, at(1), cents(4), 1, 1)]


def test_conversions_without_key_time_or_id_stay_without_touches():
    touches = touches_of([(1, 1, at(0), "mail"), (2, None, at(0), "mail"), (3, 1, None, "mail")])
    orders = orders_of([(7, None, at(1), cents(1)), (8, 1, None, cents(2)), *[(None, 1, at(1), cents(3))] * 2])
    rows = found(touches, orders, "9h").collect()
    assert rows.height == 4
    assert rows["value"].sum() == cents(9)
    assert rows.select(pl.col("touch", "position").null_count(), pl.col("touches").sum()).row(0) == (4, 4, 0)


def test_touches_of_one_instant_stand_in_the_order_of_all_their_columns_unless_some_are_named():
    touches = touches_of([(2, 1, at(0), "a"), (1, 1, at(0), "b")])
    orders = orders_of([(7, 1, at(1), None)])
    by_all = found(touches, orders, "9h", touch_time="at").sort("position").collect()
    by_ad = found(touches, orders, "9h", touch_time=("at", "ad")).sort("position").collect()
    assert (by_all["touch"].to_list(), by_ad["touch"].to_list()) == ([1, 2], [2, 1])


def test_times_of_other_units_and_zones_are_compared_as_instants():
    touches = touches_of([(1, 1, at(0), "mail")]).with_columns(
        pl.col("at").dt.convert_time_zone("Asia/Tokyo").dt.cast_time_unit("ns")
    )
    orders = orders_of([(7, 1, at(0), None)]).with_columns(pl.col("bought_at").dt.cast_time_unit("ms"))
    later = orders.with_columns(pl.col("bought_at") + timedelta(seconds=2))
    assert found(touches, orders, "1us").collect().select("touches", "age_s").rows() == [(1, 0.0)]
    assert found(touches, later, "2s").collect().select("touches", "age_s").rows() == [(1, 2.0)]
    assert found(touches, later, "1999ms").collect()["touches"].to_list() == [0]


def test_the_hour_that_clocks_skip_is_no_part_of_an_age():
    zone = "Europe/Berlin"
    local = pl.Series(["2024-03-31 01:30"]).str.to_datetime("%Y-%m-%d %H:%M").dt.replace_time_zone(zone)
    touches = pl.DataFrame({"touch": [1], "user": [1], "at": local})
    orders = pl.DataFrame({"order": [1], "user": [1], "bought_at": local + timedelta(hours=1)})
    rows = found(touches, orders, "1h").collect()
    assert rows.select(pl.col("bought_at").dt.hour(), "touches", "age_s").row(0) == (3, 1, 3600.0)


@pytest.mark.parametrize("reuse", [True, False])
def test_a_user_with_very_many_touches_and_conversions_costs_what_the_result_has(reuse):
    count = 200_000
    seconds = pl.int_range(count, eager=True)
    times = pl.lit(START) + pl.duration(seconds=pl.col("touch"))
    touches = pl.DataFrame({"touch": seconds}).with_columns(user=1, at=times, ad=pl.lit("mail"))
    orders = touches.select(order="touch", user="user", bought_at="at").filter(pl.col("order") % 10 == 0)
    rows = found(touches, orders, Lookback("365d", reuse=reuse, max_touches=5)).collect()
    assert rows.height == 5 * orders.height - 4  # the first touch of all is an order's only one
    assert rows.select((pl.col("order") - pl.col("touch") + pl.col("position")).n_unique()).item() == 2


def test_empty_frames_give_no_rows_and_conversions_alone_stay():
    orders = orders_of([(7, 1, at(1), cents(1))])
    assert found(touches_of([]), orders_of([]), "1h").collect().height == 0
    assert found(touches_of([(1, 1, at(0), "mail")]), orders_of([]), "1h").collect().height == 0
    assert found(touches_of([]), orders, "1h").select("order", "touches").collect().rows() == [(7, 0)]


@given(populations())
def test_parts_by_user_give_what_the_whole_gives(people):
    touches, orders = people
    named = orders.drop_nulls("order").unique("order", keep="first", maintain_order=True)  # no id of two users
    both = pl.concat([touches, named], how="diagonal")

    def journeys(rows: pl.LazyFrame) -> pl.LazyFrame:
        ordered = rows.filter(pl.col("order").is_not_null()).select(*ORDER_TYPES)
        return found(rows.filter(pl.col("touch").is_not_null()).select(*TOUCH_TYPES), ordered, "3h")

    assert_frame_equal(journeys(both.lazy()).collect(), by_parts(journeys, both, "user"), check_row_order=False)


def test_it_is_lazy_streams_and_is_the_same_on_every_engine():
    orders = orders_of([(n, n % 3, at(n % 7), cents(n)) for n in range(20)])
    touches = touches_of([(n, n % 3, at(n % 5), "mail") for n in range(50)])
    assert_lazy(lambda rows: found(rows, orders, "2h"), TOUCH_TYPES)
    assert_lazy(lambda rows: found(touches, rows, "2h"), ORDER_TYPES)
    assert fallbacks(found(touches, orders, Lookback("2h", reuse=False, max_touches=2))) == []
    same_everywhere(lambda rows: found(rows, orders, "2h"), touches, sort_by=["order", "position"])
    same_everywhere(lambda rows: found(touches, rows, "2h"), orders, sort_by=["order", "position"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": []}, "find_journeys: by=[] names no column; name those that tell one user from another"),
        ({"by": "usr"}, "find_journeys: touches: there is no column 'usr' (did you mean 'user'?)"),
        (
            {"conversion": "id"},
            "find_journeys: conversions: there is no column 'id' (known: bought_at, order, user, value)",
        ),
        ({"touch_time": "touch"}, "find_journeys: column 'touch' is Int64, expected a Datetime"),
        (
            {"lookback": "a month"},
            f"find_journeys: lookback='a month' cannot be read; {LENGTHS}",
        ),
    ],
)
def test_what_cannot_be_worked_with_is_said_at_once(options, message):
    with pytest.raises(TransformError) as caught:
        found(touches_of([]), orders_of([]), **{"lookback": "1h", **options})
    assert str(caught.value) == message


def test_frames_that_do_not_fit_each_other_are_refused():
    touches, orders = touches_of([]), orders_of([])
    with pytest.raises(TransformError, match="touches and conversions both have the column at; rename it in one of"):
        found(touches, orders.rename({"value": "at"}), "1h")
    with pytest.raises(TransformError, match="column 'user' is Int64 in touches and String in conversions; cast one"):
        found(touches, orders.with_columns(pl.col("user").cast(pl.String)), "1h")
    with pytest.raises(TransformError, match="only one of them has a time zone; give the other its own"):
        found(touches.with_columns(pl.col("at").dt.replace_time_zone(None)), orders, "1h")
    with pytest.raises(TransformError, match="adds the column position, which is there already; rename or drop it"):
        found(touches.rename({"ad": "position"}), orders, "1h")


def test_a_journey_of_no_touches_cannot_be_asked_for():
    with pytest.raises(TransformError) as caught:
        Lookback("1h", max_touches=0)
    assert str(caught.value) == "find_journeys: max_touches=0 must be at least 1"
