"""Calendars without holes, held against a walk from window to window."""

import random
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.windows import fill_calendar
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle.windows import missing

pytestmark = pytest.mark.drawn(2)

CHANGES = {
    "UTC": date(2024, 2, 29),
    "Europe/Berlin": date(2024, 10, 27),
    "America/Havana": date(2024, 11, 3),
    "America/Santiago": date(2024, 9, 8),
    "Australia/Lord_Howe": date(2024, 4, 7),
    "Pacific/Apia": date(2011, 12, 30),
}
USERS, SLOTS = 30, 6 * 24 * 2
POPULATIONS = st.lists(st.integers(0, USERS * SLOTS - 1), min_size=60, max_size=100)
"""Each number is a user and half an hour in the six days around a change; 0 stands for null."""
SCHEMA = {"user": pl.Int64, "at": pl.Datetime("us", "UTC"), "n": pl.Int64}
FILLED = pl.col("is_filled")


def history(population, day: date) -> list[tuple]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=3)
    split = [divmod(n, SLOTS) for n in population]
    return [(user or None, start + slot * timedelta(minutes=30) if slot else None, 1) for user, slot in split]


def frame(rows, zone="UTC") -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(pl.col("at").dt.convert_time_zone(zone))


@pytest.mark.parametrize("zone", CHANGES)
@given(POPULATIONS, st.sampled_from(["30m", "1h", "6h", "1d", "1w", "1mo"]), st.sampled_from([None, "frame", 1, 60]))
def test_the_windows_added_are_those_that_a_walk_finds_missing(zone, population, every, until):
    rows = history(population, CHANGES[zone])
    known = [time for _, time, _ in rows if time]
    last = max(known) + timedelta(hours=until) if isinstance(until, int) else max(known) if until else None
    given_until = last if isinstance(until, int) else until
    whole = frame(rows, zone).lazy().pipe(fill_calendar, by="user", time="at", every=every, until=given_until)
    found = whole.with_columns(pl.col("at").dt.convert_time_zone("UTC")).collect()
    added = found.filter(FILLED).select("user", "at").rows()
    assert sorted(added, key=str) == sorted(missing(rows, every, zone, last), key=str)
    kept = found.filter(~FILLED).drop("is_filled")
    assert kept.sort("user", "at").equals(frame(rows).sort("user", "at"))


def test_a_day_that_a_zone_has_skipped_is_not_filled_in():
    at = [datetime(2011, 12, 29, 12, tzinfo=UTC), datetime(2012, 1, 1, 12, tzinfo=UTC)]
    rows = pl.LazyFrame({"at": at}).with_columns(pl.col("at").dt.convert_time_zone("Pacific/Apia"))
    found = rows.pipe(fill_calendar, by=(), time="at", every="1d").sort("at").collect()
    assert found["at"].dt.strftime("%m-%d").to_list() == ["12-29", "12-31", "01-01", "01-02"]


def test_dates_are_filled_with_dates_and_the_values_given():
    rows = pl.LazyFrame({"day": [date(2024, 2, 28), date(2024, 3, 1)], "n": [1, 2], "note": ["a", "b"]})
    found = rows.pipe(fill_calendar, by=(), time="day", every="1d", until=date(2024, 3, 2), fill={"n": 0})
    assert found.sort("day").collect().rows() == [
        (date(2024, 2, 28), 1, "a", False),
        (date(2024, 2, 29), 0, None, True),
        (date(2024, 3, 1), 2, "b", False),
        (date(2024, 3, 2), 0, None, True),
    ]


def test_a_date_is_the_end_of_times_in_their_zone():
    rows = frame([(1, datetime(2024, 6, 1, tzinfo=UTC), 1)], "Asia/Tokyo").lazy()
    found = rows.pipe(fill_calendar, by="user", time="at", every="12h", until=date(2024, 6, 3)).collect()
    assert found.sort("at")["at"].dt.strftime("%d %H").to_list() == ["01 09", "01 12", "02 00", "02 12", "03 00"]


def test_an_end_before_the_last_row_takes_nothing_away():
    rows = pl.LazyFrame({"day": [date(2024, 3, 1), date(2024, 3, 3)]})
    found = rows.pipe(fill_calendar, by=(), time="day", every="1d", until=date(2024, 3, 2)).collect()
    assert found.sort("day").rows() == [(date(2024, 3, d), d == 2) for d in (1, 2, 3)]


@pytest.mark.parametrize("rows", [[], [(None, None, None)] * 2])
def test_frames_without_times_stay_as_they_are(rows):
    found = frame(rows).lazy().pipe(fill_calendar, by="user", time="at", every="1h", until="frame").collect()
    assert found.rows() == [(*row, False) for row in rows]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": "att"}, "there is no column 'att' (did you mean 'at'?)"),
        ({"every": "5h"}, "every='5h' does not divide a day; give one that does, or whole days ('1d')"),
        ({"into": "n"}, "adds the column n, which is there already; rename or drop it"),
        ({"fill": {"m": 0}}, "there is no column 'm' (known: at, day, n, user)"),
        ({"fill": {"user": 0}}, "two columns of the result would be named 'user'; rename one of each"),
        ({"until": "end"}, "until='end' is unknown; give 'frame', a date or a datetime"),
        (
            {"until": datetime(2024, 1, 1)},  # noqa: DTZ001 - that it has no zone is what is refused
            "until=2024-01-01 00:00:00 has no zone and the times have; give it as the times are",
        ),
        (
            {"until": datetime(2024, 1, 1, tzinfo=UTC), "time": "day", "every": "1d"},
            "until=2024-01-01 00:00:00+00:00 is a datetime and the times are dates; give a date",
        ),
    ],
)
def test_what_cannot_be_done_is_said_when_the_plan_is_built(options, message):
    rows = frame([]).lazy().with_columns(day=pl.lit(None, dtype=pl.Date))
    with pytest.raises(TransformError) as caught:
        fill_calendar(rows, **{"by": "user", "time": "at", "every": "1h", **options})
    assert str(caught.value) == f"fill_calendar: {message}"


@pytest.mark.parametrize("every", ["1h", "1d"])
def test_it_is_lazy_streams_and_is_the_same_on_every_engine_and_by_parts(every):
    def transform(rows):
        return rows.pipe(fill_calendar, by="user", time="at", every=every, fill={"n": 0})

    rng = random.Random(3)
    rows = frame(history([rng.randrange(USERS * SLOTS) for _ in range(200)], date(2024, 11, 3)), "America/Havana")
    whole = same_everywhere(transform, rows, sort_by=["user", "at"])
    assert by_parts(transform, rows, "user").sort("user", "at").equals(whole)
    assert_lazy(transform, SCHEMA)
    assert fallbacks(transform(rows.lazy())) == []
