"""Lags, expanding and rolling features: held against a slow definition, and against attempts to see the present."""

from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from framework.errors import TransformError
from framework.transforms.features import expanding, lags, rolling
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.features.histories import ROWS, SCHEMA, START, frame
from tests.transforms.oracle import features as slow

pytestmark = pytest.mark.drawn(2)

NUMBERS = ["n", "score", "paid", "is_new"]
HOWS = ["sum", "count", "mean", "min", "max"]
AGGREGATES = {f"{column}_{how}": (column, how) for column in NUMBERS for how in HOWS}
FEW = {"n_sum": ("n", "sum"), "paid_max": ("paid", "max"), "score_mean": ("score", "mean")}
EVERY = [
    partial(lags, columns=["n", "paid"], by="user", time="at", steps=(1, 2)),
    partial(expanding, aggregates=FEW, by="user", time="at"),
    partial(rolling, aggregates=FEW, by="user", time="at", window="3h"),
]


HISTORY = frame(
    [
        {"user": f"u{i % 7}", "at": START + timedelta(hours=i * 5 % 11), "n": i, "paid": i, "score": i / 4}
        for i in range(60)
    ]
).collect()


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@given(ROWS)
def test_lags_are_the_values_of_the_strictly_past_rows(engine, rows):
    found = frame(rows).pipe(lags, ["n", "paid"], by="user", time="at", steps=(1, 3)).collect(engine=engine)
    assert_frame_equal(found.select(list(SCHEMA)), frame(rows).collect())
    for column in ("n", "paid"):
        for step in (1, 3):
            expected = slow.lag(rows, column, ["n", "paid"], ["user"], "at", step)
            assert found[f"{column}_lag_{step}"].to_list() == expected


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@given(ROWS, st.booleans(), st.sampled_from([None, "1h", "3h", "1d"]))
def test_aggregates_are_those_of_the_rows_of_the_past(engine, rows, include_current, window):
    add = partial(expanding) if window is None else partial(rolling, window=window)
    length = {None: None, "1h": timedelta(hours=1), "3h": timedelta(hours=3), "1d": timedelta(days=1)}[window]
    plan = frame(rows).pipe(add, AGGREGATES, by="user", time="at", include_current=include_current)
    found = plan.collect(engine=engine)
    assert_frame_equal(found.select(list(SCHEMA)), frame(rows).collect())
    for name, (column, how) in AGGREGATES.items():
        expected = slow.past(rows, column, how, ["user"], "at", length, include_current)
        exact = column == "paid" and how != "mean"
        assert found[name].to_list() == (expected if exact else pytest.approx(expected)), name


@given(ROWS, st.integers(0, 12))
def test_nothing_that_happens_at_or_after_an_instant_changes_what_is_known_before_it(rows, hours):
    now = START + timedelta(hours=hours)
    other = [
        row | {"n": 7_000, "paid": Decimal(9_000)} if row["at"] is not None and row["at"] >= now else row
        for row in rows
    ]
    for add in EVERY:
        kept = [pl.col("at") <= now, pl.exclude("n", "paid")]
        before, after = (frame(given).pipe(add).filter(kept[0]).select(kept[1]).collect() for given in (rows, other))
        assert_frame_equal(before, after)


def test_a_target_of_the_same_instant_does_not_leak_unless_it_is_asked_for():
    rows = pl.LazyFrame({"user": ["ann", "ann"], "at": [START, START], "target": [1, 1]})
    add = partial(expanding, aggregates={"seen": ("target", "sum")}, by="user", time="at")
    assert rows.pipe(add).collect()["seen"].to_list() == [0, 0]
    assert rows.pipe(add, include_current=True).collect()["seen"].to_list() == [2, 2]


def test_a_window_is_in_exact_hours_where_clocks_change():
    local = pl.datetime_range(START - timedelta(hours=24), START + timedelta(hours=24), "1h", eager=True)
    rows = pl.LazyFrame({"user": "ann", "at": local.dt.convert_time_zone("Europe/Berlin"), "n": 1})
    found = rows.pipe(rolling, {"day": ("n", "count")}, by="user", time="at", window="1d").collect()
    assert found["day"].to_list() == [*range(24), *[24] * 25]


@pytest.mark.parametrize("dtype", [pl.Date, pl.Datetime("ms"), pl.Datetime("ns", "Asia/Tokyo")])
def test_dates_and_instants_of_every_unit_are_times(dtype):
    days = pl.Series("at", [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 9)])
    if dtype != pl.Date:
        days = days.cast(pl.Datetime(dtype.time_unit)).dt.replace_time_zone(dtype.time_zone)
    rows = pl.LazyFrame({"user": "ann", "at": days, "n": [1, 2, 4]})
    found = rows.pipe(rolling, {"week": ("n", "sum")}, by="user", time="at", window="7d")
    found = found.pipe(expanding, {"all": ("n", "sum")}, by="user", time="at").pipe(lags, "n", by="user", time="at")
    assert found.select("week", "all", "n_lag_1").collect().rows() == [(0, 0, None), (1, 1, 1), (2, 3, 2)]


def test_a_window_longer_than_time_itself_is_the_whole_past():
    rows = pl.LazyFrame({"u": 1, "at": [START, START + timedelta(1)], "n": 1}).cast({"at": pl.Datetime("ns", "UTC")})
    found = rows.pipe(rolling, {"s": ("n", "sum")}, by="u", time="at", window="999999999d")
    assert found.collect()["s"].to_list() == [0, 1]


