"""Budgets: how many rows of a source may be refused before a run fails, as a number or a share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Limits = int | str | Sequence[int | str]
Budget = Limits | Mapping[str, Limits]
"""What an author writes: `"1%"`, `100`, `["1%", 100]`, or a mapping from columns and rules to such."""

EVERYTHING = "*"
"""The key of the budget of a source as a whole."""
PERCENT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*")
ALIASES = {
    "gt": "greater_than",
    "ge": "greater_than_or_equal_to",
    "lt": "less_than",
    "le": "less_than_or_equal_to",
    "eq": "equal_to",
    "ne": "not_equal_to",
    "between": "in_range",
}


@dataclass(frozen=True)
class Limit:
    """How much may be refused of `on` (`*`, a column or a rule): rows, or percent of the rows that came in."""

    on: str
    rows: int | None = None
    percent: float | None = None

    @property
    def is_clear(self) -> bool:
        """Whether it says how much; what an author wrote wrongly says nothing."""
        return self.rows is not None or self.percent is not None

    def allows(self, count: int, of: int) -> bool:
        """Whether so many rows of so many may be refused.

        >>> Limit("*", percent=1.0).allows(10, of=1000), Limit("*", rows=9).allows(10, of=1000)
        (True, False)
        """
        return count * 100 <= self.percent * of if self.percent is not None else count <= (self.rows or 0)

    def __str__(self) -> str:
        return f"{self.percent:g}%" if self.percent is not None else f"{self.rows:,}"


def limits_of(budget: Budget | None) -> tuple[Limit, ...]:
    """Read a budget as its author wrote it; limits that cannot be read are not `is_clear`.

    >>> limits_of({"*": "1%", "unit_price": 100})
    (Limit(on='*', rows=None, percent=1.0), Limit(on='unit_price', rows=100, percent=None))
    """
    if budget is None:
        return ()
    by_key = budget if isinstance(budget, Mapping) else {EVERYTHING: budget}
    return tuple(_limit(_full(key), one) for key, given in by_key.items() for one in _each(given))


def _each(given: Limits) -> Sequence[int | str]:
    return [given] if isinstance(given, int | str) else given


def _full(key: str) -> str:
    """The name of a rule in full: `price.ge` is what Pandera calls `price.greater_than_or_equal_to`."""
    column, dot, rule = key.rpartition(".")
    return f"{column}{dot}{ALIASES.get(rule, rule)}" if dot else key


def _limit(on: str, given: int | str) -> Limit:
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return Limit(on, rows=given)
    percent = PERCENT.fullmatch(given) if isinstance(given, str) else None
    return Limit(on, percent=float(percent[1])) if percent else Limit(on)
