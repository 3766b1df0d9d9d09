"""Declared categories and hashed ones: the same columns and numbers for every batch of rows."""

from functools import partial

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.features import hash_features, one_hot
from tests.transforms.engines import assert_lazy, fallbacks, same_everywhere
from tests.transforms.oracle import features_learned as slow

pytestmark = pytest.mark.drawn(2)

SCHEMA = {"city": pl.String, "n": pl.Int64}
ROWS = pl.DataFrame({"city": ["Rome", "Oslo", None, "Lima", "Rome"], "n": [1, 2, 3, None, 1]}, schema=SCHEMA)
EVERY = [
    partial(one_hot, column="city", categories=["Rome", "Oslo"], other=True),
    partial(hash_features, columns=["city", "n"], size=8),
]
CITIES = st.none() | st.sampled_from(["Rome", "Oslo", "Lima", "", "other"])
VALUES = st.lists(st.tuples(CITIES, st.none() | st.integers(-5, 5)), min_size=20, max_size=80)


@given(st.lists(CITIES, max_size=60), st.booleans())
def test_each_category_has_a_column_and_the_rest_is_zero_or_other(cities, other):
    hot = partial(one_hot, column="city", categories=["Rome", "Oslo", ""], other=other)
    found = pl.LazyFrame({"city": cities}, schema={"city": pl.String}).pipe(hot).drop("city").collect()
    expected = [[city == "Rome", city == "Oslo", city == "", *[city in {"Lima", "other"}] * other] for city in cities]
    assert [list(row) for row in found.rows()] == expected


@pytest.mark.parametrize(
    ("values", "dtype", "categories", "columns"),
    [
        ([True, False, None], pl.Boolean, [True, False], {"is_true": [1, 0, 0], "is_false": [0, 1, 0]}),
        ([1, 2, None], pl.UInt8, [2], {"is_2": [0, 1, 0]}),
        (["a", "b", None], pl.Categorical, ["b"], {"is_b": [0, 1, 0]}),
        (["a", "b", None], pl.Enum(["a", "b"]), ["b", "c"], {"is_b": [0, 1, 0], "is_c": [0, 0, 0]}),
    ],
)
def test_categories_may_be_booleans_integers_and_words_of_any_kind(values, dtype, categories, columns):
    rows = pl.LazyFrame({"v": values}, schema={"v": dtype})
    found = rows.pipe(one_hot, "v", categories, prefix="is").drop("v").collect()
    assert found.to_dict(as_series=False) == columns
    assert set(found.dtypes) == {pl.Int8}


@given(VALUES, st.sampled_from([1, 2, 7, 16]), st.integers(0, 2**64 - 1))
def test_each_value_adds_its_sign_at_the_place_of_its_hash(rows, size, seed):
    frame = pl.LazyFrame(rows, schema=SCHEMA, orient="row")
    found = frame.pipe(hash_features, ["city", "n"], size=size, seed=seed, into="h").drop("city", "n").collect()
    expected = [slow.hashed({"city": city, "n": n}, size, seed) for city, n in rows]
    assert [list(row) for row in found.rows()] == expected


def test_inner_products_of_hashed_rows_are_right_on_average():
    rows = pl.LazyFrame({"a": [f"x{i}" for i in range(2000)], "b": [f"y{i}" for i in range(2000)]})
    hashed = rows.pipe(hash_features, ["a", "b"], size=4).drop("a", "b").collect()
    squares = sum((hashed[name] * hashed[name].shift(1)).sum() for name in hashed.columns)
    assert abs(squares) / 2000 < 0.1  # neighbours share no value
    assert sum((hashed[name] ** 2).sum() for name in hashed.columns) / 2000 == pytest.approx(2, rel=0.1)


def test_the_same_word_in_two_columns_is_two_features():
    rows = pl.LazyFrame({"a": [f"x{i}" for i in range(50)]}).with_columns(b="a")
    one, two = (rows.pipe(hash_features, name, size=64).drop("a", "b").collect() for name in ("a", "b"))
    assert sum(one.row(i) == two.row(i) for i in range(50)) < 10


@pytest.mark.parametrize("transform", EVERY)
def test_they_are_lazy_stream_and_are_the_same_on_every_engine(transform):
    assert_lazy(lambda rows: rows.pipe(transform), SCHEMA)
    assert fallbacks(ROWS.lazy().pipe(transform)) == []
    same_everywhere(lambda rows: rows.pipe(transform), ROWS)
    assert ROWS.clear().lazy().pipe(transform).collect().height == 0
    nothing = ROWS.clear(3).lazy().pipe(transform).collect()
    assert nothing.drop("city", "n").sum().transpose().to_series().to_list() == [0] * (nothing.width - 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            partial(one_hot, column="town", categories=["a"]),
            "one_hot: there is no column 'town' (known: city, n, parts, x)",
        ),
        (
            partial(one_hot, column="x", categories=["a"]),
            "one_hot: column 'x' is Float64, expected text, integers or booleans; bucketize numbers first",
        ),
        (
            partial(one_hot, column="city", categories=["a", "a"]),
            "one_hot: categories=['a', 'a'] name a column twice; give each of them once",
        ),
        (
            partial(one_hot, column="city", categories=["a", "other"], other=True),
            "one_hot: categories=['a', 'other'] name a column twice; give each of them once",
        ),
        (partial(hash_features, columns="city", size=0), "hash_features: size=0 must be from 1 to 4096"),
        (
            partial(hash_features, columns="parts", size=2),
            "hash_features: column 'parts' is List(String), which has no stable text form; hash its parts",
        ),
        (partial(hash_features, columns=(), size=2), "hash_features: columns is empty, expected one column or several"),
    ],
)
def test_what_cannot_be_a_category_is_said_when_the_plan_is_built(call, message):
    with pytest.raises(TransformError) as caught:
        pl.LazyFrame(schema=SCHEMA | {"x": pl.Float64, "parts": pl.List(pl.String)}).pipe(call)
    assert str(caught.value) == message
