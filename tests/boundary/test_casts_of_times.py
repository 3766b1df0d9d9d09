"""Local times, times of day, durations and counts of units, each against Python's own clocks and calendars."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.boundary.casting import LOST, cast_and_count, cast_values

pytestmark = pytest.mark.drawn(2)

BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = pl.Datetime("us", "UTC")
CHANGES = [datetime(2024, 3, 31, 2, 30), datetime(2024, 10, 27, 2, 30)]  # noqa: DTZ001 - local times
NEAR_CHANGES = st.builds(lambda at, off: at + timedelta(minutes=off), st.sampled_from(CHANGES), st.integers(-180, 180))


def meanings(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """The moments at which the clocks of a zone show a time: none, one, or two, the earlier one first."""
    found = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(m for m in found if m.astimezone(zone).replace(tzinfo=None) == local)


@pytest.mark.parametrize("ambiguous", ["refuse", "earliest", "latest"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"])
@given(locals_=st.lists(st.one_of(NEAR_CHANGES, st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1))), min_size=60))  # noqa: DTZ001
def test_local_times_mean_what_the_clocks_of_their_zone_show(zone, ambiguous, locals_):
    whole = [moment.replace(microsecond=0) for moment in locals_]
    texts = [str(moment) for moment in whole]
    expected = []
    for moment in whole:
        found = meanings(moment, ZoneInfo(zone))
        is_clear = len(found) == 1 or (found and ambiguous != "refuse")
        expected.append((found[-1] if ambiguous == "latest" else found[0]) if is_clear else LOST)
    form = {"zone": zone, "ambiguous": ambiguous}
    assert cast_values(texts, MOMENT, **form) == expected
    assert cast_values(whole, MOMENT, pl.Datetime("us"), **form) == expected
    # Moments are compared in UTC: Python calls two that are shown twice by the clocks of different zones unequal.
    placed = cast_values(whole, pl.Datetime("us", zone), pl.Datetime("us"), **form)
    assert [LOST if moment is LOST else moment.astimezone(UTC) for moment in placed] == expected


def test_skipped_and_doubled_times():
    texts = ["2024-03-31 02:30:00", "2024-10-27 02:30:00", "2024-10-27 03:30:00"]
    last = datetime(2024, 10, 27, 2, 30, tzinfo=UTC)
    assert cast_values(texts, MOMENT, zone="Europe/Berlin") == [LOST, LOST, last]
    assert cast_values(texts, MOMENT, zone="Europe/Berlin", ambiguous="latest")[1] == last - timedelta(hours=1)
    assert cast_values(texts, MOMENT, zone="Europe/Berlin", ambiguous="earliest")[1] == last - timedelta(hours=2)
    assert cast_values(texts, MOMENT) == [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in texts]


def test_text_that_says_its_offset_is_not_local():
    noon = datetime(2024, 7, 1, 12, tzinfo=UTC)
    assert cast_values(["2024-07-01T12:00:00Z", "2024-07-01T14:00:00"], MOMENT, zone="Europe/Berlin") == [noon, noon]
    layouts = ["%Y-%m-%d %H:%M%z", "%Y-%m-%d %H:%M"]
    texts = ["2024-07-01 15:30+0330", "2024-07-01 14:00", "2024-07-01 14:00Z"]
    assert cast_values(texts, MOMENT, zone="Europe/Berlin", formats=layouts) == [noon, noon, LOST]


def test_dates_begin_at_midnight_of_the_zone():
    found = cast_values([date(2024, 7, 1)], MOMENT, pl.Date(), zone="Europe/Berlin")
    assert found == [datetime(2024, 6, 30, 22, tzinfo=UTC)]


@given(st.lists(st.times(), min_size=50))
def test_every_time_of_day_is_read(times):
    assert cast_values([t.isoformat() for t in times], pl.Time()) == times
    assert cast_values([f"{t:%H:%M}" for t in times], pl.Time()) == [t.replace(second=0, microsecond=0) for t in times]


TIMES = st.one_of(
    st.builds("{:02}:{:02}:{:02}".format, st.integers(0, 25), st.integers(0, 61), st.integers(0, 61)),
    st.text(st.sampled_from("0123:. -"), max_size=9),
)


@given(st.lists(TIMES, min_size=60))
def test_times_of_day_are_whole_or_lost(texts):
    for text, got in zip(texts, cast_values(texts, pl.Time()), strict=True):
        shape = re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9}0*)?)?", text)
        assert got == (time.fromisoformat(text[:15]) if shape else LOST)


def test_declared_form_of_a_time_of_day():
    found = cast_values(["02:05 PM", "1405", "14:05", "02:05"], pl.Time(), formats=["%I:%M %p", "%H%M"])
    assert found == [time(14, 5), time(14, 5), LOST, LOST]


def iso(weeks: int, days: int, hours: int, minutes: int, seconds: int, micros: int) -> str:
    fraction = f".{micros:06}" if micros else ""
    return f"P{weeks}W{days}DT{hours}H{minutes}M{seconds}{fraction}S"


PARTS = st.tuples(*[st.integers(0, n) for n in (50, 9999, 9999, 99, 99, 999_999)])


@given(parts=st.lists(PARTS, min_size=50), sign=st.sampled_from(["", "-", "+"]))
def test_every_duration_is_read_from_its_iso_form(parts, sign):
    spans = [
        timedelta(weeks=w, days=d, hours=h, minutes=m, seconds=s, microseconds=u) * (-1 if sign == "-" else 1)
        for w, d, h, m, s, u in parts
    ]
    assert cast_values([sign + iso(*part) for part in parts], pl.Duration("us")) == spans
    whole = [LOST if span.microseconds % 1000 else span for span in spans]
    assert cast_values([sign + iso(*part) for part in parts], pl.Duration("ms")) == whole


@given(st.lists(st.timedeltas(timedelta(-999), timedelta(999)), min_size=50))
def test_duration_goes_to_text_and_back(spans):
    texts = cast_values(spans, pl.String(), pl.Duration("us"))
    assert cast_values(texts, pl.Duration("us")) == spans


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("26:30:00", timedelta(hours=26, minutes=30)),
        ("-00:00:00.5", timedelta(seconds=-0.5)),
        ("PT0S", timedelta(0)),
        ("P2W", timedelta(weeks=2)),
        ("PT90M", timedelta(minutes=90)),
        ("P1D", timedelta(days=1)),
        ("P1Y", LOST),
        ("P1M", LOST),
        ("P", LOST),
        ("PT", LOST),
        ("P1DT", LOST),
        ("1:60:00", LOST),
        ("26:30", LOST),
        ("90", LOST),
        ("", LOST),
        ("PT1.5H", LOST),
        ("P999999999W", LOST),
        ("PT0.0000001S", LOST),
        ("PT0.1000000S", timedelta(seconds=0.1)),
    ],
)
def test_duration_in_text(text, expected):
    assert cast_values([text], pl.Duration("us")) == [expected]


UNITS = {
    "d": 86400 * 10**6,
    "h": 3600 * 10**6,
    "min": 60 * 10**6,
    "s": 10**6,
    "ms": 1000,
    "us": 1,
    "ns": Fraction(1, 1000),
}


@pytest.mark.parametrize("unit", UNITS)
@given(counts=st.lists(st.decimals(-100_000, 100_000, places=4), min_size=50))
def test_numbers_count_the_declared_unit(unit, counts):
    micros = [Fraction(str(count)) * UNITS[unit] for count in counts]
    spans = [timedelta(microseconds=int(m)) if m.denominator == 1 else LOST for m in micros]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert cast_values([str(c) for c in counts], pl.Duration("us"), time_unit=unit) == spans
    assert cast_values(counts, pl.Duration("us"), pl.Decimal(20, 4), time_unit=unit) == spans
    moments = [LOST if span is LOST else epoch + span for span in spans]
    assert cast_values([str(c) for c in counts], MOMENT, time_unit=unit) == moments
    whole = [int(count) for count in counts]
    days = [Fraction(n) * UNITS[unit] / UNITS["d"] for n in whole]
    dates = [epoch.date() + timedelta(int(d)) if d.denominator == 1 else LOST for d in days]
    assert cast_values(whole, pl.Date(), pl.Int64(), time_unit=unit) == dates


@given(st.lists(st.integers(-(10**15), 4 * 10**15), min_size=50))
def test_seconds_in_floats_are_read_to_the_microsecond(micros):
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    seconds = [n / 10**6 for n in micros]
    expected = [epoch + timedelta(microseconds=n) for n in micros]
    assert cast_values(seconds, MOMENT, pl.Float64(), time_unit="s") == expected


def test_counts_that_no_time_can_hold_are_lost():
    huge = [2**63 - 1, -(2**63), 2**62]
    assert cast_values(huge, pl.Duration("us"), pl.Int64(), time_unit="d") == [LOST, LOST, LOST]
    assert cast_values([float("nan"), float("inf"), 1e300, None], MOMENT, pl.Float64(), time_unit="s") == [
        LOST,
        LOST,
        LOST,
        None,
    ]


def test_time_of_day_on_a_date_is_lost_unless_it_may_be_cut_off():
    texts = ["2024-01-15 00:00", "2024-01-15 10:30", "2024-01-15"]
    layouts = ["%Y-%m-%d %H:%M"]
    day = date(2024, 1, 15)
    assert cast_values(texts, pl.Date(), formats=layouts) == [day, LOST, LOST]
    found, lost = cast_and_count(texts, pl.Date(), formats=layouts, lossy="truncate")
    assert (found, lost) == ([day, day, LOST], [False, True, False])
    noon = datetime(2024, 1, 15, 12)  # noqa: DTZ001
    assert cast_and_count([noon], pl.Date(), pl.Datetime("us"), lossy="truncate") == ([day], [True])


def test_finer_fractions_are_cut_off_where_that_is_allowed():
    texts = ["2024-01-15T10:30:00.1239Z", "2024-01-15T10:30:00.1230000000000Z", "2024-01-15T10:30:00Z", None]
    moment = datetime(2024, 1, 15, 10, 30, 0, 123000, tzinfo=UTC)
    found, lost = cast_and_count(texts, pl.Datetime("ms", "UTC"), lossy="truncate")
    assert found == [moment, moment, moment.replace(microsecond=0), None]
    assert lost == [True, False, False, False]
    assert cast_and_count(["PT0.12345678S"], pl.Duration("us"), lossy="truncate") == (
        [timedelta(seconds=0.123456)],
        [True],
    )
    typed = [datetime(2024, 1, 1, 0, 0, 0, 1500), datetime(1960, 1, 1, 0, 0, 0, 1500)]  # noqa: DTZ001
    found, lost = cast_and_count(typed, pl.Datetime("ms"), pl.Datetime("us"), lossy="truncate")
    assert found == [moment.replace(microsecond=1000) for moment in typed]
    assert lost == [True, True]
