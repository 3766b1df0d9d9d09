"""Text and tokens, held against reading one character at a time."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.clean import NULL_TOKENS, clean_text, null_tokens
from tests.transforms.oracle.clean_text import SPACE, tidied

pytestmark = pytest.mark.drawn(2)

# Characters that Unicode has not assigned yet may mean something to one of the two programs and not to the other.
LETTERS = st.characters(exclude_categories=["Cs", "Cn"]) | st.sampled_from(
    " \t\n\x00\x1f\u0301\u200b\u00ad\ufeff\u00a0\u200d"
)
ENDS = "".join(SPACE)
TEXTS = st.lists(st.none() | st.text(LETTERS, max_size=30), min_size=20, max_size=60)


def cleaned(values, **options) -> list:
    rows = pl.LazyFrame({"raw": values}, schema={"raw": pl.String})
    return rows.pipe(clean_text, "raw", **options).collect()["raw_clean"].to_list()


@given(TEXTS, st.sampled_from(["NFC", "NFKC"]))
def test_text_is_what_reading_one_character_at_a_time_gives(values, form):
    assert cleaned(values, form=form) == [None if value is None else tidied(value, form) for value in values]


@given(TEXTS, st.sampled_from(["NFC", "NFKC"]), st.sampled_from(["lower", "upper"]))
def test_cleaning_twice_changes_nothing_more_in_either_case(values, form, case):
    once = cleaned(values, form=form, case=case)
    assert cleaned(once, form=form, case=case) == once


@pytest.mark.parametrize(
    ("raw", "options", "expected"),
    [
        ("e\u0301", {}, "é"),
        ("\ufeffAnn\u00a0 \r\n Lee\u200b ", {}, "Ann Lee"),
        ("a\x00b\x1fc", {}, "abc"),
        ("ﬁx １２", {}, "ﬁx １２"),  # noqa: RUF001 - full width on purpose
        ("ﬁx １２", {"form": "NFKC"}, "fix 12"),  # noqa: RUF001 - full width on purpose
        ("Straße", {"case": "upper"}, "STRASSE"),
        ("\u0390", {"case": "upper"}, "\u03aa\u0301"),
        ("ÉCOLE", {"case": "lower"}, "école"),
        ("👩\u200d👧", {}, "👩\u200d👧"),
        (" \t ", {}, ""),
    ],
)
def test_text_by_example(raw, options, expected):
    assert cleaned([raw], **options) == [expected]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "NFD"}, "clean_text: form='NFD' is unknown; did you mean 'NFC'?"),
        ({"case": "title"}, "clean_text: case='title' is unknown; known: lower, upper"),
    ],
)
def test_an_unknown_option_is_named(options, message):
    with pytest.raises(TransformError) as caught:
        cleaned(["a"], **options)
    assert str(caught.value) == message


def known(values, **options) -> list:
    rows = pl.LazyFrame({"raw": values}, schema={"raw": pl.String})
    return rows.pipe(null_tokens, "raw", **options).collect()["raw_clean"].to_list()


@given(TEXTS)
def test_tokens_are_null_and_all_other_text_stays_as_it_was(values):
    mixed = [*values, *NULL_TOKENS, *(f"\u2003{token.upper()} \n" for token in NULL_TOKENS)]
    expected = [None if v is None or v.strip(ENDS).lower() in NULL_TOKENS else v for v in mixed]
    assert known(mixed) == expected


def test_the_tokens_are_ones_choice():
    assert known(["NA", "unknown", " UNKNOWN", "-"], tokens=["Unknown "]) == ["NA", None, None, "-"]
    assert known(["x", "y"], tokens="x") == [None, "y"]


def test_no_tokens_at_all_are_refused():
    with pytest.raises(TransformError) as caught:
        known(["a"], tokens=[])
    assert str(caught.value) == "null_tokens: tokens is empty; give at least one word, or leave it out for NULL_TOKENS"


def test_several_columns_are_cleaned_at_once():
    rows = pl.LazyFrame({"a": [" x"], "b": ["-"]})
    found = rows.pipe(clean_text, ["a", "b"]).pipe(null_tokens, ["b"], into=["b_known"], mark=["b_token"]).collect()
    assert found.row(0, named=True) == {
        "a": " x",
        "b": "-",
        "a_clean": "x",
        "b_clean": "-",
        "b_known": None,
        "b_token": True,
    }
