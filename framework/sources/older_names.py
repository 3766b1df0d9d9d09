"""Columns that a file calls by a name they had before: taken as what they are called now."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from framework.core.source import Expected


def older_names(found: Iterable[str], expected: Expected) -> dict[str, str]:
    """Find the columns that are there under an older name, and not under their own: their names by the older ones.

    Of several older names the one that is declared first counts.
    """
    there = set(found)
    return {
        next(old for old in names if old in there): name
        for name, names in expected.older.items()
        if name not in there and there & set(names)
    }


def twice_there(found: Iterable[str], expected: Expected) -> str:
    """Describe a column that is there under two of its names, so that nobody can say which counts; empty for none."""
    there = set(found)
    for name, names in expected.older.items():
        called = [one for one in (name, *names) if one in there]
        if len(called) > 1:
            return f"wrong columns: {called[0]} is there under its older name {called[1]} as well"
    return ""


def counted(renamed: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], int]:
    """Count the files by each older name that they use for a column.

    >>> counted([{"price": "unit_price"}, {}, {"price": "unit_price"}])
    {('price', 'unit_price'): 2}
    """
    return dict(Counter(pair for names in renamed for pair in names.items()))
