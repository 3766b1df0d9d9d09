"""Sessions, held against one loop per key."""

import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from framework.errors import TransformError
from framework.transforms.windows import sessionize, summarize_sessions
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle.windows import sessions

pytestmark = pytest.mark.drawn(2)

T0 = datetime(2024, 3, 30, 22, tzinfo=UTC)
SCHEMA = {"user": pl.Int64, "at": pl.Datetime("us", "UTC")}
STEP = timedelta(minutes=5)
USERS, SLOTS = 41, 61
POPULATIONS = st.lists(st.integers(0, USERS * SLOTS - 1), min_size=100, max_size=400)
"""Each number is a user and a time on a grid of five minutes, so that gaps are often met exactly; 0 stands for null."""
LENGTHS = st.sampled_from([None, *(n * STEP for n in (1, 2, 3, 7))])
OPTIONS = {"by": "user", "time": "at"}


def history(numbers: list[int]) -> list[tuple]:
    split = [divmod(n, SLOTS) for n in numbers]
    return [(user or None, T0 + slot * STEP if slot else None) for user, slot in split]


def frame(events, schema=SCHEMA) -> pl.DataFrame:
    return pl.DataFrame(events, schema=schema, orient="row")


def at(*minutes: float) -> pl.LazyFrame:
    return frame([(1, T0 + timedelta(minutes=m)) for m in minutes]).lazy()


def numbers(events: pl.LazyFrame, **options) -> list:
    return events.pipe(sessionize, **OPTIONS, **options).collect()["session_number"].to_list()


@given(POPULATIONS, st.integers(1, 6), LENGTHS)
def test_sessions_are_those_of_a_loop_over_each_users_events(population, gap, max_length):
    events = history(population)
    expected = sessions(events, gap * STEP, max_length)
    rows = [(*event, *expected.get(event, (None, None))) for event in events]
    found = same_everywhere(
        lambda e: e.pipe(sessionize, **OPTIONS, gap=gap * STEP, max_length=max_length), frame(events)
    )
    whole = {**SCHEMA, "session_start": SCHEMA["at"], "session_number": pl.Int64}
    assert_frame_equal(found, frame(rows, whole), check_row_order=False)


@given(POPULATIONS)
def test_parts_of_the_users_give_the_sessions_of_the_whole(population):
    def transform(events):
        return events.pipe(sessionize, **OPTIONS, gap="15m", max_length="40m")

    events = frame(history(population))
    assert_frame_equal(by_parts(transform, events, "user"), transform(events.lazy()).collect(), check_row_order=False)


@pytest.mark.parametrize("users", [1, 50_000])
def test_sessions_hold_over_many_batches_of_the_engine(users):
    rng = random.Random(7)
    events = [(rng.randrange(users), T0 + timedelta(seconds=rng.randrange(10**7))) for _ in range(150_000)]
    expected = sessions(events, timedelta(seconds=100), timedelta(hours=1))
    found = frame(events).lazy().pipe(sessionize, **OPTIONS, gap="100s", max_length="1h").collect()
    assert found.rows() == [(*event, *expected[event]) for event in sorted(events)]


def test_an_event_exactly_a_gap_later_still_belongs_and_one_later_by_a_moment_does_not():
    assert numbers(at(0, 30, 60), gap="30m") == [1, 1, 1]
    assert numbers(at(0, 30 + 1e-6 / 60), gap="30m") == [1, 2]


def test_a_session_is_cut_at_its_longest_length_counted_from_its_first_event():
    events = at(0, 20, 40, 60, 119, 121, 300)
    found = events.pipe(sessionize, **OPTIONS, gap="1h", max_length="1h").collect()
    assert found["session_number"].to_list() == [1, 1, 1, 2, 2, 3, 4]
    assert ((found["session_start"] - T0).dt.total_minutes()).to_list() == [0, 0, 0, 60, 60, 121, 300]


def test_a_change_of_clocks_neither_ends_nor_prolongs_a_session():
    berlin = at(175, 185, 215.5).with_columns(pl.col("at").dt.convert_time_zone("Europe/Berlin"))
    found = berlin.pipe(sessionize, **OPTIONS, gap="30m").collect()
    assert found["at"].dt.strftime("%H:%M").to_list() == ["01:55", "03:05", "03:35"]
    assert found["session_number"].to_list() == [1, 1, 2]
    assert found.schema["session_start"] == pl.Datetime("us", "Europe/Berlin")


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_lengths_are_compared_in_the_unit_of_the_times(unit):
    one = {"ms": 1_000_000, "us": 1_000, "ns": 1}[unit]
    moments = [0, 2_000_000, 4_000_000 + one]
    events = pl.LazyFrame({"user": [1, 1, 1], "at": moments}).with_columns(
        pl.col("at").cast(pl.Datetime("ns")).dt.cast_time_unit(unit)
    )
    assert numbers(events, gap="2ms") == [1, 1, 2]
    assert numbers(events, gap="1s", max_length="2ms") == [1, 2, 3]


