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
PER = " per "
"""Stands in a key before the column within each value of which the limit holds: `price.not_null per day`."""
PERCENT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%(?:\s*of\s+at\s+least\s+([0-9]+))?\s*")
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
    """How much may be refused of `on` (`*`, a column or a rule): rows, or percent of the rows that came in.

    `per`: a column; the limit then holds within each of its values. `at_least`: fewer rows than this count as so many,
    so that one row of a handful does not break a limit in percent.
    """

    on: str
    rows: int | None = None
    percent: float | None = None
    per: str | None = None
    at_least: int = 0

    @property
    def key(self) -> str:
        """What the limit is on, as its author wrote it: `price`, `* per day`."""
        return self.on if self.per is None else f"{self.on}{PER}{self.per}"

    @property
    def is_clear(self) -> bool:
        """Whether it says how much; what an author wrote wrongly says nothing."""
        return self.rows is not None or self.percent is not None

    def allows(self, count: int, of: int) -> bool:
        """Whether so many rows of so many may be refused.

        >>> Limit("*", percent=1.0).allows(10, of=1000), Limit("*", rows=9).allows(10, of=1000)
        (True, False)
        >>> Limit("*", percent=5.0).allows(1, of=7), Limit("*", percent=5.0, at_least=100).allows(1, of=7)
        (False, True)
        """
        if self.percent is None:
            return count <= (self.rows or 0)
        return count * 100 <= self.percent * max(of, self.at_least)

    def __str__(self) -> str:
        floor = f" of at least {self.at_least:,}" if self.at_least else ""
        return f"{self.percent:g}%{floor}" if self.percent is not None else f"{self.rows:,}"


def limits_of(budget: Budget | None) -> tuple[Limit, ...]:
    """Read a budget as its author wrote it; limits that cannot be read are not `is_clear`.

    >>> limits_of({"*": "1%", "unit_price": 100})
    (Limit(on='*', rows=None, percent=1.0, per=None, at_least=0),
     Limit(on='unit_price', rows=100, percent=None, per=None, at_least=0))
    >>> limits_of({"* per store_id": "5% of at least 100"})
    (Limit(on='*', rows=None, percent=5.0, per='store_id', at_least=100),)
    """
    if budget is None:
        return ()
    by_key = budget if isinstance(budget, Mapping) else {EVERYTHING: budget}
    return tuple(_limit(key, one) for key, given in by_key.items() for one in _each(given))


def _each(given: Limits) -> Sequence[int | str]:
    return [given] if isinstance(given, int | str) else given


def full_key(key: str) -> str:
    """The name of a rule in full: `price.ge` is what Pandera calls `price.greater_than_or_equal_to`."""
    column, dot, rule = key.rpartition(".")
    return f"{column}{dot}{ALIASES.get(rule, rule)}" if dot else key


def _limit(key: str, given: int | str) -> Limit:
    name, _, per = key.rpartition(PER) if PER in key else (key, "", None)
    on = full_key(name)
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return Limit(on, rows=given, per=per)
    percent = PERCENT.fullmatch(given) if isinstance(given, str) else None
    if percent is None:
        return Limit(on, per=per)
    return Limit(on, percent=float(percent[1]), per=per, at_least=int(percent[2] or 0))
