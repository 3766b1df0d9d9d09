"""Samples: held against a slow definition, whole keys, exact counts, and the same whatever the parts."""

from functools import partial

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from framework.errors import TransformError
from framework.transforms.sampling import sample_fraction, sample_reservoir, sample_stratified
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle import sampling as slow

pytestmark = pytest.mark.drawn(2)

SCHEMA = {"user": pl.String, "plan": pl.String, "n": pl.Int64}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "user": st.none() | st.sampled_from([f"u{i}" for i in range(40)]),
            "plan": st.none() | st.sampled_from(["free", "paid", "trial"]),
            "n": st.none() | st.integers(0, 3),
        }
    ),
    min_size=20,
    max_size=120,
)
SEEDS = st.integers(0, 2**40)
USERS = pl.DataFrame({"user": [f"u{i}" for i in range(200)], "plan": ["free"] * 150 + ["paid"] * 50, "n": range(200)})
EVERY = [
    partial(sample_fraction, fraction=0.3, key="user"),
    partial(sample_stratified, strata="plan", key="user", fraction=0.3),
    partial(sample_stratified, strata="plan", key="user", size=7),
    partial(sample_reservoir, size=20, key="user"),
]


def frame(rows: list[dict]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=SCHEMA)


@given(ROWS, st.sampled_from([0.0, 0.1, 0.5, 1.0]), SEEDS)
def test_a_fraction_keeps_the_rows_of_keys_whose_hash_is_below_it(rows, part, seed):
    for key in (["user"], ["user", "plan"]):
        found = frame(rows).pipe(sample_fraction, part, key=key, seed=seed).collect()
        assert found.to_dicts() == slow.fraction(rows, part, key, seed)


@given(
    ROWS, SEEDS, st.sampled_from([{"fraction": f} for f in (0.0, 0.25, 0.5, 1.0)] + [{"size": n} for n in (0, 1, 5)])
)
def test_a_stratified_sample_keeps_the_keys_of_lowest_hash_of_each_stratum(rows, seed, wanted):
    found = frame(rows).pipe(sample_stratified, strata="plan", key="user", seed=seed, **wanted).collect()
    expected = slow.stratified(rows, "plan", "user", seed, wanted.get("fraction"), wanted.get("size"))
    assert found.to_dicts() == expected


@given(ROWS, SEEDS, st.integers(0, 60))
def test_a_reservoir_keeps_the_rows_of_lowest_hash_and_settles_ties_by_the_other_columns(rows, seed, size):
    found = frame(rows).pipe(sample_reservoir, size, key="user", seed=seed).collect()
    expected = frame(slow.reservoir(rows, size, "user", seed, list(SCHEMA))).collect()
    assert_frame_equal(found, expected, check_row_order=False)


def test_both_sides_of_a_join_keep_the_same_keys_even_in_other_integer_widths():
    clicks = pl.LazyFrame({"user_id": [i % 50 for i in range(200)]}, schema={"user_id": pl.Int64})
    users = pl.LazyFrame({"id": range(50)}, schema={"id": pl.UInt16})
    kept = clicks.pipe(sample_fraction, 0.4, key="user_id", seed=3).collect()["user_id"].unique()
    assert 0 < len(kept) < 50
    assert set(kept) == set(users.pipe(sample_fraction, 0.4, key="id", seed=3).collect()["id"])


def test_a_smaller_fraction_is_a_part_of_a_larger_one_and_another_seed_is_another_sample():
    def kept(part, seed):
        return set(USERS.lazy().pipe(sample_fraction, part, key="user", seed=seed).collect()["user"])

    assert kept(0.1, 1) < kept(0.5, 1)
    assert kept(0.5, 1) != kept(0.5, 2)


def test_the_fraction_is_met_by_and_large():
    many = pl.LazyFrame({"n": range(100_000)})
    assert many.pipe(sample_fraction, 0.1, key="n").select(pl.len()).collect().item() == pytest.approx(10_000, rel=0.05)


