"""Text as people type and paste it: one spelling of each character, no invisible ones, no words that stand for nothing.

Normal forms are those of Unicode Standard Annex 15.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import names_of, require_one_of
from framework.transforms.clean.columns import add_cleaned, text_targets

if TYPE_CHECKING:
    from collections.abc import Sequence

NULL_TOKENS = (
    *("", "-", "--", "---", "?", ".", "n/a", "#n/a", "n.a.", "na", "nan", "nil", "none", "null", "(null)", "<null>"),
    *("undefined", "missing", "not available", "not applicable", r"\n"),
)
"""Words that stand for nothing. `na` is also the code of Namibia and a name: give your own list for such columns."""
INVISIBLE = (
    r"[\p{Cc}--\s]|[\u{AD}\u{180E}\u{200B}\u{200E}\u{200F}\u{202A}-\u{202E}\u{2060}-\u{2064}\u{2066}-\u{206F}\u{FEFF}]"
)
"""Control characters other than white space, soft hyphens, zero-width spaces, marks of direction, byte order marks.

The zero-width joiners (U+200C, U+200D) stay: they spell Persian, Indic scripts and emoji.
"""
CASES = ("lower", "upper")
FORMS = ("NFC", "NFKC")


def clean_text(
    rows: pl.LazyFrame,
    columns: str | Sequence[str],
    *,
    into: str | Sequence[str] | None = None,
    case: Literal["lower", "upper"] | None = None,
    form: Literal["NFC", "NFKC"] = "NFC",
) -> pl.LazyFrame:
    r"""Add text columns in one normal form, without invisible characters and surplus white space.

    One row per row given, in the same order; lazy, streaming. Adds `into`, `<column>_clean` unless named. Runs of white
    space (line ends too) become one space, none is left at the ends; `INVISIBLE` says which characters go.
    `form="NFKC"` also folds look-alikes (full width, ligatures), which loses information. Case follows the rules of
    Unicode, those of no language. Null stays null; text of nothing but white space becomes empty, which `null_tokens`
    makes null. Cleaning what is clean changes nothing.

    Raises:
        TransformError: at definition, when a column is not there or no text, or an option is unknown.

    >>> notes = pl.LazyFrame({"note": ["  late\u200b \n delivery", None]})
    >>> notes.pipe(clean_text, "note").collect()["note_clean"].to_list()
    ['late delivery', None]
    """
    require_one_of("clean_text", "form", form, FORMS)
    if case is not None:
        require_one_of("clean_text", "case", case, CASES)
    targets = text_targets(rows, "clean_text", columns, into=into)
    return add_cleaned(rows, targets, lambda text: tidy(text, case=case, form=form))


def null_tokens(
    rows: pl.LazyFrame,
    columns: str | Sequence[str],
    *,
    tokens: Sequence[str] = NULL_TOKENS,
    into: str | Sequence[str] | None = None,
    mark: str | Sequence[str] | None = None,
) -> pl.LazyFrame:
    """Add text columns in which words that stand for nothing ("", "n/a", "null", "-", ...) are null.

    One row per row given, in the same order; lazy, streaming. Adds `into`, `<column>_clean` unless named, and `mark`
    (one per column): true where a token became null, so that it differs from a null that came. Tokens are
    compared with white space at the ends and case left out of account; every other text stays as it is.

    Raises:
        TransformError: at definition, when a column is not there or no text, or there are no tokens.

    >>> answers = pl.LazyFrame({"city": ["Ulm", " N/A ", None]})
    >>> answers.pipe(null_tokens, "city", mark="was_token").collect().rows()
    [('Ulm', 'Ulm', False), (' N/A ', None, True), (None, None, False)]
    """
    words = sorted({token.strip().lower() for token in names_of(tokens)})
    if not words:
        raise TransformError("null_tokens: tokens is empty; give at least one word, or leave it out for NULL_TOKENS")
    targets = text_targets(rows, "null_tokens", columns, into=into, mark=mark)
    return add_cleaned(rows, targets, lambda text: pl.when(~_is_one_of(text, words)).then(text))


def tidy(text: pl.Expr, *, case: str | None = None, form: Literal["NFC", "NFKC"] = "NFC") -> pl.Expr:
    """Give text in one normal form, trimmed, without invisible characters. A change of case may undo the form."""
    shown = text.str.replace_all(INVISIBLE, "").str.normalize(form)
    if case is not None:
        cased = shown.str.to_lowercase() if case == "lower" else shown.str.to_uppercase()
        shown = cased.str.normalize(form)
    return shown.str.replace_all(r"\s+", " ").str.strip_chars()


def _is_one_of(text: pl.Expr, words: Sequence[str]) -> pl.Expr:
    """Whether text is one of the words, null counting as none."""
    return text.str.strip_chars().str.to_lowercase().is_in(words)
