"""Names of people: upper and lower case where the source had only one of them. Modest on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.transforms.clean.columns import add_marks, text_targets
from framework.transforms.clean.text import tidy

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTICLES = (
    *("van", "von", "der", "den", "de", "del", "della", "di", "da", "do", "dos", "das", "du", "la"),
    *("ter", "ten", "zu", "zum", "zur", "af", "av", "bin", "ibn"),
)
"""Words inside a name that are written small."""
SMALL = "abcdefghijklmnopqrstuvwxyz"
NUMERALS = ("ii", "iii", "iv")


def clean_name(
    rows: pl.LazyFrame,
    column: str,
    *,
    into: str | None = None,
    mark: str | None = None,
    particles: Sequence[str] = PARTICLES,
) -> pl.LazyFrame:
    """Add people's names in upper and lower case: only where the text is all capitals or all small letters.

    One row per row given, in the same order; lazy, streaming. Adds `into`, `<column>_clean` unless named, and `mark`:
    true where text was there and holds no letter, which is null in `into`. Text is tidied as by `clean_text`; what has
    capitals and small letters already is left as its owner wrote it. Otherwise each part of a name takes a capital,
    also after a hyphen and an apostrophe (O'Brien) and after Mc (McDonald, but not Mac: Mackay); particles are small
    but as the first or the last word (Ludwig van Beethoven; Van Gogh); a last II, III or IV stays large. No rule knows
    every language: give `particles=()` where "Van" and "De" are given names.

    Raises:
        TransformError: at definition, when the column is not there or no text.

    >>> people = pl.LazyFrame({"name": ["VINCENT VAN GOGH", "o'brien-smith", "deShawn McRae"]})
    >>> people.pipe(clean_name, "name").collect()["name_clean"].to_list()
    ['Vincent van Gogh', "O'Brien-Smith", 'deShawn McRae']
    """
    targets = text_targets(rows, "clean_name", column, into=into, mark=mark)
    name = targets[0].into
    # In two steps, for a name is looked at several times.
    tidied = rows.with_columns(tidy(pl.col(column)).alias(name))
    return tidied.with_columns(_named(pl.col(name), particles)).pipe(add_marks, targets)


def _named(text: pl.Expr, particles: Sequence[str]) -> pl.Expr:
    """A tidy name in upper and lower case; null without a letter."""
    one_case = (text == text.str.to_uppercase()) | (text == text.str.to_lowercase())
    cased = pl.when(one_case).then(_cased(text, particles)).otherwise(text)
    return pl.when(text.str.contains(r"\p{L}")).then(cased)


def _cased(text: pl.Expr, particles: Sequence[str]) -> pl.Expr:
    """Capitals where a part begins. Spaces are doubled for a while, so that neighbouring particles do not share one."""
    title = text.str.to_titlecase().str.replace_all(" ", "  ", literal=True)
    small = {f" {word.title()} ": f" {word.lower()} " for word in particles}
    numerals = {f"  {word.title()}$": f"  {word.upper()}" for word in NUMERALS}
    scottish = {f"Mc{letter}": f"Mc{letter.upper()}" for letter in SMALL}
    done = title.str.replace_many(scottish | small)
    for numeral, large in numerals.items():
        done = done.str.replace(numeral, large)
    return done.str.replace_all("  ", " ", literal=True).str.normalize("NFC")
