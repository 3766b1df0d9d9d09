"""Tumbling windows, held against a calendar that is read minute by minute."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.windows import tumbling
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle.windows import window

pytestmark = pytest.mark.drawn(2)

SCHEMA = {"user": pl.Int64, "at": pl.Datetime("us", "UTC")}
COUNT = {"n": pl.len()}
CHANGES = {
    "UTC": (date(2024, 2, 29), date(2023, 12, 31)),
    "Europe/Berlin": (date(2024, 3, 31), date(2024, 10, 27)),
    "America/New_York": (date(2024, 3, 10), date(2024, 11, 3)),
    "America/Havana": (date(2024, 3, 10), date(2024, 11, 3)),
    "America/Santiago": (date(2024, 9, 8), date(2024, 4, 7)),
    "Atlantic/Azores": (date(2024, 3, 31), date(2024, 10, 27)),
    "Australia/Lord_Howe": (date(2024, 10, 6), date(2024, 4, 7)),
    "Asia/Kathmandu": (date(2024, 2, 29), date(2023, 12, 31)),
    "Pacific/Apia": (date(2011, 12, 30), date(2011, 9, 24)),
}
"""Zones and days on which something happens: an hour less, an hour more (at midnight in some), half an hour, no day."""
EVERY = ["15m", "1h", "2h", "6h", "12h", "1d", "1w", "1mo", "1q", "1y"]
USERS, SLOTS = 30, 4 * 24 * 4
POPULATIONS = st.lists(st.integers(0, USERS * SLOTS - 1), min_size=60, max_size=200)
"""Each number is a user and a quarter of an hour in the four days around a change; 0 stands for null."""


def frame(rows, schema=SCHEMA) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def events(population: list[int], day: date) -> list[tuple]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    split = [divmod(n, SLOTS) for n in population]
    return [(user or None, start + slot * timedelta(minutes=15) if slot else None) for user, slot in split]


@pytest.mark.parametrize("zone", CHANGES)
@given(POPULATIONS, st.sampled_from(EVERY), st.integers(0, 1))
def test_windows_are_those_of_the_calendar(zone, population, every, which):
    history = events(population, CHANGES[zone][which])
    expected = Counter((user, *(window(t, every, zone) if t else (None, None))) for user, t in history)
    result = frame(history).lazy().pipe(tumbling, COUNT, by="user", time="at", every=every, zone=zone).collect()
    bounds = pl.col("window_start", "window_end").dt.convert_time_zone("UTC")
    assert {row[:3]: row[3] for row in result.with_columns(bounds).rows()} == expected
    assert result.schema["window_start"] == result.schema["window_end"] == pl.Datetime("us", zone)


@pytest.mark.parametrize(("day", "hours"), [(date(2024, 3, 31), 23), (date(2024, 3, 30), 24), (date(2024, 10, 27), 25)])
def test_a_day_has_as_many_hourly_batches_as_hours(day, hours):
    every_minute = pl.datetime_range(
        datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1), timedelta(days=3) + day, "1m",
        time_zone="UTC", eager=True,
    )  # fmt: skip
    rows = pl.LazyFrame({"at": every_minute}).pipe(tumbling, COUNT, time="at", every="1h", zone="Europe/Berlin")
    batches = rows.filter(pl.col("window_start").dt.date() == day).collect()
    assert batches.height == hours
    assert set(batches["n"]) == {60}
    assert set(batches["window_end"] - batches["window_start"]) == {timedelta(hours=1)}


def test_a_zone_that_the_times_carry_is_the_one_that_counts():
    night = datetime(2024, 6, 1, 22, 30, tzinfo=UTC)
    rows = pl.LazyFrame({"at": [night]}).with_columns(pl.col("at").dt.convert_time_zone("Europe/Berlin"))
    found = rows.pipe(tumbling, COUNT, time="at", every="1d").collect()
    assert found["window_start"].dt.date().to_list() == [date(2024, 6, 2)]
    assert rows.pipe(tumbling, COUNT, time="at", every="1d", zone="UTC").collect()["window_start"].to_list() == [
        datetime(2024, 6, 1, tzinfo=UTC)
    ]


def test_times_without_a_zone_are_cut_as_the_clock_shows_them():
    rows = pl.LazyFrame({"at": ["2024-06-01 22:30"]}).select(pl.col("at").str.to_datetime("%Y-%m-%d %H:%M"))
    found = rows.pipe(tumbling, COUNT, time="at", every="6h").collect()
    assert found.select(pl.exclude("n").dt.strftime("%d %H")).rows() == [("01 18", "02 00")]


def test_dates_have_windows_of_dates():
    rows = pl.LazyFrame({"day": [date(2024, 2, 29), date(2024, 2, 1), None]})
    found = rows.pipe(tumbling, COUNT, time="day", every="1mo").collect().sort("n")
    assert found.rows() == [(None, None, 1), (date(2024, 2, 1), date(2024, 3, 1), 2)]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_bounds_have_the_unit_of_the_times(unit, zone):
    rows = pl.LazyFrame({"at": [datetime(1969, 6, 1, 22, 30, tzinfo=UTC)]}, schema={"at": pl.Datetime(unit, "UTC")})
    found = rows.pipe(tumbling, COUNT, time="at", every="30m", zone=zone).collect()
    assert found.schema["window_start"] == found.schema["window_end"] == pl.Datetime(unit, zone or "UTC")
    assert found["window_end"].to_list() == [datetime(1969, 6, 1, 23, tzinfo=UTC)]


def test_money_stays_exact_and_counts_can_be_written_to_a_table():
    rows = pl.LazyFrame({"day": [date(2024, 1, 1)] * 10, "cost": [Decimal("0.10")] * 10})
    asked = {"cost": pl.col("cost").sum(), "n": pl.len(), "kinds": pl.col("cost").n_unique()}
    found = rows.pipe(tumbling, asked, time="day", every="1d").select("cost", "n", "kinds").collect()
    assert found.rows() == [(Decimal("1.00"), 10, 1)]
    assert found.dtypes[1:] == [pl.Int64, pl.Int64]


@pytest.mark.parametrize("rows", [[], [(None, None)] * 3])
def test_frames_without_times_have_at_most_the_window_without_bounds(rows):
    found = frame(rows).lazy().pipe(tumbling, COUNT, by="user", time="at", every="1h", zone="Asia/Tokyo").collect()
    assert found.rows() == ([(None, None, None, 3)] if rows else [])


KINDS = "expected Date or Datetime (read text with str.to_date or str.to_datetime and its format)"
READ = "cannot be read; expected one length such as '15m', '1h' or '1d'"
DIVIDE = "does not divide a day; give one that does, or whole days ('1d')"
NAIVE = "zone='UTC' cannot be applied; say which zone its times are in with dt.replace_time_zone"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": "att"}, "there is no column 'att' (did you mean 'at'?)"),
        ({"time": "user"}, f"column 'user' is Int64, {KINDS}"),
        ({"every": "1 hour"}, f"every='1 hour' {READ}"),
        ({"every": "0h"}, f"every='0h' {READ}"),
        ({"every": "7h"}, f"every='7h' {DIVIDE}"),
        ({"every": "24h"}, f"every='24h' {DIVIDE}"),
        ({"zone": "Rome"}, "zone='Rome' is unknown; give a name of the IANA time zone database, like 'Europe/Berlin'"),
        ({"time": "naive", "zone": "UTC"}, f"column 'naive' has no zone, so {NAIVE}"),
        ({"time": "day", "zone": "UTC"}, "column 'day' is Date, which has no zone; leave out zone='UTC'"),
        ({"time": "day"}, "column 'day' is Date, which every='1h' cannot divide; give days"),
        ({"by": "n"}, "two columns of the result would be named 'n'; rename one of each"),
        ({"by": "window_end"}, "adds the column window_end, which is there already; rename or drop it"),
    ],
)
def test_what_cannot_be_done_is_said_when_the_plan_is_built(options, message):
    schema = {**SCHEMA, "naive": pl.Datetime("us"), "day": pl.Date, "n": pl.Int64, "window_end": pl.Int64}
    with pytest.raises(TransformError) as caught:
        frame([], schema).lazy().pipe(tumbling, COUNT, **{"time": "at", "every": "1h", **options})
    assert str(caught.value) == f"tumbling: {message}"


@pytest.mark.parametrize("every", ["1h", "1d"])
def test_it_is_lazy_streams_and_is_the_same_on_every_engine_and_by_parts(every):
    def transform(rows):
        return rows.pipe(tumbling, COUNT, by="user", time="at", every=every, zone="America/Havana")

    rows = frame(events(list(range(0, 10_000, 7)), date(2024, 11, 3)))
    whole = same_everywhere(transform, rows, sort_by=["user", "window_start"])
    assert by_parts(transform, rows, "user").sort("user", "window_start").equals(whole)
    assert_lazy(transform, SCHEMA)
    assert fallbacks(transform(rows.lazy())) == []
