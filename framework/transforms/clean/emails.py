"""E-mail addresses: one spelling per address, and null for what can be none. Syntax only: no network is asked.

Syntax is the dot-atom form of RFC 5322, lengths are those of RFC 5321, tags are the subaddresses of RFC 5233.
"""

from __future__ import annotations

import polars as pl

from framework.transforms.clean.columns import add_marks, text_targets
from framework.transforms.clean.text import tidy

ATOM = r"[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]*[\p{L}\p{N}\p{M}])?"
TOP = r"\p{L}(?:[\p{L}\p{N}\p{M}-]*[\p{L}\p{N}\p{M}])"
ADDRESS = rf"^{ATOM}(?:\.{ATOM})*@(?:{LABEL}\.)+{TOP}$"
LONG_LABEL = r"@(?:.*\.)?[^.@]{64}"
LOCAL_BYTES = 64
ADDRESS_BYTES = 254
GMAIL = ("gmail.com", "googlemail.com")


def clean_email(
    rows: pl.LazyFrame,
    column: str,
    *,
    into: str | None = None,
    mark: str | None = None,
    lower_local: bool = False,
    drop_tag: bool = False,
    fold_gmail: bool = False,
) -> pl.LazyFrame:
    """Add e-mail addresses, trimmed and with their domain in small letters; null for what is no address.

    One row per row given, in the same order; lazy, streaming. Adds `into`, `<column>_clean` unless named, and `mark`:
    true where text was there and is no address. The part before the @ is kept as it is, for servers may tell capitals
    apart: `lower_local` makes it small, `drop_tag` drops `+tag`, `fold_gmail` writes the one mailbox that Gmail knows
    under many spellings in one way (small, without dots and tag, at gmail.com). Domains need a dot and a top level that
    begins with a letter. Letters of every script are let through; an international domain is left in the form it came
    in, so `bücher.example` and its `xn--` form stay two. Quoted local parts, comments, display names
    (`Ann <ann@example.com>`) and addresses by IP number are null.

    Raises:
        TransformError: at definition, when the column is not there or no text.

    >>> users = pl.LazyFrame({"email": [" Ann+News@Example.COM", "ann at example.com"]})
    >>> users.pipe(clean_email, "email", drop_tag=True).collect()["email_clean"].to_list()
    ['Ann@example.com', None]
    """
    targets = text_targets(rows, "clean_email", column, into=into, mark=mark)
    address = targets[0].into
    local, domain = f"{address}\0local", f"{address}\0domain"
    rules = {_lower: lower_local, _untagged: drop_tag, _gmail: fold_gmail}
    # One step after the other, not one expression: each uses the one before several times, and it would grow with the
    # power of the rules.
    found = rows.with_columns(tidy(pl.col(column)).alias(address)).with_columns(_address(address))
    parts = found.with_columns(_local(address).alias(local), _domain(address).alias(domain))
    for rule in (rule for rule, wanted in rules.items() if wanted):
        parts = parts.with_columns(rule(pl.col(local), pl.col(domain)).alias(local))
    host = _gmail_host(pl.col(domain)) if fold_gmail else pl.col(domain)
    whole = parts.with_columns(pl.concat_str(local, pl.lit("@"), host).alias(address))
    # Held against the syntax once more, for a rule may leave nothing before the @.
    return whole.with_columns(_address(address)).drop(local, domain).pipe(add_marks, targets)


def _address(name: str) -> pl.Expr:
    """A column where it is an address: the syntax, its length, and those of what stands before the @ and of labels."""
    text = pl.col(name)
    short = (text.str.len_bytes() <= ADDRESS_BYTES) & (_local(name).str.len_bytes() <= LOCAL_BYTES)
    return pl.when(text.str.contains(ADDRESS) & ~text.str.contains(LONG_LABEL) & short).then(text).alias(name)


def _local(name: str) -> pl.Expr:
    return pl.col(name).str.extract("^([^@]*)@", 1)


def _domain(name: str) -> pl.Expr:
    return pl.col(name).str.extract("@([^@]*)$", 1).str.to_lowercase().str.normalize("NFC")


def _lower(local: pl.Expr, _: pl.Expr) -> pl.Expr:
    return local.str.to_lowercase().str.normalize("NFC")


def _untagged(local: pl.Expr, _: pl.Expr) -> pl.Expr:
    return local.str.replace(r"\+.*$", "")


def _gmail(local: pl.Expr, domain: pl.Expr) -> pl.Expr:
    folded = _lower(_untagged(local, domain), domain).str.replace_all(".", "", literal=True)
    return pl.when(domain.is_in(GMAIL)).then(folded).otherwise(local)


def _gmail_host(domain: pl.Expr) -> pl.Expr:
    return pl.when(domain.is_in(GMAIL)).then(pl.lit(GMAIL[0])).otherwise(domain)
