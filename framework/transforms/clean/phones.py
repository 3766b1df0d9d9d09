"""Phone numbers in the international form of ITU-T E.164, by the numbering plans of Google's libphonenumber."""

from __future__ import annotations

import polars as pl

from framework.errors import TransformError, did_you_mean
from framework.transforms.arguments import require_columns
from framework.transforms.clean.columns import add_cleaned, library, require_text, text_targets

SEPARATOR = "\n"
"""Between the region and the number while both travel as one text."""


def clean_phone(
    rows: pl.LazyFrame,
    column: str,
    *,
    region: str | None = None,
    region_by: str | None = None,
    into: str | None = None,
    mark: str | None = None,
) -> pl.LazyFrame:
    """Add phone numbers in E.164 form (`+493012345678`); null for what is no valid number.

    One row per row given, in the same order; lazy, streaming, though each distinct number of a batch is read by Python
    (about 10 000 a second). Adds `into`, `<column>_clean` unless named, and `mark`: true where text was there and is no
    valid number. A number without a country code is read as of the region (ISO 3166 alpha-2) in the column `region_by`,
    and as of `region` where that is null or not given; without either it is null. Valid means that the length and
    the leading digits exist in the country's plan of the installed version, not that somebody answers. Extensions are
    dropped, since E.164 has none; letters count as the digits they share a key with.

    Raises:
        TransformError: at definition, when a column is not there or no text, the region is unknown, or phonenumbers is
            not installed.

    >>> calls = pl.LazyFrame({"phone": ["030 / 1234567", "+1 (212) 555-0123", "none"]})
    >>> calls.pipe(clean_phone, "phone", region="DE").collect()["phone_clean"].to_list()
    ['+49301234567', '+12125550123', None]
    """
    targets = text_targets(rows, "clean_phone", column, into=into, mark=mark)
    _require_region(region)
    regions = pl.lit(region or "")
    if region_by is not None:
        require_text(require_columns(rows, "clean_phone", [region_by]), "clean_phone", region_by)
        regions = pl.coalesce(pl.col(region_by).str.strip_chars().str.to_uppercase(), regions)
    return add_cleaned(
        rows,
        targets,
        lambda text: pl.concat_str(regions, pl.lit(SEPARATOR), text).map_batches(
            e164_of_batch, return_dtype=pl.String, is_elementwise=True
        ),
    )


def e164_of_batch(numbers: pl.Series) -> pl.Series:
    """Give the E.164 form of each `region, separator, number`, reading each distinct one once."""
    distinct = numbers.drop_nulls().unique()
    found = [e164(*number.split(SEPARATOR, 1)) for number in distinct]
    cleaned = pl.Series(found, dtype=pl.String)
    return numbers.replace_strict(distinct, cleaned, default=None, return_dtype=pl.String)


def e164(region: str, number: str) -> str | None:
    """Give the E.164 form of one number; None when it is not valid.

    >>> e164("DE", "030 / 1234567")
    '+49301234567'
    """
    import phonenumbers

    try:
        read = phonenumbers.parse(number, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(read):
        return None
    return str(phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164))


def _require_region(region: str | None) -> None:
    """Refuse a region that libphonenumber has no plan for."""
    known = library("phonenumbers", "clean_phone").SUPPORTED_REGIONS
    if region is not None and region not in known:
        words = did_you_mean(region.upper(), known)
        raise TransformError(f"clean_phone: region='{region}' is no ISO 3166 alpha-2 code with a phone plan; {words}")
