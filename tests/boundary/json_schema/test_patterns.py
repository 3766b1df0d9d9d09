"""Patterns of one dialect in the other: the same texts match."""

from __future__ import annotations

import jsonschema_rs
import polars as pl
import pytest

from framework.boundary.json_schema.patterns import PatternError, to_ecma, to_rust
from framework.boundary.json_schema.texts import FORMATS

TEXTS = [
    "", "a", "b", "ab", "aa", "A", "7", "77", "٣", "é", "_", "-", " ", "\u00a0", "\ufeff", "\u0085", "\u2028", "\n",
    "\t", "\x08", "\x01", "[", "]", "&", "&&", "~", "{", "}", "/", "^", "$", ".", "\\", "😀", "a-b", "a b", "x{2}",
]  # fmt: skip
ECMA = [
    r"^\d$", r"^\D$", r"^\w$", r"^\W$", r"^\s$", r"^\S$", r"^[\d-]$", r"^[^\d]$", r"^[\D]$", r"^[\W_]$", r"^[\S]$",
    r"^[^\s\w]$", r"^[[]$", r"^[&&a]$", r"^[~~]$", r"^[\]\[]$", r"^\cA$", r"^a$|^b$", r"^[^a]$", "", r"^\t$", r"[.]",
    r"^\u{1F600}$", r"^\x61\u0062?$", r"^(?<n>a)b?$", r"^(?:a|b){1,2}$", r"^\p{L}$", r"^\P{L}$", r"^\/$", r"^\-$",
    r"a{2}", r"^.b", r"^x\{2\}$", r"\$", r"^[\-.]$", r"^[a^]$", r"^[(?:]$",
]  # fmt: skip
RUST = [
    r"^\d$", r"^\D$", r"^\w$", r"^\W$", r"^\s$", r"^\S$", r"^[\d_]$", r"^[^\d]$", r"^[\w-]$", r"^[\s]$", r"^.$",
    r"^\x{1F600}$", r"^(?P<n>a)b?$", r"^\pL$", r"^\PL$", r"^]$", r"^}$", r"^/$", r"^\-$", r"^\&$", r"^[\-.]$", r"^\~$",
    r"^a|b$", r"a{2,}", r"^\u{61}$", r"^\p{Greek}|\p{L}$", r"^x\{2$|^x\{2\}$", r"\Aa\z", r"\x08", r"^[&~^]$",
]  # fmt: skip


def ecma_says(pattern: str) -> list[bool]:
    validator = jsonschema_rs.Draft202012Validator({"pattern": pattern})
    return [validator.is_valid(text) for text in TEXTS]


def rust_says(pattern: str) -> list[bool]:
    return pl.Series(TEXTS).str.contains(pattern).to_list()


@pytest.mark.parametrize("pattern", ECMA)
def test_a_pattern_that_is_read_matches_what_it_matches_for_a_validator(pattern):
    assert rust_says(to_rust(pattern)) == ecma_says(pattern)


@pytest.mark.parametrize("pattern", RUST)
def test_a_pattern_that_is_written_matches_what_it_matches_in_a_plan(pattern):
    written = to_ecma(pattern)
    assert ecma_says(written) == rust_says(pattern)
    assert rust_says(to_rust(written)) == rust_says(pattern)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a(?!b)", "look-around (`(?!`) cannot be held while rows stream"),
        ("(?<=a)b", "look-around (`(?<=`) cannot be held while rows stream"),
        (r"(a)\1", "it refers back to a group, which cannot be held while rows stream"),
        (r"(?<n>a)\k<n>", "it refers back to a group, which cannot be held while rows stream"),
        ("(?i)a", "`(?i)` is no ECMA 262"),
        ("(?P<n>a)", "`(?P<n>` is no ECMA 262"),
        (r"\Aa", r"`\A` is no ECMA 262; write ^ and $ for the ends of a text"),
        ("[]a]", "a class with nothing in it, or a bare ] at its start"),
        ("[+--]", r"two hyphens in a class; write \-"),
        ("a(", "unclosed group"),
        ("a{2", "unclosed counted repetition"),
    ],
)
def test_a_pattern_that_cannot_be_held_says_why(pattern, why):
    with pytest.raises(PatternError) as caught:
        to_rust(pattern)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    "pattern", ["(?i)a", r"\ba", "[a&&b]", "[a~~b]", "[[:alpha:]]", r"[\W]", r"a\b{start}", "(?x) a"]
)
def test_what_ecma_does_not_have_is_not_written(pattern):
    with pytest.raises(PatternError):
        to_ecma(pattern)


@pytest.mark.parametrize(
    ("pattern", "matching"), [(r"^[\b]$", "\x08"), (r"^\0$", "\x00"), (r"^\uD83D\uDE00$", "😀"), (r"\ba\B", " ab")]
)
def test_what_the_validator_at_hand_does_not_read_is_read_as_ecma_says(pattern, matching):
    assert pl.Series([matching, "b", ""]).str.contains(to_rust(pattern)).to_list() == [True, False, False]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_pattern_of_a_format_means_the_same_in_both_dialects(name):
    assert rust_says(to_rust(FORMATS[name].pattern)) == rust_says(FORMATS[name].pattern)
    assert ecma_says(to_ecma(FORMATS[name].pattern)) == rust_says(FORMATS[name].pattern)