def test_a_reservoir_of_the_reservoirs_of_parts_is_that_of_the_whole():
    parts = [USERS[start : start + 60].lazy().pipe(sample_reservoir, 20, key="user") for start in range(0, 200, 60)]
    merged = pl.concat(parts).pipe(sample_reservoir, 20, key="user").collect()
    assert_frame_equal(merged, USERS.lazy().pipe(sample_reservoir, 20, key="user").collect(), check_row_order=False)


def test_every_key_is_as_likely_to_be_in_a_reservoir():
    times = dict.fromkeys(range(10), 0)
    for seed in range(1000):
        for key in pl.LazyFrame({"n": range(10)}).pipe(sample_reservoir, 3, key="n", seed=seed).collect()["n"]:
            times[key] += 1
    assert list(times.values()) == pytest.approx([300] * 10, abs=60)


@pytest.mark.parametrize("sample", EVERY, ids=["fraction", "proportional", "equal", "reservoir"])
def test_samples_are_lazy_stream_and_are_the_same_on_every_engine(sample):
    assert_lazy(lambda rows: rows.pipe(sample), SCHEMA)
    assert fallbacks(USERS.lazy().pipe(sample)) == []
    kept = same_everywhere(lambda rows: rows.pipe(sample), USERS, sort_by=["user"])
    assert kept.schema == USERS.schema
    assert kept.height > 0


@pytest.mark.parametrize(("sample", "part_by"), [(EVERY[0], "user"), (EVERY[1], "plan"), (EVERY[2], "plan")])
def test_samples_are_the_same_in_parts(sample, part_by):
    parts = by_parts(lambda rows: rows.pipe(sample), USERS, part_by)
    assert_frame_equal(parts, USERS.lazy().pipe(sample).collect(), check_row_order=False)


@pytest.mark.parametrize("sample", EVERY)
def test_nothing_gives_nothing_and_null_keys_are_one_key(sample):
    assert frame([]).pipe(sample).collect().height == 0
    nulls = [{"user": None, "plan": None, "n": None}] * 30
    assert frame(nulls).pipe(sample).collect().height in {0, 20, 30}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(sample_fraction, fraction=1.5, key="user"), "sample_fraction: fraction=1.5 must be from 0 to 1"),
        (
            partial(sample_fraction, fraction=float("nan"), key="user"),
            "sample_fraction: fraction=nan must be from 0 to 1",
        ),
        (partial(sample_fraction, fraction=1, key=[]), "sample_fraction: key is empty, expected one column or several"),
        (
            partial(sample_fraction, fraction=1, key="usr"),
            "sample_fraction: there is no column 'usr' (did you mean 'user'?)",
        ),
        (
            partial(sample_stratified, strata="plan", key="user"),
            "sample_stratified: got neither of fraction and size, expected one of them",
        ),
        (
            partial(sample_stratified, strata="plan", key="user", size=1, fraction=0.5),
            "sample_stratified: got both of fraction and size, expected one of them",
        ),
        (
            partial(sample_stratified, strata="plan", key="user", fraction=-0.1),
            "sample_stratified: fraction=-0.1 must be from 0 to 1",
        ),
        (
            partial(sample_stratified, strata=(), key="user", size=1),
            "sample_stratified: strata is empty, expected one column or several",
        ),
        (partial(sample_reservoir, size=-1, key="user"), "sample_reservoir: size=-1 must not be negative"),
        (partial(sample_reservoir, size=1, key="user", seed=-1), "sample_reservoir: seed=-1 must not be negative"),
        (
            partial(sample_fraction, fraction=1, key="parts"),
            "sample_fraction: column 'parts' is List(Int64), which has no stable text form; hash its parts",
        ),
    ],
)
def test_what_cannot_be_sampled_is_said_when_the_plan_is_built(call, message):
    rows = pl.LazyFrame(schema=SCHEMA | {"parts": pl.List(pl.Int64)})
    with pytest.raises(TransformError) as caught:
        rows.pipe(call)
    assert str(caught.value) == message
