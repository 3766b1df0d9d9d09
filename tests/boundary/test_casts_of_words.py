"""Words that stand for values: booleans, categories, bytes in text, and tokens that stand for no value."""

from __future__ import annotations

import base64
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.boundary.casts.text_words import FALSE_WORDS, TRUE_WORDS
from framework.errors import SchemaError
from tests.boundary.casting import LOST, cast_values

WORDS = st.one_of(st.sampled_from([*TRUE_WORDS, *FALSE_WORDS, "ja", "nein", "Ja", "X", "", " ja"]), st.text(max_size=3))


@given(st.lists(WORDS, min_size=60))
def test_declared_words_replace_the_usual_ones(texts):
    words = {"ja": True, "X": True, "nein": False, "": False}
    found = cast_values(texts, pl.Boolean(), true_words=["ja", "X"], false_words=["nein", ""])
    assert found == [words.get(text, LOST) for text in texts]
    only = cast_values(texts, pl.Boolean(), true_words="X")
    assert only == [True if text == "X" else LOST for text in texts]


CATEGORIES = ["small", "LARGE", "", "ä b", "1"]


@given(st.lists(st.one_of(st.sampled_from([*CATEGORIES, "Small", " small"]), st.text(max_size=3)), min_size=60))
def test_text_becomes_a_category_or_is_lost(texts):
    found = cast_values(texts, pl.Enum(CATEGORIES))
    assert found == [text if text in CATEGORIES else LOST for text in texts]
    assert cast_values(texts, pl.Categorical()) == texts
    assert cast_values(texts, pl.Enum(CATEGORIES), pl.Categorical()) == found


def test_category_is_read_like_the_text_it_stands_for():
    assert cast_values(["1", "x"], pl.Int64(), pl.Categorical()) == [1, LOST]
    assert cast_values(["a", "b"], pl.Enum(["b"]), pl.Enum(["a", "b"])) == [LOST, "b"]
    assert cast_values(["a", None], pl.String(), pl.Enum(["a"])) == ["a", None]


@given(st.lists(st.binary(max_size=12), min_size=60))
def test_every_byte_is_read_from_its_text(given_):
    texts = [base64.b64encode(value).decode() for value in given_]
    assert cast_values(texts, pl.Binary(), encoding="base64") == given_
    assert cast_values([value.hex() for value in given_], pl.Binary(), encoding="hex") == given_
    assert cast_values([value.hex().upper() for value in given_], pl.Binary(), encoding="hex") == given_


def plain_base64(text: str):
    """The bytes that are written as just this text."""
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError:
        return LOST
    return value if base64.b64encode(value).decode() == text else LOST


@given(st.lists(st.text(st.sampled_from("QUJDZA=0+/- \n_"), max_size=8), min_size=100))
def test_text_that_no_bytes_are_written_as_is_lost(texts):
    assert cast_values(texts, pl.Binary(), encoding="base64") == [plain_base64(text) for text in texts]
    hexed = [bytes.fromhex(t) if re.fullmatch("([0-9a-fA-F]{2})*", t) else LOST for t in texts]
    assert cast_values(texts, pl.Binary(), encoding="hex") == hexed


def test_bytes_need_an_encoding():
    assert cast_values(["aä", ""], pl.Binary(), encoding="utf-8") == ["aä".encode(), b""]
    with pytest.raises(SchemaError) as caught:
        cast_values(["a"], pl.Binary())
    assert str(caught.value) == (
        "there is no cast from text to Binary without an encoding; "
        "declare `encoding` in the column's metadata: base64, hex, utf-8"
    )


TOKENS = ["", "n/a", "-", "NULL"]


@pytest.mark.parametrize(
    ("dtype", "form"),
    [
        (pl.String(), {}),
        (pl.Int64(), {}),
        (pl.Decimal(9, 2), {"decimal_comma": True, "currency": "€"}),
        (pl.Boolean(), {"false_words": "no", "true_words": "yes"}),
        (pl.Date(), {}),
        (pl.Enum(["a"]), {}),
        (pl.Duration("us"), {}),
        (pl.Binary(), {"encoding": "base64"}),
        (pl.Float64(), {"units": {"kg": 1}}),
        (pl.Array(pl.Int64, 2), {}),
    ],
    ids=str,
)
@given(
    texts=st.lists(st.one_of(st.sampled_from([*TOKENS, "N/A", " ", "--", "1", None]), st.text(max_size=3)), min_size=60)
)
def test_tokens_are_no_value_and_all_other_text_is_what_it_was(dtype, form, texts):
    without = cast_values([None if text in TOKENS else text for text in texts], dtype, **form)
    assert cast_values(texts, dtype, null_tokens=TOKENS, **form) == without
    assert all(value is None for text, value in zip(texts, without, strict=True) if text is None or text in TOKENS)


def test_tokens_within_lists_and_structs_are_no_value_either():
    given_ = [["1", "-", None], ["x"]]
    assert cast_values(given_, pl.List(pl.Int64), pl.List(pl.String), null_tokens="-") == [[1, None, None], LOST]
    assert cast_values(given_, pl.List(pl.String), pl.List(pl.String), null_tokens="-") == [["1", None, None], ["x"]]
    parts = [{"a": "-", "b": "1"}, None]
    source, target = pl.Struct({"a": pl.String, "b": pl.String}), pl.Struct({"a": pl.String, "b": pl.Int64})
    assert cast_values(parts, target, source, null_tokens="-") == [{"a": None, "b": 1}, None]
    assert cast_values(['["-", 1]', "-"], pl.List(pl.Int64), null_tokens="-") == [[None, 1], None]


NUMBERS = st.sampled_from([float("nan"), 1.0, None, float("inf"), -0.0])


@given(st.lists(NUMBERS, min_size=50))
def test_nan_is_kept_nothing_or_refused_as_declared(numbers):
    is_nan = [n is not None and n != n for n in numbers]  # noqa: PLR0124 - only NaN differs from itself
    texts = [None if n is None else repr(n) for n in numbers]
    for source, given_ in ((pl.Float64(), numbers), (pl.Float32(), numbers), (pl.String(), texts)):
        kept = cast_values(given_, pl.Float64(), source)
        assert [value is not None and value != value for value in kept] == is_nan  # noqa: PLR0124
        nothing = cast_values(given_, pl.Float64(), source, nan="null")
        assert nothing == [None if nan else n for n, nan in zip(numbers, is_nan, strict=True)]
        refused = cast_values(given_, pl.Float64(), source, nan="refuse")
        assert refused == [LOST if nan else n for n, nan in zip(numbers, is_nan, strict=True)]
    finite = [None if n is None or n == float("inf") else n for n in numbers]
    whole = cast_values(finite, pl.Int64(), pl.Float64(), nan="null")
    assert whole == [None if n is None or n != n else int(n) for n in finite]  # noqa: PLR0124


def test_nan_is_a_word_in_text_columns():
    source, target = pl.Struct({"a": pl.String, "b": pl.String}), pl.Struct({"a": pl.String, "b": pl.Float64})
    assert cast_values([{"a": "nan", "b": "NaN"}], target, source, nan="null") == [{"a": "nan", "b": None}]
