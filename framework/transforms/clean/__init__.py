"""Cleaning: contacts, names, countries, currencies, units, text, and rows that say the same thing twice."""

from framework.transforms.clean.countries import clean_country
from framework.transforms.clean.currencies import Rates, convert_currency
from framework.transforms.clean.duplicates import link_duplicates
from framework.transforms.clean.emails import clean_email
from framework.transforms.clean.names import PARTICLES, clean_name
from framework.transforms.clean.phones import clean_phone
from framework.transforms.clean.repeats import drop_repeats, keep_newest
from framework.transforms.clean.text import NULL_TOKENS, clean_text, null_tokens
from framework.transforms.clean.units import convert_units

__all__ = [
    "NULL_TOKENS",
    "PARTICLES",
    "Rates",
    "clean_country",
    "clean_email",
    "clean_name",
    "clean_phone",
    "clean_text",
    "convert_currency",
    "convert_units",
    "drop_repeats",
    "keep_newest",
    "link_duplicates",
    "null_tokens",
]