def test_several_columns_are_one_key_and_a_null_in_any_of_them_means_no_session():
    later = T0 + STEP
    rows = [("a", 1, T0), ("a", 2, later), ("a", 2, later + STEP), ("b", None, T0), (None, 1, T0), ("b", 1, None)]
    events = frame(rows, {"shop": pl.String, "user": pl.Int64, "at": SCHEMA["at"]}).lazy()
    found = events.pipe(sessionize, by=["shop", "user"], time="at", gap="1h").collect()
    starts = dict(zip(found.select("shop", "user", "at").rows(), found["session_start"], strict=True))
    assert starts == dict(zip(rows, [T0, later, later, None, None, None], strict=True))
    assert found.filter(pl.col("session_start").is_not_null())["session_number"].to_list() == [1, 1, 1]


def test_other_columns_stay_with_their_rows_and_events_twice_there_stay_twice():
    events = at(50, 0, 0).with_row_index("n")
    found = events.pipe(sessionize, **OPTIONS, gap="10m").collect()
    assert found.select("n", "session_number").sort("n").rows() == [(0, 2), (1, 1), (2, 1)]
    assert found.columns == ["n", "user", "at", "session_start", "session_number"]


def test_a_filter_after_it_leaves_sessions_as_they_were():
    found = at(0, 20, 40).pipe(sessionize, **OPTIONS, gap="25m").filter(pl.col("at") > T0 + 3 * STEP).collect()
    assert found["session_start"].to_list() == [T0, T0]


@pytest.mark.parametrize("events", [[], [(None, None)] * 3, [(1, None)], [(None, T0)]])
def test_frames_without_a_placed_event_have_no_session(events):
    found = frame(events).lazy().pipe(sessionize, **OPTIONS, gap="1h").collect()
    assert found.height == len(events)
    assert found["session_start"].null_count() == found["session_number"].null_count() == len(events)


def test_a_summary_has_one_row_per_session_and_one_for_events_in_none():
    rows = [(1, T0), (1, T0 + STEP), (1, T0 + 20 * STEP), (1, None), (None, T0), (None, T0)]
    asked = {"is_bounce": pl.len() == 1, "n": pl.len()}
    found = same_everywhere(lambda e: e.pipe(summarize_sessions, asked, **OPTIONS, gap="30m"), frame(rows))
    assert found.sort("user", "session_number").rows() == [
        (None, None, None, T0, 0.0, 2, False, 2),
        (1, None, None, None, None, 1, True, 1),
        (1, T0, 1, T0 + STEP, 300.0, 2, False, 2),
        (1, T0 + 20 * STEP, 2, T0 + 20 * STEP, 0.0, 1, True, 1),
    ]
    assert found.schema["events"] == found.schema["n"] == pl.Int64


@given(POPULATIONS)
def test_summaries_count_every_event_once(population):
    events = history(population)
    found = frame(events).lazy().pipe(summarize_sessions, {}, **OPTIONS, gap="10m", max_length="15m").collect()
    expected = sessions(events, 2 * STEP, 3 * STEP)
    assert found["events"].sum() == len(events)
    placed = found.filter(pl.col("session_start").is_not_null())
    assert set(placed.select("user", "session_start", "session_number").rows()) == {
        (key, *session) for (key, _), session in expected.items()
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": "ts"}, "there is no column 'ts' (known: at, user)"),
        ({"by": "usr"}, "there is no column 'usr' (did you mean 'user'?)"),
        ({"by": []}, "by=[] names no column; name the columns whose sessions are asked for"),
        ({"gap": "30 min"}, "gap='30 min' cannot be read; expected a length of time such as '30m', '1h30m' or '7d'"),
        ({"gap": timedelta()}, "gap=datetime.timedelta(0) must be above zero"),
        ({"max_length": "0h"}, "max_length='0h' must be above zero"),
        ({"time": "user"}, "column 'user' is Int64, expected Datetime (read text with str.to_datetime and its format)"),
    ],
)
def test_what_cannot_be_done_is_said_when_the_plan_is_built(options, message):
    with pytest.raises(TransformError) as caught:
        at(0).pipe(sessionize, **{**OPTIONS, "gap": "1h", **options})
    assert str(caught.value) == f"sessionize: {message}"


def test_no_column_is_written_over_and_no_name_given_twice():
    with pytest.raises(TransformError, match="sessionize: adds the column session_start, which is there already"):
        at(0).with_columns(session_start=1).pipe(sessionize, **OPTIONS, gap="1h")
    with pytest.raises(TransformError, match="two columns of the result would be named 'user'; rename one of each"):
        at(0).pipe(summarize_sessions, {"user": pl.len()}, **OPTIONS, gap="1h")


def test_both_are_lazy_and_stream():
    def marked(events):
        return events.pipe(sessionize, **OPTIONS, gap="1h", max_length="2h")

    def summed(events):
        return events.pipe(summarize_sessions, {"n": pl.len()}, **OPTIONS, gap="1h")

    for transform in (marked, summed):
        assert_lazy(transform, SCHEMA)
        assert fallbacks(transform(at(0))) == []
