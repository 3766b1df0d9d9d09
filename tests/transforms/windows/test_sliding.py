"""Sliding windows, held against a loop that looks at every row for every window."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.windows import sliding
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle import windows as oracle

pytestmark = pytest.mark.drawn(2)

T0 = datetime(2024, 3, 30, 22, tzinfo=UTC)
STEP = timedelta(minutes=5)
MONEY = pl.Decimal(10, 2)
SCHEMA = {"user": pl.Int64, "at": pl.Datetime("us", "UTC"), "cost": MONEY}
HOW = ("sum", "count", "mean", "min", "max")
ASKED = {how: ("cost", how) for how in HOW}
USERS, SLOTS = 30, 50
POPULATIONS = st.lists(
    st.tuples(st.integers(0, USERS * SLOTS - 1), st.none() | st.integers(-500, 500)), min_size=60, max_size=200
)
"""A user and a time on a grid of five minutes (0 is null), and an amount in cents."""


def history(population) -> list[tuple]:
    found = []
    for number, cents in population:
        user, slot = divmod(number, SLOTS)
        amount = None if cents is None else Decimal(cents).scaleb(-2)
        found.append((user or None, T0 + slot * STEP if slot else None, amount))
    return found


def frame(rows, schema=SCHEMA) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def summed(values: list) -> tuple:
    known = [v for v in values if v is not None]
    mean = float(sum(known)) / len(known) if known else None
    return (sum(known), len(known), mean, min(known, default=None), max(known, default=None))


@given(POPULATIONS, st.integers(1, 3), st.integers(1, 9))
def test_windows_are_those_of_a_loop_over_all_rows(population, step, panes):
    rows, every = history(population), step * STEP
    expected = oracle.sliding(rows, every, panes * every, T0.replace(hour=0))
    options = {"by": "user", "time": "at", "every": every, "length": panes * every}
    found = same_everywhere(lambda r: r.pipe(sliding, ASKED, **options), frame(rows), sort_by=["user", "window_end"])
    assert {row[:2]: row[2:] for row in found.rows()} == {key: summed(values) for key, values in expected.items()}
    assert found.height == len(expected)


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt32, pl.Float64, pl.Boolean, pl.Decimal(38, 6)])
def test_sums_and_extremes_hold_for_every_kind_of_number(dtype):
    rng = random.Random(3)
    drawn = [(1, T0 + rng.randrange(200) * STEP, rng.randrange(2)) for _ in range(100)]
    rows = frame(drawn, {**SCHEMA, "cost": pl.Int64}).with_columns(pl.col("cost").cast(dtype))
    how = HOW[:3] if dtype == pl.Boolean else HOW
    asked = {name: ("cost", name) for name in how}
    found = rows.lazy().pipe(sliding, asked, by="user", time="at", every="5m", length="30m").collect()
    expected = oracle.sliding(drawn, STEP, 6 * STEP, T0.replace(hour=0))
    assert {row[1]: row[2:] for row in found.rows()} == {end: summed(v)[: len(how)] for (_, end), v in expected.items()}


@pytest.mark.parametrize("dtype", [pl.Date, pl.Datetime("ms", "Europe/Berlin"), pl.Duration("us")])
def test_the_first_and_last_of_times_have_the_type_of_the_times(dtype):
    physical = pl.Int32 if dtype == pl.Date else pl.Int64
    rows = pl.LazyFrame({"at": [T0, T0 + STEP], "seen": [19_000, 19_001]}).with_columns(
        pl.col("seen").cast(physical).cast(dtype)
    )
    asked = {"first": ("seen", "min"), "last": ("seen", "max")}
    found = rows.pipe(sliding, asked, time="at", every="5m", length="10m").collect().sort("window_end")
    seen = rows.collect()["seen"].to_list()
    assert found.drop("window_end").rows() == [(seen[0], seen[0]), (seen[0], seen[1])]
    assert found.schema["first"] == dtype


def test_a_not_a_number_or_a_great_number_leaves_no_trace_once_its_window_is_over():
    values = [1e16, 1.0, 1.0, float("nan"), 1.0, 1.0, float("inf"), 2.0, 2.0]
    rows = pl.LazyFrame({"at": [T0 + n * STEP for n in range(9)], "v": values})
    found = rows.pipe(sliding, {"v": ("v", "sum")}, time="at", every="5m", length="10m").collect().sort("window_end")
    assert [found["v"][n] for n in (2, 5, 8)] == [2.0, 2.0, 4.0]


def test_dates_are_summed_up_over_days():
    rows = pl.LazyFrame({"day": [date(2024, 2, 28), date(2024, 3, 1)], "n": [1, 10]})
    found = rows.pipe(sliding, {"n": ("n", "sum")}, time="day", every="1d", length="2d").collect().sort("window_end")
    assert found.rows() == [(date(2024, 2, 29), 1), (date(2024, 3, 1), 1), (date(2024, 3, 2), 10)]


def test_windows_hold_over_many_batches_of_the_engine():
    rows = pl.select(n=pl.int_range(0, 600_000)).with_columns(
        user=pl.col("n") // 200_000, at=pl.lit(T0) + pl.duration(seconds=pl.col("n") % 200_000 * 2)
    )
    options = {"by": "user", "time": "at", "every": "1s", "length": "1h"}
    asked = {"count": ("n", "count"), "max": ("n", "max")}
    found = rows.lazy().pipe(sliding, asked, **options).sort("user", "window_end").collect()
    assert found.height == 3 * 399_999
    at_end = found.filter(pl.col("window_end") == pl.col("window_end").max())
    assert at_end.select("count", "max").rows() == [(1800, 199_999 + 200_000 * user) for user in range(3)]
    assert found["count"].sum() == 3 * sum(min(1800, n // 2 + 1) for n in range(399_999))


@pytest.mark.parametrize("rows", [[], [(None, None, None)] * 2])
def test_frames_without_times_have_at_most_the_window_without_an_end(rows):
    found = frame(rows).lazy().pipe(sliding, ASKED, by="user", time="at", every="1h", length="1h").collect()
    assert found.rows() == ([(None, None, Decimal(0), 0, None, None, None)] if rows else [])


TWICE = "two columns of the result would be named"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": "att"}, "there is no column 'att' (did you mean 'at'?)"),
        ({"every": "1mo"}, "every='1mo' cannot be read; expected a length of time such as '30m', '1h30m' or '7d'"),
        ({"length": "90m"}, "length='90m' is no multiple of every='1h'; give one that is"),
        ({"time": "day"}, "every='1h' is no multiple of 1 day, 0:00:00, in which the times are counted"),
        ({"aggregates": {"n": ("cost", "total")}}, "how='total' is unknown; known: count, max, mean, min, sum"),
        ({"aggregates": {"n": ("day", "sum")}}, "column 'day' is Date, expected a number, for 'sum'"),
        ({"aggregates": {"n": ("name", "min")}}, "column 'name' is String, expected a number or a time, for 'min'"),
        ({"by": "user", "aggregates": {"user": ("cost", "sum")}}, f"{TWICE} 'user'; rename one of each"),
    ],
)
def test_what_cannot_be_done_is_said_when_the_plan_is_built(options, message):
    rows = frame([], {**SCHEMA, "day": pl.Date, "name": pl.String}).lazy()
    with pytest.raises(TransformError) as caught:
        sliding(rows, **{"aggregates": ASKED, "time": "at", "every": "1h", "length": "2h", **options})
    assert str(caught.value) == f"sliding: {message}"


def test_it_is_lazy_streams_and_is_the_same_by_parts():
    def transform(rows):
        return rows.pipe(sliding, ASKED, by="user", time="at", every="5m", length="1h")

    rng = random.Random(5)
    rows = frame(history([(rng.randrange(USERS * SLOTS), rng.randrange(-500, 500)) for _ in range(500)]))
    whole = transform(rows.lazy()).collect().sort("user", "window_end")
    assert by_parts(transform, rows, "user").sort("user", "window_end").equals(whole)
    assert_lazy(transform, SCHEMA)
    assert fallbacks(transform(rows.lazy())) == []
