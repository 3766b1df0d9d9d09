"""What is agreed on a check of Pandera beside what Pandera knows of it: its owner, its budget and its examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.core.rule import NO_TERMS, Terms

if TYPE_CHECKING:
    from pandera import Check

MARK = "__sluice_terms__"


def set_terms(check: Check, terms: Terms) -> None:
    """Note the terms of a check."""
    vars(check)[MARK] = terms


def terms_of(check: Check) -> Terms:
    """Give the terms of a check; empty ones where nothing was agreed."""
    terms = getattr(check, MARK, NO_TERMS)
    return terms if isinstance(terms, Terms) else NO_TERMS


def owner_of(check: Check) -> str | None:
    """Say who answers for a check; None when it does not say."""
    return terms_of(check).owner


def is_agreed(check: Check) -> bool:
    """Whether a check is a business rule: one made with terms, though they may be empty."""
    return hasattr(check, MARK)
