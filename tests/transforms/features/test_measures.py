"""Buckets and defaults: no value without a stated place, none left that a model cannot take."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from math import inf, isfinite, isnan, nan

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.features import bucketize, with_defaults
from tests.transforms.engines import assert_lazy, fallbacks, same_everywhere

pytestmark = pytest.mark.drawn(2)

FLOATS = st.lists(st.none() | st.sampled_from([-inf, -1.0, 0.0, 0.5, 1.0, 2.5, 9.0, inf, nan]), max_size=60)
ROWS = pl.DataFrame({"x": [0.5, None, nan, inf, 3.0], "n": [1, 2, None, 4, 5], "t": ["a", None, "", "b", "c"]})
EVERY = [
    partial(bucketize, column="x", breaks=[1, 2], into="bucket"),
    partial(bucketize, column="n", breaks=[1, 2], into="bucket", labels=["low", "mid", "high"]),
    partial(with_defaults, defaults={"x": 0.0, "n": -1, "t": "none"}, mark="_is_default"),
]


def bucket(value, breaks, closed):
    if value is None or isnan(value):
        return None
    return sum(value >= end if closed == "left" else value > end for end in breaks)


@given(FLOATS, st.sampled_from([[0.0], [0, 1], [-1.0, 0.5, 2.5, 8]]), st.sampled_from(["left", "right"]))
def test_a_bucket_is_the_number_of_breaks_up_to_a_value(values, breaks, closed):
    rows = pl.LazyFrame({"x": values}, schema={"x": pl.Float64})
    labels = [f"bucket {number}" for number in range(len(breaks) + 1)]
    found = rows.pipe(bucketize, "x", breaks, into="b", closed=closed).pipe(
        bucketize, "x", breaks, into="label", labels=labels, closed=closed
    )
    expected = [bucket(value, breaks, closed) for value in values]
    assert found.collect()["b"].to_list() == expected
    assert found.collect()["label"].to_list() == [None if number is None else labels[number] for number in expected]


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Float32, pl.Decimal(10, 2)])
def test_a_value_at_a_break_is_in_the_bucket_above_it_in_every_type(dtype):
    rows = pl.LazyFrame({"x": pl.Series([0, 1, 2, 3]).cast(dtype)})
    assert rows.pipe(bucketize, "x", [1, 3], into="b").collect()["b"].to_list() == [0, 1, 1, 2]


def test_decimals_are_compared_exactly_also_with_float_breaks():
    rows = pl.LazyFrame({"x": [Decimal("0.10"), Decimal("0.30")]})
    assert rows.pipe(bucketize, "x", [0.1, 0.3], into="b").collect()["b"].to_list() == [1, 2]


@given(FLOATS)
def test_no_null_nan_or_infinite_value_is_left(values):
    rows = pl.LazyFrame({"x": values}, schema={"x": pl.Float64})
    found = rows.pipe(with_defaults, {"x": -7.0}, mark="_is_default").collect()
    missing = [value is None or not isfinite(value) for value in values]
    assert found["x"].to_list() == [-7.0 if gone else value for value, gone in zip(values, missing, strict=True)]
    assert found["x_is_default"].to_list() == missing


@pytest.mark.parametrize(
    ("default", "dtype"),
    [
        (0, pl.Float64),
        (0, pl.Decimal(12, 2)),
        (Decimal("1.25"), pl.Decimal(12, 2)),
        (0.5, pl.Float32),
        ("none", pl.Categorical),
        (date(2024, 1, 1), pl.Date),
        (datetime(2024, 1, 1, tzinfo=UTC), pl.Datetime("ms", "UTC")),
        (False, pl.Boolean),
    ],
)
def test_a_default_has_the_type_of_its_column(default, dtype):
    found = pl.LazyFrame({"x": [None]}, schema={"x": dtype}).pipe(with_defaults, {"x": default}).collect()
    assert found.schema["x"] == dtype
    assert found["x"].to_list() == [default]


@pytest.mark.parametrize("transform", EVERY)
def test_they_are_lazy_stream_and_are_the_same_on_every_engine(transform):
    assert_lazy(lambda rows: rows.pipe(transform), ROWS.schema)
    assert fallbacks(ROWS.lazy().pipe(transform)) == []
    same_everywhere(lambda rows: rows.pipe(transform), ROWS)
    assert ROWS.clear().lazy().pipe(transform).collect().height == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(bucketize, column="t", breaks=[1], into="b"), "bucketize: column 't' is String, expected numbers"),
        (
            partial(bucketize, column="x", breaks=[2, 1], into="b"),
            "bucketize: breaks=[2, 1] must be finite numbers, one or more, ascending",
        ),
        (
            partial(bucketize, column="x", breaks=[], into="b"),
            "bucketize: breaks=[] must be finite numbers, one or more, ascending",
        ),
        (
            partial(bucketize, column="x", breaks=[1, nan], into="b"),
            "bucketize: breaks=[1, nan] must be finite numbers, one or more, ascending",
        ),
        (
            partial(bucketize, column="x", breaks=[1], into="b", labels=["one"]),
            "bucketize: got 1 labels for 1 breaks, expected one more than breaks",
        ),
        (
            partial(bucketize, column="x", breaks=[1], into="n"),
            "bucketize: adds the column n, which is there already; rename or drop it",
        ),
        (
            partial(bucketize, column="x", breaks=[1], into="b", closed="both"),
            "bucketize: closed='both' is unknown; known: left, right",
        ),
        (
            partial(with_defaults, defaults={"n": 0.5}),
            "with_defaults: the default of 'n' is 0.5, expected a finite value of Int64",
        ),
        (
            partial(with_defaults, defaults={"x": nan}),
            "with_defaults: the default of 'x' is nan, expected a finite value of Float64",
        ),
        (
            partial(with_defaults, defaults={"x": inf}),
            "with_defaults: the default of 'x' is inf, expected a finite value of Float64",
        ),
        (
            partial(with_defaults, defaults={"n": None}),
            "with_defaults: the default of 'n' is None, expected a finite value of Int64",
        ),
        (
            partial(with_defaults, defaults={"n": True}),
            "with_defaults: the default of 'n' is True, expected a finite value of Int64",
        ),
        (partial(with_defaults, defaults={"y": 0}), "with_defaults: there is no column 'y' (known: n, t, x)"),
    ],
)
def test_what_does_not_fit_is_said_when_the_plan_is_built(call, message):
    with pytest.raises(TransformError) as caught:
        ROWS.lazy().pipe(call)
    assert str(caught.value) == message
