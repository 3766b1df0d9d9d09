"""Refused rows within each value of a column, for budgets that hold per value; counted while the rows pass."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.budget import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from framework.boundary.rule import Rule

MAX_VALUES = 10_000
"""More values than this of one column are not counted apart."""


@dataclass(frozen=True, order=True)
class Share:
    """What a budget asks for: the refused rows of `on` (`*`, a column or a rule) within each value of column `per`."""

    on: str
    per: str


class Partitions:
    """Rows in, and rows refused, by value of the columns that budgets name. Safe to share by threads.

    A value is the typed one; rows whose value is null, or could not be typed, are counted under None.
    """

    def __init__(self, shares: Iterable[Share] = ()) -> None:
        self.shares = tuple(dict.fromkeys(shares))
        self.columns = tuple(dict.fromkeys(share.per for share in self.shares))
        self.crowded: set[str] = set()
        self._rows: dict[str, Counter[Any]] = {column: Counter() for column in self.columns}
        self._refused: dict[Share, Counter[Any]] = {share: Counter() for share in self.shares}
        self._lock = threading.Lock()

    def of(self, share: Share) -> list[tuple[Any, int, int]]:
        """The values of a share with their refused rows and rows in, in no order; only values with refused rows."""
        rows = self._rows[share.per]
        return [(value, count, rows[value]) for value, count in self._refused[share].items() if count]

    def to_dict(self, encoded: Callable[[Any], Any]) -> dict[str, Any]:
        """Render the counts as plain data; `encoded` gives a value as JSON has it."""
        refused = {f"{share.on} {share.per}": counts for share, counts in self._refused.items()}
        told = {"rows": self._rows, "refused": refused}
        pairs = {
            part: {n: [[encoded(v), c] for v, c in found.items()] for n, found in of.items()}
            for part, of in told.items()
        }
        return {**pairs, "crowded": sorted(self.crowded)}

    def restore(self, document: Mapping[str, Any], decoded: Callable[[Any], Any]) -> None:
        """Take the counts that `to_dict` gave, for the same shares."""
        self.crowded = set(document["crowded"])
        for column, counts in self._rows.items():
            counts.update({decoded(value): count for value, count in document["rows"][column]})
        for share, counts in self._refused.items():
            counts.update({decoded(value): count for value, count in document["refused"][f"{share.on} {share.per}"]})

    def add_rows(self, rows: pl.DataFrame) -> None:
        """Count rows that came in."""
        for column in self.columns:
            self._add(rows.group_by(column).agg(pl.len()), column, [self._rows[column]])

    def add_refused(self, rows: pl.DataFrame, refused: Mapping[Share, pl.Expr]) -> None:
        """Count those of some rows for which the expression of a share is true: refused ones, or ones that warn."""
        if not refused:
            return
        said = rows.select(*self.columns, *(is_so.alias(_name(share)) for share, is_so in refused.items()))
        for column in self.columns:
            own = [share for share in refused if share.per == column]
            counts = said.group_by(column).agg(pl.col(_name(share)).sum() for share in own)
            self._add(counts, column, [self._refused[share] for share in own])

    def _add(self, counts: pl.DataFrame, column: str, counters: Sequence[Counter[Any]]) -> None:
        """Add what a batch has of each value of a column: the value, then one count per counter."""
        found = counts.rows()
        with self._lock:
            if column in self.crowded:
                return
            for value, *numbers in found:
                for counter, number in zip(counters, numbers, strict=True):
                    counter[value] += number
            if len(self._rows[column]) > MAX_VALUES:
                self._give_up(column)

    def _give_up(self, column: str) -> None:
        self.crowded.add(column)
        self._rows[column].clear()
        for share in self.shares:
            if share.per == column:
                self._refused[share].clear()


def refused_by(
    shares: Sequence[Share], rules: Sequence[Rule], breaks: Callable[[Rule], pl.Expr], waits: pl.Expr
) -> dict[Share, pl.Expr]:
    """Per share, the expression that is true for the refused rows it counts.

    Args:
        shares: What is asked for.
        rules: The rules that the rows were held against.
        breaks: Gives the expression that is true where a refused row breaks a rule.
        waits: True where a row only waits for a reference.
    """
    broken = {share: [breaks(rule) for rule in rules if is_on(share.on, rule)] for share in shares}
    found = {share: pl.any_horizontal(of_rules) for share, of_rules in broken.items() if of_rules}
    return found | {share: ~waits for share in shares if share.on == EVERYTHING}


def _name(share: Share) -> str:
    return f"_refused_{share.on}_{share.per}"


def is_on(on: str, rule: Rule) -> bool:
    """Whether a budget names a rule: by its column, or by its own name."""
    return on in {rule.column, rule.key}
