"""Bursts, held against a reading of every window."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.events import mark_bursts
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle import events as oracle

pytestmark = pytest.mark.drawn(2)

START = datetime(2024, 10, 27, tzinfo=UTC)
SCHEMA = {"ip": pl.Int64, "at": pl.Datetime("us", "UTC")}
HISTORIES = st.lists(
    st.tuples(
        st.none() | st.integers(0, 30),
        st.none() | st.integers(0, 30).map(lambda seconds: START + timedelta(seconds=seconds)),
    ),
    min_size=100,
    max_size=300,
)


def at(*seconds) -> list:
    """Rows of one key."""
    return [(1, None if second is None else START + timedelta(seconds=second)) for second in seconds]


def plan(rows, schema=SCHEMA, **options) -> pl.LazyFrame:
    frame = pl.LazyFrame(rows, schema=schema, orient="row")
    return frame.pipe(mark_bursts, **{"by": "ip", "time": "at", "limit": 2, "within": "10s"} | options)


def marks(rows, **options) -> list:
    return plan(rows, **options).collect()["is_burst"].to_list()


@given(HISTORIES, st.integers(1, 5), st.integers(1, 20))
def test_a_row_is_marked_where_some_window_holds_it_and_too_many(rows, limit, seconds):
    within = timedelta(seconds=seconds)
    expected = oracle.in_burst(rows, limit=limit, within=within)
    for engine in ("streaming", "in-memory"):
        result = plan(rows, limit=limit, within=within).collect(engine=engine)
        assert result.select("ip", "at").rows() == rows
        assert result["is_burst"].to_list() == expected


def test_the_end_of_a_window_is_not_in_it():
    assert marks(at(0, 5, 10)) == [False, False, False]
    assert marks(at(0, 5, 9.999999)) == [True, True, True]


def test_one_row_a_second_is_sixty_in_a_minute():
    rows = at(*range(200))
    assert not any(marks(rows, limit=60, within="1m"))
    assert all(marks(rows, limit=59, within="1m"))


def test_a_burst_is_marked_from_its_first_row_and_ends_with_its_last():
    assert marks(at(0, 50, 51, 52, 100)) == [False, True, True, True, False]


def test_rows_at_one_time_are_marked_alike():
    assert marks(at(7, 7, 7)) == [True, True, True]
    assert marks(at(7, 7)) == [False, False]


def test_the_change_of_clocks_counts_for_nothing():
    zoned = SCHEMA | {"at": pl.Datetime("us", "Europe/Vienna")}
    rows = [(1, START + timedelta(minutes=minutes)) for minutes in (59, 60, 61)]
    vienna = pl.LazyFrame(rows, schema=SCHEMA, orient="row").cast(zoned)
    result = vienna.pipe(mark_bursts, by="ip", time="at", limit=2, within="3m").collect()
    assert result["is_burst"].to_list() == [True, True, True]


def test_null_keys_and_null_times_are_never_marked():
    assert marks([(None, START)] * 5 + at(None, None, None, 0)) == [False] * 9


def test_several_columns_make_one_key():
    rows = [(1, "a", START), (1, "a", START), (1, "b", START), (None, "a", START), (None, "a", START)]
    schema = {"ip": pl.Int64, "agent": pl.String, "at": pl.Datetime("us")}
    naive = [(ip, agent, time.replace(tzinfo=None)) for ip, agent, time in rows]
    assert marks(naive, schema=schema, by=["ip", "agent"], limit=1) == [True, True, False, False, False]


def test_a_key_of_a_million_rows_is_no_trouble():
    rows = pl.LazyFrame({"n": range(1_000_000)}).select(ip=1, at=pl.lit(START) + pl.duration(seconds="n"))
    marked = rows.pipe(mark_bursts, by="ip", time="at", limit=50_000, within="13h").select(pl.col("is_burst").sum())
    assert marked.collect().item() == 0
    marked = rows.pipe(mark_bursts, by="ip", time="at", limit=46_799, within="13h").select(pl.col("is_burst").sum())
    assert marked.collect().item() == 1_000_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "ipp"}, "mark_bursts: there is no column 'ipp' (did you mean 'ip'?)"),
        ({"time": "ip"}, "mark_bursts: column 'ip' is Int64, expected Datetime"),
        ({"into": "at"}, "mark_bursts: adds the column at, which is there already; rename or drop it"),
        ({"by": []}, "mark_bursts: `by` names no key"),
        ({"limit": 0}, "mark_bursts: limit=0 must be 1 or more"),
        ({"within": "0s"}, "mark_bursts: within='0s' must be above zero"),
        (
            {"within": "1mo"},
            "mark_bursts: within='1mo' cannot be read; expected a length of time such as '30m', '1h30m' or '7d'",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, message):
    with pytest.raises(TransformError) as caught:
        plan([], **options)
    assert str(caught.value) == message


def test_no_rows_are_fine():
    assert marks([]) == []
    assert marks([(None, None)]) == [False]


def test_it_is_lazy_streams_and_is_the_same_on_every_engine_and_in_parts():
    def transform(rows):
        return rows.pipe(mark_bursts, by="ip", time="at", limit=3, within="1h")

    rows = pl.DataFrame({"ip": [n % 7 if n % 11 else None for n in range(200)], "n": range(200)})
    events = rows.with_columns(at=pl.lit(START) + pl.duration(minutes=pl.col("n") * 7919 % 600))
    assert_lazy(transform, SCHEMA)
    assert fallbacks(transform(events.lazy())) == []
    whole = same_everywhere(transform, events, sort_by=["n"])
    assert 0 < whole["is_burst"].sum() < 200
    assert by_parts(transform, events, "ip").sort("n").equals(whole)
