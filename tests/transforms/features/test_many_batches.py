"""What small histories cannot show: rows of many batches keep their order, and their values are those of one batch."""

from functools import partial

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from framework.transforms.features import (
    as_of,
    bucketize,
    drift,
    encode,
    encode_out_of_fold,
    expanding,
    fit_target_encoding,
    hash_features,
    lags,
    one_hot,
    rolling,
    with_defaults,
)
from framework.transforms.sampling import sample_fraction, sample_reservoir, sample_stratified, split_by_key

pytestmark = pytest.mark.drawn(2)

SIZE = 250_000  # the engine's batches have 100,000 rows
NUMBER = pl.int_range(SIZE, eager=True).alias("id")
ROWS = pl.DataFrame(NUMBER).select(
    "id",
    user=pl.col("id") * 7919 % 3001,
    at=pl.from_epoch(pl.col("id") * 104_729 % 50_021),
    n=pl.col("id") * 31 % 997,
    city=pl.format("c{}", pl.col("id") * 613 % 1009),
)
PIECES = pl.concat([ROWS[start : start + 7001] for start in range(0, SIZE, 7001)], rechunk=False)
LEARNED = ROWS.lazy().pipe(fit_target_encoding, "city", target="n").collect()
AGGREGATES = {how: ("n", how) for how in ("sum", "count", "mean", "min", "max")}
PAST = {"by": "user", "time": "at"}
FEATURES = ROWS.lazy().select("user", known_at="at", then="n")

IN_ORDER = [
    partial(sample_fraction, fraction=0.5, key="user"),
    partial(sample_stratified, strata="city", key="id", size=100),
    partial(split_by_key, fractions={"a": 0.8, "b": 0.2}, key="user", strata="city"),
    partial(lags, columns="n", steps=(1, 5), **PAST),
    partial(expanding, aggregates=AGGREGATES, **PAST),
    partial(rolling, aggregates=AGGREGATES, window="1h", **PAST),
    partial(as_of, features=FEATURES, features_time="known_at", max_age="1h", **PAST),
    partial(encode, encodings=LEARNED.lazy(), columns="city"),
    partial(encode_out_of_fold, columns="city", target="n", key="user"),
    partial(one_hot, column="city", categories=["c1"]),
    partial(hash_features, columns=["city", "user"], size=3),
    partial(bucketize, column="n", breaks=[10, 500], into="bucket"),
    partial(with_defaults, defaults={"n": 0}),
]
ANY_ORDER = [
    partial(sample_reservoir, size=1000, key="id"),
    partial(fit_target_encoding, columns=["city", "user"], target="n"),
    partial(drift, reference=ROWS.lazy().with_columns(pl.col("n") + 50), columns=["n", "at", "city"]),
]


@pytest.mark.parametrize("transform", IN_ORDER, ids=lambda transform: transform.func.__name__)
def test_many_batches_are_as_one_and_keep_their_order(transform):
    one = ROWS.lazy().pipe(transform).collect(engine="in-memory")
    assert one["id"].is_sorted()
    for rows in (ROWS, PIECES):
        assert_frame_equal(rows.lazy().pipe(transform).collect(engine="streaming"), one)


@pytest.mark.parametrize("transform", ANY_ORDER, ids=lambda transform: transform.func.__name__)
def test_many_batches_are_as_one_in_any_order(transform):
    one = ROWS.lazy().pipe(transform).collect(engine="in-memory")
    for rows in (ROWS, PIECES):
        assert_frame_equal(rows.lazy().pipe(transform).collect(engine="streaming"), one, check_row_order=False)
