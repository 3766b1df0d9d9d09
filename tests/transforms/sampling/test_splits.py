"""Splits: held against a slow definition; no key on two sides, no row after the end of its split."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from framework.errors import TransformError
from framework.transforms.sampling import sample_fraction, split_by_key, split_by_time
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle import sampling as slow

pytestmark = pytest.mark.drawn(2)

SCHEMA = {"user": pl.String, "plan": pl.String}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "user": st.none() | st.sampled_from([f"u{i}" for i in range(40)]),
            "plan": st.none() | st.sampled_from(["free", "paid", "trial"]),
        }
    ),
    min_size=20,
    max_size=120,
)
THREE = {"train": 0.6, "valid": 0.2, "test": 0.2}
FRACTIONS = st.sampled_from([THREE, {"all": 1.0}, {"a": 0.1, "b": 0.9}, {f"fold{i}": 0.1 for i in range(10)}])
USERS = pl.DataFrame({"user": [f"u{i}" for i in range(500)], "plan": ["free", "free", "free", "free", "paid"] * 100})
DAYS = st.none() | st.dates(date(2024, 1, 1), date(2024, 1, 20))
AWARE = datetime(2024, 1, 3, tzinfo=UTC)
NAIVE = AWARE.replace(tzinfo=None)
UNTIL = {"train": date(2024, 1, 8), "gap": date(2024, 1, 10), "test": date(2024, 1, 15)}
MOMENTS = pl.DataFrame({"at": pl.datetime_range(NAIVE, NAIVE + timedelta(8), "6h", eager=True)})


@given(ROWS, FRACTIONS, st.integers(0, 2**40))
def test_a_key_goes_where_its_hash_says(rows, fractions, seed):
    found = pl.LazyFrame(rows, schema=SCHEMA).pipe(split_by_key, fractions, key="user", seed=seed).collect()
    assert found["split"].to_list() == slow.by_key(rows, fractions, "user", seed)


@given(ROWS, FRACTIONS, st.integers(0, 2**40))
def test_in_strata_a_key_goes_where_its_rank_in_its_stratum_says(rows, fractions, seed):
    split = partial(split_by_key, fractions=fractions, key="user", seed=seed, strata="plan")
    found = pl.LazyFrame(rows, schema=SCHEMA).pipe(split).collect()
    assert found["split"].to_list() == slow.by_key_in_strata(rows, fractions, "user", "plan", seed)
    assert found.group_by("user").agg(pl.col("split").n_unique()).filter(pl.col("split") > 1).is_empty()


@given(st.lists(DAYS, max_size=60), st.booleans())
def test_a_row_goes_to_the_first_split_that_ends_after_it(days, last_is_open):
    until = UNTIL | {"later": None} if last_is_open else UNTIL
    rows = [{"day": day} for day in days]
    found = pl.LazyFrame(rows, schema={"day": pl.Date}).pipe(split_by_time, until, time="day").collect()
    assert found["split"].to_list() == slow.by_time(rows, until, "day")


def test_strata_have_their_shares_exactly():
    split = USERS.lazy().pipe(split_by_key, THREE, key="user", strata="plan")
    counts = split.group_by("plan", "split").len().sort("plan", "split").collect()["len"].to_list()
    assert counts == [80, 240, 80, 20, 60, 20]


def test_a_split_by_hash_is_met_by_and_large_and_holds_when_keys_come_later():
    early, all_of_them = (
        rows.lazy().pipe(split_by_key, THREE, key="user").collect() for rows in (USERS.head(100), USERS)
    )
    assert early["split"].to_list() == all_of_them["split"][:100].to_list()
    assert all_of_them["split"].value_counts().sort("split")["count"].to_list() == pytest.approx(
        [100, 300, 100], abs=30
    )


def test_a_larger_first_share_takes_keys_from_its_neighbour_only():
    def splits(train):
        fractions = {"train": train, "valid": 0.8 - train, "test": 0.2}
        return USERS.lazy().pipe(split_by_key, fractions, key="user").collect()["split"]

    moved = pl.DataFrame({"before": splits(0.5), "after": splits(0.6)}).filter(pl.col("before") != pl.col("after"))
    assert set(moved.rows()) == {("valid", "train")}


def test_a_sample_is_split_like_the_whole_by_the_same_seed():
    sample = USERS.lazy().pipe(sample_fraction, 0.3, key="user").pipe(split_by_key, THREE, key="user").collect()
    assert set(sample["split"]) == {"train", "valid", "test"}


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_instants_are_compared_as_instants_in_whatever_zone_and_unit(zone, unit):
    rows = pl.LazyFrame({"at": [AWARE - timedelta(hours=1), AWARE]}, schema={"at": pl.Datetime(unit, "UTC")})
    split = partial(split_by_time, until={"a": AWARE, "b": None}, time="at")
    zoned = rows.with_columns(pl.col("at").dt.convert_time_zone(zone)).pipe(split)
    assert zoned.collect()["split"].to_list() == ["a", "b"]


SPLITS = [
    partial(split_by_key, fractions=THREE, key="user"),
    partial(split_by_key, fractions=THREE, key="user", strata="plan"),
    partial(split_by_time, until={"a": NAIVE + timedelta(2), "b": NAIVE + timedelta(4)}, time="at"),
]


@pytest.mark.parametrize(("split", "rows"), list(zip(SPLITS, [USERS, USERS, MOMENTS], strict=True)))
def test_splits_are_lazy_stream_and_are_the_same_on_every_engine(split, rows):
    assert_lazy(lambda frame: frame.pipe(split), rows.schema)
    assert fallbacks(rows.lazy().pipe(split)) == []
    done = same_everywhere(lambda frame: frame.pipe(split), rows, sort_by=rows.columns)
    assert done.columns == [*rows.columns, "split"]
    assert done.schema["split"] == pl.String


@pytest.mark.parametrize(("split", "part_by"), [(SPLITS[0], "user"), (SPLITS[1], "plan")])
def test_splits_are_the_same_in_parts(split, part_by):
    parts = by_parts(lambda rows: rows.pipe(split), USERS, part_by)
    assert_frame_equal(parts, USERS.lazy().pipe(split).collect(), check_row_order=False)


@pytest.mark.parametrize(("split", "rows"), list(zip(SPLITS, [USERS, USERS, MOMENTS], strict=True)))
def test_no_rows_have_no_splits(split, rows):
    assert rows.clear().lazy().pipe(split).collect().height == 0


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"train": 0.8}, "split_by_key: fractions sum to 0.8, expected 1; name what is left over as well"),
        ({}, "split_by_key: fractions sum to 0, expected 1; name what is left over as well"),
        ({"a": 1.5, "b": -0.5}, "split_by_key: the fraction of 'b' is -0.5, expected one above 0"),
    ],
)
def test_fractions_must_be_shares_of_one(fractions, message):
    with pytest.raises(TransformError) as caught:
        USERS.lazy().pipe(split_by_key, fractions, key="user")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("dtype", "until", "message"),
    [
        (pl.Date, {}, "until is empty, expected a name and an end for each split"),
        (pl.Date, {"a": None, "b": UNTIL["gap"]}, "'a' has no end but is not the last; give it the time where it ends"),
        (pl.Date, {"a": UNTIL["gap"], "b": UNTIL["train"]}, "ends must ascend, got 2024-01-10 before 2024-01-08"),
        (
            pl.Date,
            {"a": NAIVE},
            "the end of 'a' is 2024-01-03 00:00:00, expected a date, as the column is Date",
        ),
        (
            pl.Datetime("us", "UTC"),
            {"a": NAIVE},
            "the end of 'a' is 2024-01-03 00:00:00, expected a datetime with a zone",
        ),
        (
            pl.Datetime("us"),
            {"a": AWARE},
            "the end of 'a' is 2024-01-03 00:00:00+00:00, expected a naive datetime, as the column has no zone",
        ),
        (pl.Int64, {"a": None}, "column 'at' is Int64, expected Date or Datetime"),
    ],
)
def test_ends_must_fit_the_column_and_ascend(dtype, until, message):
    with pytest.raises(TransformError) as caught:
        pl.LazyFrame(schema={"at": dtype}).pipe(split_by_time, until, time="at")
    assert str(caught.value) == f"split_by_time: {message}"


def test_a_column_that_is_there_is_not_written_over():
    with pytest.raises(TransformError, match="split_by_key: adds the column plan, which is there already"):
        USERS.lazy().pipe(split_by_key, THREE, key="user", into="plan")
