"""Two tables held against each other: what is the same, and what is not."""

import math

import polars as pl
import pytest

from framework.run.rows_compared import HIDDEN, SHOWN, Difference, compare

ROWS = pl.LazyFrame({"k": [1, 2, None], "v": [0.1 + 0.2, math.nan, None], "l": [[1], [2, 3], None]})


@pytest.mark.parametrize("key", [["k"], []], ids=["by key", "without"])
def test_order_nulls_nan_and_the_last_digits_of_floats_are_no_difference(key):
    again = pl.LazyFrame({"k": [None, 2, 1], "v": [None, math.nan, 0.3], "l": [None, [2, 3], [1]]})
    assert compare(ROWS, again, key=key) == Difference(3, 3)
    assert compare(ROWS, again, key=key).is_equal


@pytest.mark.parametrize("key", [["k"], []], ids=["by key", "without"])
def test_missing_and_extra_rows_are_counted(key):
    other = pl.concat([ROWS.filter(pl.col("k") == 1), ROWS.head(1).with_columns(k=pl.lit(9, dtype=pl.Int64))])
    found = compare(ROWS, other, key=key)
    assert (found.rows, found.other_rows, found.missing, found.extra, found.changed) == (3, 2, 2, 1, 0)
    assert [one["what"] for one in found.examples].count("missing") == 2


def test_rows_that_are_there_more_often_are_extra():
    one = pl.LazyFrame({"a": [1, 1, 2]})
    found = compare(one, pl.LazyFrame({"a": [1, 1, 1, 1, 2]}))
    assert (found.missing, found.extra) == (0, 2)


def test_changed_rows_are_told_by_column_with_both_values():
    here = pl.LazyFrame({"k": [1, 2, 3], "a": [1, 2, 3], "b": ["x", None, "z"]})
    there = pl.LazyFrame({"k": [1, 2, 3], "a": [1, 5, 3], "b": ["x", "y", None]})
    found = compare(here, there, key=["k"])
    assert (found.changed, found.columns) == (2, {"a": 1, "b": 2})
    assert found.examples == [
        {"key": {"k": 2}, "what": "changed", "columns": {"a": [2, 5], "b": [None, "y"]}},
        {"key": {"k": 3}, "what": "changed", "columns": {"b": ["z", None]}},
    ]


def test_values_of_sensitive_columns_are_not_shown():
    here, there = pl.LazyFrame({"k": ["me"], "a": ["old"]}), pl.LazyFrame({"k": ["me"], "a": ["new"]})
    found = compare(here, there, key=["k"], hidden=["k", "a"])
    assert found.examples == [{"key": {"k": HIDDEN}, "what": "changed", "columns": {"a": [HIDDEN, HIDDEN]}}]
    found = compare(here, there, hidden=["k", "a"])
    assert found.examples[0]["key"] == {"k": HIDDEN, "a": HIDDEN}


def test_columns_that_only_one_has_are_a_difference_and_the_others_are_compared():
    found = compare(pl.LazyFrame({"k": [1], "a": [1]}), pl.LazyFrame({"k": [1], "a": ["1"], "b": [2]}), key=["k"])
    assert found.schema == ["b is new", "a was Int64, is String"]
    assert (found.is_equal, found.changed) == (False, 0)


def test_only_the_first_rows_are_shown():
    found = compare(pl.LazyFrame({"k": range(100)}), pl.LazyFrame({"k": range(100, 300)}), key=["k"])
    assert (found.missing, found.extra, len(found.examples)) == (100, 200, SHOWN)
    assert found.examples[0]["key"] == {"k": 0}
