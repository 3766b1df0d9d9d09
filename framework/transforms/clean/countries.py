"""Countries to their ISO 3166-1 codes, from any of their codes and names in English (pycountry, Debian's iso-codes)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

import polars as pl

from framework.errors import TransformError, did_you_mean
from framework.transforms.arguments import require_one_of
from framework.transforms.clean.columns import add_found, add_marks, library, text_targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FORMS = ("alpha_2", "alpha_3", "numeric", "name")
NAME_FIELDS = ("name", "official_name", "common_name")
ALIASES = {
    "AE": ("uae",),
    "BN": ("brunei",),
    "CD": ("democratic republic of the congo", "dr congo"),
    "CG": ("republic of the congo",),
    "CI": ("ivory coast",),
    "CV": ("cape verde",),
    "CZ": ("czech republic",),
    "GB": ("uk", "great britain"),
    "MK": ("macedonia",),
    "MM": ("burma",),
    "NL": ("holland",),
    "PS": ("palestine",),
    "RU": ("russia",),
    "SZ": ("swaziland",),
    "TL": ("east timor",),
    "TR": ("turkey",),
    "US": ("america",),
    "VA": ("vatican", "vatican city"),
}
"""What people write and ISO 3166-1 does not list. `uk` is no ISO code of its own, but means one country."""


def clean_country(
    rows: pl.LazyFrame,
    column: str,
    *,
    to: Literal["alpha_2", "alpha_3", "numeric", "name"] = "alpha_2",
    into: str | None = None,
    mark: str | None = None,
    extra: Mapping[str, str] | None = None,
) -> pl.LazyFrame:
    """Add countries in one form: the ISO 3166-1 alpha-2, alpha-3 or numeric code (three digits, as text), or the name.

    One row per row given, in the same order; lazy, streaming. Adds `into`, `<column>_clean` unless named, and `mark`:
    true where text was there and names no country, which is null in `into`. Read are the codes (a number without its
    leading zeros too), the English names, official and common ones, and `ALIASES`; `extra` adds names of your own
    (`{"Deutschland": "DE"}`), which go first. Case, accents, punctuation and a leading "the" count for nothing; a name
    is never guessed from a similar one. `NA` is Namibia: make tokens null beforehand with a list that leaves it out.

    Raises:
        TransformError: at definition, when the column is not there or no text, the form or a code is unknown, or
            pycountry is not installed.

    >>> shops = pl.LazyFrame({"country": ["germany", "U.S.A.", "Türkiye", "Narnia"]})
    >>> shops.pipe(clean_country, "country").collect()["country_clean"].to_list()
    ['DE', 'US', 'TR', None]
    """
    require_one_of("clean_country", "to", to, FORMS)
    targets = text_targets(rows, "clean_country", column, into=into, mark=mark)
    forms = _forms()
    for code in (extra or {}).values():
        if code not in forms:
            raise TransformError(f"clean_country: extra names '{code}', no alpha-2 code; {did_you_mean(code, forms)}")
    codes = _codes() | dict(zip(_folded(extra or {}), (extra or {}).values(), strict=True))
    known = pl.DataFrame({"key": list(codes), targets[0].into: [forms[code][to] for code in codes.values()]})
    return add_found(rows, fold(pl.col(column)), known).pipe(add_marks, targets)


def fold(text: pl.Expr) -> pl.Expr:
    """Give what is left of a name without case, accents, punctuation and a leading "the"; numbers get three digits."""
    plain = text.str.normalize("NFKD").str.replace_all(r"[\p{M}\p{Cf}.'\u{2019}`]", "").str.to_lowercase()
    words = plain.str.replace_all("&", " and ", literal=True).str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    number = words.str.contains(r"^[0-9]{1,2}$")
    return pl.when(number).then(words.str.zfill(3)).otherwise(words.str.replace(r"^the ", ""))


def _folded(names: Iterable[str]) -> list[str]:
    """The same for names that are known when the plan is built."""
    return (
        pl.DataFrame({"name": list(names)}, schema={"name": pl.String}).select(fold(pl.col("name")))["name"].to_list()
    )


@cache
def _forms() -> dict[str, dict[str, str]]:
    """Every country's forms by its alpha-2 code."""
    countries = library("pycountry", "clean_country").countries
    return {
        country.alpha_2: {form: getattr(country, form) for form in FORMS[:3]}
        | {"name": getattr(country, "common_name", country.name)}
        for country in countries
    }


@cache
def _codes() -> dict[str, str]:
    """The alpha-2 code by every folded name and code."""
    pairs = [*((name, code) for code, names in ALIASES.items() for name in names), *_iso_names()]
    folded = _folded(name for name, _ in pairs)
    return dict(zip(folded, (code for _, code in pairs), strict=True))


def _iso_names() -> Iterator[tuple[str, str]]:
    """What ISO 3166-1 calls each country; names that it inverts ("Korea, Republic of") in their natural order too."""
    for country in library("pycountry", "clean_country").countries:
        for code in (country.alpha_2, country.alpha_3, country.numeric):
            yield code, country.alpha_2
        for name in (getattr(country, field, None) for field in NAME_FIELDS):
            if name is not None:
                yield name, country.alpha_2
                yield " ".join(reversed(name.split(", "))), country.alpha_2
