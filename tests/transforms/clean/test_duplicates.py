"""Probable duplicates: held against comparing every pair in loops."""

from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from framework.errors import TransformError
from framework.transforms.clean import link_duplicates
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle.clean_repeats import groups

pytestmark = pytest.mark.drawn(2)

SCHEMA = {"id": pl.String, "zip": pl.String, "name": pl.String, "street": pl.String}
NAMES = [None, "", *("".join(letters) for size in range(1, 5) for letters in product("ab", repeat=size))]
BLOCKS = [None, *(f"z{number}" for number in range(15))]
OPTIONS = {"block": "zip", "compare": ["name", "street"], "into": "person", "key": "id"}


def people(numbers) -> list:
    """One row for each number: one draw for hypothesis. Keys are in no order, and some are null."""
    rows = []
    for place, number in enumerate(numbers):
        rest, block = divmod(number, len(BLOCKS))
        street, name = divmod(rest, len(NAMES))
        key = None if number % 41 == 0 else f"p{place * 37 % 101:03}"
        rows.append((key, BLOCKS[block], NAMES[name], NAMES[street]))
    return rows


POPULATION = st.lists(st.integers(0, len(BLOCKS) * len(NAMES) ** 2 - 1), min_size=40, max_size=90).map(people)


def frame(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@given(POPULATION, st.sampled_from([0.3, 0.5, 0.75, 0.8, 1.0]), st.integers(2, 6))
def test_groups_are_what_comparing_every_pair_in_loops_gives(rows, threshold, max_block):
    found = frame(rows).lazy().pipe(link_duplicates, **OPTIONS, threshold=threshold, max_block=max_block).collect()
    expected = groups([(key, zip_, (name, street)) for key, zip_, name, street in rows], threshold, max_block)
    assert found.select("person", "person_skipped").rows() == expected
    assert found.select(SCHEMA.keys()).equals(frame(rows))


@given(POPULATION)
def test_groups_are_the_same_whole_in_parts_and_on_every_engine(rows):
    def transform(given):
        return given.pipe(link_duplicates, **OPTIONS, threshold=0.6)

    whole = same_everywhere(transform, frame(rows))
    assert_frame_equal(whole, by_parts(transform, frame(rows), "zip"), check_row_order=False)


def linked(names, **options) -> list:
    rows = pl.LazyFrame({"id": range(len(names)), "zip": ["1"] * len(names), "name": names})
    given = {"block": "zip", "compare": "name", "key": "id", "into": "person", "threshold": 0.8} | options
    return rows.pipe(link_duplicates, **given).collect().select("person", "person_skipped").rows()


def test_a_chain_of_similar_names_is_one_group():
    assert [person for person, _ in linked(["abcdefgh", "abcdefxy", "abcdexyz"], threshold=0.7)] == [0, 0, 0]
    assert [person for person, _ in linked(["abcdefgh", "abcdexyz"], threshold=0.7)] == [0, 1]


def test_a_block_above_the_limit_is_left_out_and_says_so():
    assert linked(["ann", "anna", "bob"], max_block=2) == [(0, True), (1, True), (2, True)]
    assert linked(["ann", "anna", "bob"], max_block=3, threshold=0.8) == [(0, False), (0, False), (2, False)]


def test_exact_copies_are_one_text_however_many():
    assert set(linked(["ann"] * 50_000, max_block=2)) == {(0, False)}


def test_a_row_that_says_nothing_is_linked_to_nothing():
    assert linked([None, None, "", "", "ann"]) == [(0, True), (1, True), (2, True), (3, True), (4, False)]


def test_a_row_without_a_key_has_no_group_and_gives_none():
    rows = pl.LazyFrame({"id": [None, 2, 1], "zip": ["1"] * 3, "name": ["ann"] * 3})
    plan = rows.pipe(link_duplicates, block="zip", compare="name", threshold=1, into="g", key="id")
    assert plan.collect().select("g", "g_skipped").rows() == [(None, True), (1, False), (1, False)]


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt8, pl.String, pl.Date])
def test_the_group_has_the_type_of_the_key(dtype):
    rows = pl.LazyFrame(
        {"id": pl.Series([2, 1], dtype=pl.Int32).cast(dtype), "zip": ["1", "1"], "name": ["ann", "ann"]}
    )
    plan = rows.pipe(link_duplicates, block="zip", compare="name", threshold=1, into="g", key="id")
    assert plan.collect_schema()["g"] == dtype
    assert plan.collect()["g"].to_list() == [rows.collect()["id"][1]] * 2


def test_blocks_may_be_several_columns_of_any_type():
    rows = pl.LazyFrame({"id": [1, 2, 3], "zip": [1, 1, 1], "born": [True, True, False], "name": ["ann"] * 3})
    plan = rows.pipe(link_duplicates, block=["zip", "born"], compare="name", threshold=1, into="g", key="id")
    assert plan.collect()["g"].to_list() == [1, 1, 3]


def test_it_is_lazy_and_leaves_the_streaming_engine_in_one_node():
    assert_lazy(lambda rows: rows.pipe(link_duplicates, **OPTIONS, threshold=0.9), SCHEMA)
    plan = frame([]).lazy().pipe(link_duplicates, **OPTIONS, threshold=0.9)
    assert fallbacks(plan) == ["columnar-function"]
    assert plan.collect().schema == SCHEMA | {"person": pl.String, "person_skipped": pl.Boolean}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 90}, "link_duplicates: threshold=90 is a similarity, expected above 0 and at most 1"),
        ({"max_block": 1}, "link_duplicates: max_block=1 compares nothing; expected at least 2"),
        ({"block": []}, "link_duplicates: block is empty; name at least one column"),
        ({"into": "zip"}, "link_duplicates: adds the column zip, which is there already; rename or drop it"),
        ({"key": "score"}, "link_duplicates: column 'score' is Float64, expected String, an integer or Date"),
        (
            {"compare": "score"},
            "link_duplicates: column 'score' is Float64, expected String: cast it, `pl.col(...).cast(pl.String)`",
        ),
    ],
)
def test_what_is_wrong_is_said_when_the_plan_is_built(options, message):
    rows = pl.LazyFrame(schema=SCHEMA | {"score": pl.Float64})
    with pytest.raises(TransformError) as caught:
        rows.pipe(link_duplicates, **({"threshold": 0.9} | OPTIONS | options))
    assert str(caught.value) == message
