"""As-of joins: held against a slow definition, and against features that come from the future."""

from datetime import date, timedelta
from functools import partial

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from framework.errors import TransformError
from framework.transforms.features import as_of
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.features.histories import ROWS, SCHEMA, START, frame, history
from tests.transforms.oracle import features as slow

pytestmark = pytest.mark.drawn(2)

KNOWN = {"user": pl.String, "known_at": pl.Datetime("us", "UTC"), "tier": pl.Int32, "limit": pl.Decimal(12, 2)}
JOIN = partial(as_of, by="user", time="at", features_time="known_at")


def known(rows: list[dict]) -> list[dict]:
    return [{"user": row["user"], "known_at": row["at"], "tier": row["n"], "limit": row["paid"]} for row in rows]


def features(rows: list[dict]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=KNOWN)


HISTORY = frame(history(5)).filter(pl.col("user").is_not_null()).collect()
FEATURES = features(known(history(6))).collect()


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
@given(ROWS, ROWS.map(known), st.sampled_from([None, "2h", "5h"]), st.booleans())
def test_a_row_gets_the_last_features_known_before_it(engine, rows, later, max_age, same_instant):
    plan = frame(rows).pipe(JOIN, features(later), max_age=max_age, same_instant=same_instant)
    found = plan.collect(engine=engine)
    assert_frame_equal(found.select(list(SCHEMA)), frame(rows).collect())
    age = None if max_age is None else timedelta(hours=int(max_age[0]))
    expected = slow.as_of(rows, later, ["user"], "at", "known_at", age, same_instant)
    nothing = dict.fromkeys(KNOWN)
    names = ["known_at", "tier", "limit"]
    assert found.select(names).rows() == [tuple((row or nothing)[name] for name in names) for row in expected]


@given(ROWS, ROWS.map(known), st.integers(0, 12), st.booleans())
def test_features_of_the_future_change_nothing(rows, later, hours, same_instant):
    now = START + timedelta(hours=hours)
    join = partial(JOIN, same_instant=same_instant)
    leak = [
        feature | {"tier": 1_000} for feature in later if feature["known_at"] is not None and feature["known_at"] >= now
    ]
    past = [feature for feature in later if feature["known_at"] is not None and feature["known_at"] < now]
    until = pl.col("at") < now if same_instant else pl.col("at") <= now
    honest = frame(rows).pipe(join, features(past)).filter(until).collect()
    assert_frame_equal(frame(rows).pipe(join, features(past + leak)).filter(until).collect(), honest)


def test_a_feature_made_from_the_row_itself_is_seen_only_when_asked_for():
    rows = pl.LazyFrame({"user": ["ann"], "at": [START], "target": [1]})
    made = rows.select("user", known_at="at", seen="target")
    assert rows.pipe(JOIN, made).collect()["seen"].to_list() == [None]
    assert rows.pipe(JOIN, made, same_instant=True).collect()["seen"].to_list() == [1]


def test_times_of_one_name_are_one_column_and_several_keys_match_together():
    rows = pl.LazyFrame({"a": [1, 1], "b": ["x", "y"], "day": [date(2024, 1, 3)] * 2})
    made = pl.LazyFrame({"a": [1], "b": ["x"], "day": [date(2024, 1, 1)], "v": [5]})
    found = rows.pipe(as_of, made, by=["a", "b"], time="day", features_time="day", max_age="2d").collect()
    assert found.rows() == [(1, "x", date(2024, 1, 3), 5), (1, "y", date(2024, 1, 3), None)]


def test_it_is_lazy_streams_and_is_the_same_everywhere():
    assert_lazy(lambda rows: rows.pipe(JOIN, FEATURES.lazy(), max_age="3h"), SCHEMA)
    assert_lazy(lambda later: HISTORY.lazy().pipe(JOIN, later), KNOWN)
    assert fallbacks(HISTORY.lazy().pipe(JOIN, FEATURES.lazy(), max_age="3h")) == []
    order = ["user", "at", "n", "paid", "score"]
    whole = same_everywhere(lambda rows: rows.pipe(JOIN, FEATURES.lazy()), HISTORY, sort_by=order)
    parts = by_parts(lambda rows: rows.pipe(JOIN, FEATURES.lazy()), HISTORY, "user")
    assert_frame_equal(parts.sort(order), whole)
    same_everywhere(lambda later: HISTORY.lazy().pipe(JOIN, later), FEATURES, sort_by=order)


def test_without_rows_or_features_there_is_nothing_to_add():
    assert frame([]).pipe(JOIN, FEATURES.lazy()).collect().height == 0
    found = HISTORY.lazy().pipe(JOIN, features([])).collect()
    assert found["tier"].null_count() == HISTORY.height
    assert found.columns == [*SCHEMA, "known_at", "tier", "limit"]


@pytest.mark.parametrize(
    ("theirs", "options", "message"),
    [
        (
            {"user": pl.Int64, "known_at": pl.Date},
            {},
            "as_of: 'user' is String, 'user' of the features is Int64, expected the same type; cast one of them",
        ),
        (
            {"user": pl.String, "known_at": pl.Int8},
            {},
            "as_of, features: column 'known_at' is Int8, expected Datetime or Date",
        ),
        (
            {"user": pl.String, "known_at": pl.Date, "score": pl.Int8},
            {},
            "as_of: adds the column score, which is there already; rename or drop it",
        ),
        ({"user": pl.String}, {}, "as_of, features: there is no column 'known_at' (known: user)"),
        (
            {"user": pl.String, "known_at": pl.Date},
            {"max_age": "0d"},
            "as_of: max_age='0d' must be above zero",
        ),
    ],
)
def test_frames_that_do_not_fit_are_told_apart_when_the_plan_is_built(theirs, options, message):
    rows = pl.LazyFrame(schema={"user": pl.String, "at": pl.Date, "score": pl.Int8})
    with pytest.raises(TransformError) as caught:
        rows.pipe(JOIN, pl.LazyFrame(schema=theirs), **options)
    assert str(caught.value) == message
