"""Texts as both databases take them."""

from __future__ import annotations


def storable(text: str, *, most: int | None = None) -> str:
    r"""A text without what PostgreSQL refuses: null bytes, halves of characters from odd file names, what is too long.

    >>> storable("a\0b\udcff", most=3)
    'ab\\'
    """
    return text.replace("\0", "").encode(errors="backslashreplace").decode()[:most]
