"""Repeats and versions: what stays does not depend on the order of rows."""

from datetime import date
from math import prod

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from framework.errors import TransformError
from framework.transforms.clean import drop_repeats, keep_newest
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle.clean_repeats import newest, rank

pytestmark = pytest.mark.drawn(2)

SCHEMA = {"user": pl.String, "shop": pl.Int64, "at": pl.Int64, "seen": pl.Date, "score": pl.Float64}
VALUES = {
    "user": [None, *(f"u{number}" for number in range(40))],
    "shop": [None, 0, 1],
    "at": [None, 0, 1, 2],
    "seen": [None, date(2024, 1, 1), date(2024, 1, 2)],
    "score": [None, 0.5, 1.0, float("nan")],
}
COMBINATIONS = prod(len(values) for values in VALUES.values())


def row(number) -> dict:
    """A row by its number: one draw for hypothesis, where five would be slow."""
    drawn = {}
    for name, values in VALUES.items():
        number, place = divmod(number, len(values))
        drawn[name] = values[place]
    return drawn


POPULATION = st.lists(st.integers(0, COMBINATIONS - 1).map(row), min_size=40, max_size=150)


def frame(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


def in_order(rows):
    return sorted([tuple(rank(value) for value in row) for row in rows])


@given(POPULATION)
@pytest.mark.parametrize(
    ("key", "order"), [(["user"], ["at"]), (["user", "shop"], ["seen", "at"]), (["shop"], ["score"])]
)
def test_the_newest_is_what_a_loop_over_the_rows_keeps(key, order, rows):
    found = frame(rows).lazy().pipe(keep_newest, key=key, order=order).collect()
    assert in_order(found.rows()) == in_order(row.values() for row in newest(rows, key, order))


@given(POPULATION)
def test_repeats_are_what_a_set_leaves_out_nulls_being_equal(rows):
    found = frame(rows).lazy().pipe(drop_repeats).collect()
    distinct = {tuple(rank(value) for value in row.values()) for row in rows}
    assert in_order(found.rows()) == sorted(distinct)


@given(POPULATION)
def test_of_rows_that_repeat_some_columns_the_last_by_the_others_stays(rows):
    found = frame(rows).lazy().pipe(drop_repeats, ["user", "shop"], count="n").collect()
    known = {"user": pl.col("user").fill_null("nobody"), "shop": pl.col("shop").fill_null(-1)}
    kept = newest(frame(rows).with_columns(**known).to_dicts(), ["user", "shop"], [])
    assert in_order(found.drop("n").with_columns(**known).rows()) == in_order(row.values() for row in kept)
    assert found["n"].sum() == len(rows)


@given(POPULATION)
def test_the_newest_is_the_same_whole_in_parts_and_on_every_engine(rows):
    def transform(given):
        return given.pipe(keep_newest, key="user", order="at")

    whole = same_everywhere(transform, frame(rows))
    assert_frame_equal(whole, by_parts(transform, frame(rows), "user"), check_row_order=False)


def test_a_count_says_how_many_rows_each_stands_for():
    rows = pl.LazyFrame({"user": ["ann", "ann", None, None, None], "page": [1, 1, 2, 2, 2]})
    found = rows.pipe(drop_repeats, count="n").sort("page").collect()
    assert found.rows() == [("ann", 1, 2), (None, 2, 3)]
    assert found.schema["n"] == pl.Int64


def test_lists_and_structs_can_repeat_and_decide():
    rows = pl.LazyFrame({"k": [1, 1, 2, 2], "tags": [["a"], ["b"], None, ["c"]], "s": [{"x": 1}] * 4})
    assert rows.pipe(keep_newest, key="k", order="s").sort("k").collect()["tags"].to_list() == [["b"], ["c"]]
    assert pl.concat([rows, rows]).pipe(drop_repeats).collect().height == 4


def test_one_key_may_have_very_many_versions():
    rows = pl.LazyFrame({"k": 1, "version": pl.int_range(500_000, eager=True), "pad": "x"})
    assert rows.pipe(keep_newest, key="k", order="version").collect().rows() == [(1, 499_999, "x")]


@pytest.mark.parametrize(
    "transform",
    [
        lambda rows: rows.pipe(keep_newest, key="user", order="at"),
        lambda rows: rows.pipe(drop_repeats),
        lambda rows: rows.pipe(drop_repeats, count="n"),
        lambda rows: rows.pipe(drop_repeats, "user", count="n"),
    ],
    ids=["keep_newest", "drop_repeats", "counted", "some_columns"],
)
def test_it_is_lazy_streams_keeps_the_columns_and_takes_an_empty_frame(transform):
    assert_lazy(transform, SCHEMA)
    assert fallbacks(transform(frame([]).lazy())) == []
    empty = transform(frame([]).lazy()).collect()
    assert empty.drop("n", strict=False).schema == frame([]).schema
    assert empty.height == 0
    same_everywhere(transform, frame([dict.fromkeys(SCHEMA)] * 5))


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (
            lambda rows: rows.pipe(keep_newest, key="usr", order="at"),
            "keep_newest: there is no column 'usr' (did you mean 'user'?)",
        ),
        (
            lambda rows: rows.pipe(keep_newest, key="user", order=[]),
            "keep_newest: order is empty; name at least one column",
        ),
        (
            lambda rows: rows.pipe(drop_repeats, []),
            "drop_repeats: columns is empty; name at least one, or leave it out for all of them",
        ),
        (
            lambda rows: rows.pipe(drop_repeats, count="shop"),
            "drop_repeats: adds the column shop, which is there already; rename or drop it",
        ),
    ],
)
def test_what_is_wrong_is_said_when_the_plan_is_built(transform, message):
    with pytest.raises(TransformError) as caught:
        transform(frame([]).lazy())
    assert str(caught.value) == message