def test_several_columns_make_an_entity_and_a_null_in_one_makes_none():
    rows = pl.LazyFrame(
        {"a": [1, 1, 1, 1], "b": ["x", "x", None, None], "at": [START, START + timedelta(1)] * 2, "n": 1}
    )
    found = rows.pipe(expanding, {"seen": ("n", "count")}, by=["a", "b"], time="at").pipe(
        lags, "n", by=["a", "b"], time="at"
    )
    assert found.select("seen", "n_lag_1").collect().rows() == [(0, None), (1, 1), (None, None), (None, None)]


def test_infinite_values_leave_a_rolling_sum_when_they_leave_its_window():
    rows = pl.LazyFrame(
        {"u": 1, "at": [START + timedelta(hours=h) for h in range(4)], "x": [float("inf"), 1.0, 2.0, 3.0]}
    )
    found = rows.pipe(rolling, {"s": ("x", "sum")}, by="u", time="at", window="1h").collect()
    assert found["s"].to_list() == [0.0, float("inf"), 1.0, 2.0]


def test_an_entity_of_a_million_rows_is_ordinary_input():
    rows = pl.select(i=pl.int_range(1_000_000)).lazy()
    rows = rows.select(u=pl.lit(1), at=pl.from_epoch(pl.col("i") // 2), n=pl.lit(1))
    found = rows.pipe(rolling, {"last": ("n", "sum")}, by="u", time="at", window="10000h").pipe(
        lags, "n", by="u", time="at", steps=500_000
    )
    last = found.select(pl.col("last").max(), pl.col("n_lag_500000").count()).collect(engine="streaming")
    assert last.row(0) == (999_998, 500_000)


@pytest.mark.parametrize("add", EVERY)
def test_features_of_the_past_are_lazy_stream_and_are_the_same_everywhere(add):
    assert_lazy(lambda rows: rows.pipe(add), SCHEMA)
    assert fallbacks(HISTORY.lazy().pipe(add)) == []
    whole = same_everywhere(lambda rows: rows.pipe(add), HISTORY, sort_by=["user", "at", "n"])
    parts = by_parts(lambda rows: rows.pipe(add), HISTORY, "user")
    assert_frame_equal(parts.sort("user", "at", "n"), whole)


@pytest.mark.parametrize("add", EVERY)
def test_no_rows_give_no_rows_and_columns_of_nulls_give_nulls(add):
    assert frame([]).pipe(add).collect().height == 0
    empty = HISTORY.select(pl.lit(None).cast(dtype).alias(name) for name, dtype in SCHEMA.items()).head(3)
    found = empty.lazy().pipe(add).collect()
    assert found.null_count().row(0) == (found.height,) * found.width


def test_types_are_those_the_docstring_names():
    found = frame([]).pipe(expanding, AGGREGATES, by="user", time="at").collect_schema()
    assert {found[f"n_{how}"] for how in ("sum", "count", "min", "max")} == {pl.Int64}
    assert {found[f"paid_{how}"] for how in ("sum", "min", "max")} == {pl.Decimal(38, 2)}
    assert {found[f"{column}_mean"] for column in NUMBERS} == {pl.Float64}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            partial(lags, columns="m", by="user", time="at"),
            "lags: there is no column 'm' (known: at, n, n_lag_2, user)",
        ),
        (partial(lags, columns="n", by="user", time="n"), "lags: column 'n' is Int64, expected Datetime or Date"),
        (
            partial(lags, columns="n", by="user", time="at", steps=(1, 0)),
            "lags: steps=(1, 0) must be one number or several, each 1 or above",
        ),
        (
            partial(lags, columns="n", by="user", time="at", steps=()),
            "lags: steps=() must be one number or several, each 1 or above",
        ),
        (
            partial(lags, columns="n", by="user", time="at", steps=2),
            "lags: adds the column n_lag_2, which is there already; rename or drop it",
        ),
        (
            partial(expanding, aggregates={"x": ("n", "median")}, by="user", time="at"),
            "expanding: how='median' is unknown; did you mean 'mean' or 'min'?",
        ),
        (
            partial(expanding, aggregates={"x": "n"}, by="user", time="at"),
            "expanding: aggregate 'x' is 'n', expected (column, how) such as ('n', 'sum')",
        ),
        (
            partial(expanding, aggregates={"x": ("user", "sum")}, by="user", time="at"),
            "expanding: column 'user' is String, expected numbers",
        ),
        (
            partial(expanding, aggregates={"x": ("n", "sum")}, by=(), time="at"),
            "expanding: by is empty, expected one column or several",
        ),
        (
            partial(rolling, aggregates={"x": ("n", "sum")}, by="user", time="at", window="1mo"),
            "rolling: window='1mo' cannot be read; expected a length of time such as '30m', '1h30m' or '7d'",
        ),
    ],
)
def test_what_cannot_be_a_feature_is_said_when_the_plan_is_built(call, message):
    rows = pl.LazyFrame(schema={"user": pl.String, "at": pl.Date, "n": pl.Int64, "n_lag_2": pl.Int64})
    with pytest.raises(TransformError) as caught:
        rows.pipe(call)
    assert str(caught.value) == message
