"""Stable hashes: the same value in every version, held against an independent reading of XXH64."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms import with_hash
from framework.transforms.hashing import hash_fraction
from tests.transforms.engines import assert_lazy, fallbacks, same_everywhere

pytestmark = pytest.mark.drawn(2)

TEXTS = st.lists(st.none() | st.text(max_size=20), min_size=1, max_size=200)


def hashes(values, **options) -> list[int]:
    rows = pl.LazyFrame({"value": values}) if isinstance(values, list) else pl.LazyFrame([values.alias("value")])
    return rows.pipe(with_hash, "value", into="hash", **options).collect()["hash"].to_list()


@given(TEXTS, st.integers(0, 2**32))
def test_text_hashes_as_xxh64_says_and_null_as_a_zero_byte(values, seed):
    rows = pl.LazyFrame({"value": values}, schema={"value": pl.String})
    found = rows.pipe(with_hash, "value", into="hash", seed=seed).collect()["hash"].to_list()
    assert found == [xxhash.xxh64_intdigest(("\0" if v is None else v).encode(), seed=seed) for v in values]


@given(st.lists(st.tuples(st.none() | st.text(max_size=3), st.none() | st.text(max_size=3)), min_size=2, max_size=60))
def test_several_columns_hash_equal_only_where_all_values_are_equal(rows):
    frame = pl.LazyFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    found = frame.pipe(with_hash, ["a", "b"], into="hash").collect()["hash"].to_list()
    assert len(set(found)) == len(set(rows))


def test_an_integer_hashes_alike_in_every_width_and_as_its_text():
    widths = [pl.Series([7], dtype=t) for t in (pl.Int8, pl.Int64, pl.UInt32)]
    assert {hashes(s)[0] for s in widths} == {hashes(["7"])[0]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 1, 1, tzinfo=UTC), "1704067200000000"),
        (True, "true"),
        (Decimal("1.50"), "1.50"),
    ],
)
def test_every_other_type_hashes_as_a_text_that_is_fixed(value, text):
    assert hashes([value]) == [xxhash.xxh64_intdigest(text.encode())]


def test_floats_are_refused_with_what_to_do():
    with pytest.raises(TransformError, match="'value' is Float64, which has no stable text form; round it to"):
        hashes([1.5])


def test_an_unknown_column_is_named_with_the_nearest():
    with pytest.raises(TransformError) as caught:
        pl.LazyFrame({"user_id": ["a"]}).pipe(with_hash, "userid", into="hash")
    assert str(caught.value) == "with_hash: there is no column 'userid' (did you mean 'user_id'?)"


def test_a_column_that_is_there_is_not_written_over():
    with pytest.raises(TransformError, match="adds the column value, which is there already"):
        pl.LazyFrame({"value": ["a"]}).pipe(with_hash, "value", into="value")


def test_fractions_are_spread_evenly():
    rows = pl.LazyFrame({"n": range(100_000)})
    tenth = (hash_fraction(rows.collect_schema(), ["n"]) * 10).cast(pl.Int64)
    counts = rows.group_by(tenth.alias("tenth")).len().sort("tenth").collect()
    assert counts["tenth"].to_list() == list(range(10))
    assert counts["len"].to_list() == pytest.approx([10_000] * 10, rel=0.05)


def test_it_is_lazy_streams_and_is_the_same_on_every_engine():
    assert_lazy(lambda rows: rows.pipe(with_hash, "user", into="hash"), {"user": pl.String})
    assert fallbacks(pl.LazyFrame({"user": ["a"]}).pipe(with_hash, "user", into="hash")) == []
    same_everywhere(lambda rows: rows.pipe(with_hash, "user", into="hash"), pl.DataFrame({"user": list("abcdefg")}))


def test_a_node_that_leaves_the_streaming_engine_would_be_seen():
    assert fallbacks(pl.LazyFrame({"a": [1.0, 2.0]}).group_by("a").agg(pl.col("a").median().alias("m"))) != []
