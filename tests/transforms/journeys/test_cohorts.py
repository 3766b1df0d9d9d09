"""Cohorts and retention, held against counting entity by entity."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.journeys import cohorts, retention
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle import funnels as slow

pytestmark = pytest.mark.drawn(2)

TYPES = {"user": pl.Int64, "day": pl.Date}
BOTH = pytest.mark.parametrize("transform", [cohorts, retention])
WITHOUT_ZONE = "give it its own with dt.replace_time_zone, or leave out zone"
MONDAY = date(2023, 12, 25)
WINDOWS = {
    "1d": lambda d: (d - MONDAY).days,
    "1w": lambda d: (d - MONDAY).days // 7,
    "1mo": slow.month_number,
    "1q": lambda d: (slow.month_number(d) - 1) // 3,
    "1y": lambda d: d.year,
}


def events_of(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TYPES, orient="row")


def random_events(seed: int, users: int, days: int = 70) -> list:
    chance = Random(seed)
    some = lambda values: None if chance.random() < 0.03 else chance.choice(values)  # noqa: E731
    return [(some(range(users)), some([MONDAY + timedelta(n) for n in range(days)])) for _ in range(users * 3)]


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@pytest.mark.parametrize("every", WINDOWS)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_retention_is_what_counting_entity_by_entity_gives(engine, every, seed, users):
    rows = random_events(seed, users, days=20 if every == "1d" else 400 if every == "1y" else 70)
    number = WINDOWS[every]
    found = events_of(rows).lazy().pipe(retention, by="user", time="day", every=every).collect(engine=engine)
    expected = slow.retention([(e, None if d is None else number(d)) for e, d in rows])
    counted = [(number(c), offset, active, size) for c, offset, active, size, _ in found.rows()]
    assert counted == expected
    assert found["share"].to_list() == pytest.approx([active / size for _, _, active, size in expected])


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_cohorts_are_the_first_windows_and_offsets_count_from_there(seed, users):
    rows = random_events(seed, users)
    found = events_of(rows).lazy().pipe(cohorts, by="user", time="day", every="1w").collect()
    number = WINDOWS["1w"]
    first = {}
    for user, day in rows:
        if user is not None and day is not None:
            first[user] = min(first.get(user, day), day)
    for user, day, cohort, offset in found.rows():
        expected = first.get(user)
        assert cohort == (None if expected is None else expected - timedelta(expected.weekday()))
        assert offset == (None if expected is None or day is None else number(day) - number(expected))
    assert found.height == len(rows)


def test_the_zone_says_which_day_it_is_also_where_clocks_change():
    times = [datetime(2024, 3, 30, 23, 30, tzinfo=UTC), datetime(2024, 3, 31, 22, 30, tzinfo=UTC)]
    events = pl.LazyFrame({"user": [1, 1], "at": times})
    there = events.pipe(cohorts, by="user", time="at", every="1d", zone="Europe/Berlin").sort("at").collect()
    assert there.select("cohort", "offset").rows() == [(date(2024, 3, 31), 0), (date(2024, 3, 31), 1)]
    shown = events.pipe(cohorts, by="user", time="at", every="1mo").collect()
    assert shown.select("cohort", "offset").unique().rows() == [(date(2024, 3, 1), 0)]


def test_a_midnight_that_clocks_skip_breaks_no_day():
    events = pl.LazyFrame({"user": [1], "at": [datetime(2024, 4, 25, 22, 30, tzinfo=UTC)]})
    found = events.pipe(cohorts, by="user", time="at", every="1d", zone="Africa/Cairo").collect()
    assert found["cohort"].to_list() == [date(2024, 4, 26)]


def test_windows_of_several_units_are_counted_as_one():
    events = events_of([(1, date(2024, 1, 2)), (1, date(2024, 9, 3))])
    found = events.lazy().pipe(cohorts, by="user", time="day", every="2mo").sort("day").collect()
    assert found["offset"].to_list() == [0, 4]


@BOTH
def test_it_is_lazy_streams_and_is_the_same_on_every_engine(transform):
    events = events_of(random_events(seed=2, users=40))

    def by_week(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.pipe(transform, by="user", time="day", every="1w")

    assert_lazy(by_week, TYPES)
    assert fallbacks(by_week(events.lazy())) == []
    same_everywhere(by_week, events)


def test_cohorts_of_parts_by_user_are_those_of_the_whole():
    events = events_of(random_events(seed=2, users=40))

    def by_week(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.pipe(cohorts, by="user", time="day", every="1w")

    whole, parts = by_week(events.lazy()).collect(), by_parts(by_week, events, "user")
    assert whole.sort(whole.columns).equals(parts.sort(parts.columns))


@BOTH
def test_no_events_and_events_without_times_make_no_cohorts(transform):
    assert events_of([]).lazy().pipe(transform, by="user", time="day", every="1w").collect().height == 0
    found = events_of([(1, None), (None, MONDAY)]).lazy().pipe(transform, by="user", time="day", every="1w").collect()
    assert found["cohort"].drop_nulls().to_list() == []


@BOTH
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": []}, "by=[] names no column; name those that tell one user from another"),
        ({"by": "usr"}, "there is no column 'usr' (did you mean 'user'?)"),
        ({"time": "user"}, "column 'user' is Int64, expected a Datetime or a Date"),
        ({"every": "1h"}, "every='1h' cannot be read; expected calendar windows such as '1d', '1w', '1mo'"),
        (
            {"zone": "Europe/Berlin"},
            f"column 'day' is Date, which has no zone to be converted from; {WITHOUT_ZONE}",
        ),
    ],
)
def test_what_cannot_be_worked_with_is_said_at_once(transform, options, message):
    with pytest.raises(TransformError) as caught:
        events_of([]).lazy().pipe(transform, **{"by": "user", "time": "day", "every": "1w", **options})
    assert str(caught.value) == f"{transform.__name__}: {message}"
