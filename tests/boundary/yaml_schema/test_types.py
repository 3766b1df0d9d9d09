"""Types in words, both ways."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.boundary.yaml_schema.types import PLAIN, read_type, write_type
from framework.errors import SchemaError

NAMES = st.text(min_size=0, max_size=6) | st.sampled_from(["a b", "a,b", "x:", "[", '"', "\\", " lead", "ä"])
LEAVES = st.sampled_from(
    [*PLAIN.values(), pl.Decimal(12, 4), pl.Decimal(38, 0), pl.Datetime("ms"), pl.Datetime("us", "Europe/Berlin")]
) | st.builds(pl.Enum, st.lists(NAMES, max_size=4, unique=True))
TYPES = st.recursive(
    LEAVES | st.sampled_from([pl.Duration("ns"), pl.Datetime("ns", "Etc/GMT+2")]),
    lambda inner: (
        st.builds(pl.List, inner)
        | st.builds(pl.Array, inner, st.integers(0, 4))
        | st.builds(pl.Struct, st.dictionaries(NAMES, inner, max_size=3))
    ),
    max_leaves=4,
)


@given(dtype=TYPES)
def test_a_type_that_is_written_reads_back(dtype):
    assert read_type(write_type(dtype)) == dtype


@pytest.mark.parametrize(
    ("words", "dtype", "written"),
    [
        ("int", pl.Int64(), "int"),
        ("int64", pl.Int64(), "int"),
        ("float64", pl.Float64(), "float"),
        ("datetime", pl.Datetime("us"), "datetime[us]"),
        ("duration", pl.Duration("us"), "duration[us]"),
        ("decimal(12,4)", pl.Decimal(12, 4), "decimal(12, 4)"),
        (" list [ str ] ", pl.List(pl.String), "list[str]"),
        ("array[array[int, 3], 2]", pl.Array(pl.Int64, (2, 3)), "array[array[int, 3], 2]"),
        ('enum[low, very high, "a, b"]', pl.Enum(["low", "very high", "a, b"]), 'enum[low, very high, "a, b"]'),
        ('struct{"zip code": str}', pl.Struct({"zip code": pl.String}), "struct{zip code: str}"),
        ("enum[]", pl.Enum([]), "enum[]"),
        ("struct{}", pl.Struct({}), "struct{}"),
    ],
)
def test_words_of_a_type_have_one_form(words, dtype, written):
    assert read_type(words) == dtype
    assert write_type(dtype) == written


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("strng", "'strng' is no type; did you mean 'str'?"),
        ("Decimal(9, 2)", "'Decimal' is no type; did you mean 'decimal'?"),
        ("", "'' is no type: expected a word, got its end"),
        ("list", "'list' is no type: expected '[', got its end"),
        ("list[str", "'list[str' is no type: expected ']', got its end"),
        ("list[str]]", "'list[str]]' goes on behind the type: ']'"),
        ("list str", "'list str' is no type; did you mean 'list'?"),
        ("decimal(9)", "'decimal(9)' is no type: expected ',', got ')'"),
        ("decimal(9.5, 2)", "'decimal(9.5, 2)' is no type: expected a number, got '9.5'"),
        ("decimal(39, 2)", "decimal(39, 2): digits are 1 to 38, of them those behind the point"),
        ("decimal(2, 3)", "decimal(2, 3): digits are 1 to 38, of them those behind the point"),
        ("decimal(0, 0)", "decimal(0, 0): digits are 1 to 38, of them those behind the point"),
        ("datetime[s]", "'s' is no unit of time; one of ms, us, ns"),
        ("datetime[us, Berlin]", "zone 'Berlin' is not known; did you mean 'Europe/Berlin'?"),
        ("struct{a: int, a: str}", "field 'a' is given twice"),
        ("struct{a}", "'struct{a}' is no type: expected ':', got '}'"),
        ("enum[a, a]", "category 'a' is given twice"),
        ("enum[a,]", "expected a name, got ']'"),
        ('enum["a]', "'enum[\"a]' is no type: a quote is not closed"),
        ('enum["\\x"]', '"\\x" is no text in quotes: Invalid \\escape: line 1 column 2 (char 1)'),
    ],
)
def test_words_that_are_no_type_say_why(words, expected):
    with pytest.raises(SchemaError) as caught:
        read_type(words)
    assert str(caught.value) == expected


@pytest.mark.parametrize("dtype", [pl.Object(), pl.Null(), pl.List(pl.Object)])
def test_a_type_without_words_is_refused(dtype):
    with pytest.raises(SchemaError, match="has no words"):
        write_type(dtype)


def test_categories_with_a_name_are_refused():
    with pytest.raises(SchemaError, match="has no words"):
        write_type(pl.Categorical(pl.Categories("own")))
