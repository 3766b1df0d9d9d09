"""Dataset rules while the rows pass: every batch leaves its part of each aggregate, and the parts are put together.

So a rule over the whole batch costs no second look and holds no rows; only `n_unique` keeps the distinct values.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.rule import DatasetRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.boundary.trees import Aggregate

PARTS_AT_ONCE = 32
ADDED = {"Len", "Count", "NullCount"}
ITSELF = {"Sum": "sum", "Min": "min", "Max": "max", "Any": "any", "All": "all"}
SPREAD = {"Mean", "Std", "Var"}


@dataclass(frozen=True)
class Finding:
    """What became of a dataset rule: whether it holds, and the aggregates it is said of."""

    rule: DatasetRule
    holds: bool
    values: dict[str, Any]


class Totals:
    """The aggregates of dataset rules over all batches that were added. Safe to share by threads."""

    def __init__(self, rules: Sequence[DatasetRule], schema: pl.Schema) -> None:
        self.rules = tuple(rules)
        self._named = [(f"{i}.{j}", a) for i, rule in enumerate(self.rules) for j, a in enumerate(rule.aggregates)]
        self._part = [e for name, aggregate in self._named for e in _part(name, aggregate)]
        self._merge = [e for name, aggregate in self._named for e in _merge(name, aggregate)]
        # Rows without any give every aggregate its type and its value of nothing.
        self._parts = [pl.DataFrame(schema=schema).select(self._part)] if self.rules else []
        self._lock = threading.Lock()

    def add(self, rows: pl.DataFrame) -> None:
        """Add the rows of one batch."""
        if not self.rules or not rows.height:
            return
        part = rows.select(self._part)
        with self._lock:
            self._parts.append(part)
            if len(self._parts) >= PARTS_AT_ONCE:
                self._parts = [self._put_together(self._parts)]

    def findings(self, *others: Totals) -> list[Finding]:
        """Judge the rules over the rows added here and to `others`, which must be of the same rules."""
        if not self.rules:
            return []
        merged = self._put_together([part for totals in (self, *others) for part in totals.parts()])
        values = merged.select(_value(name, aggregate) for name, aggregate in self._named)
        return [self._finding(values, number, rule) for number, rule in enumerate(self.rules)]

    def parts(self) -> list[pl.DataFrame]:
        """What the batches so far have left, to be put together with that of others."""
        with self._lock:
            return list(self._parts)

    def _put_together(self, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
        return pl.concat(parts).select(self._merge)

    @staticmethod
    def _finding(values: pl.DataFrame, number: int, rule: DatasetRule) -> Finding:
        own = values.select(
            pl.col(f"{number}.{j}").alias(f"{DatasetRule.COLUMN}{j}") for j in range(len(rule.aggregates))
        )
        holds = own.select(rule.holds.fill_null(value=True)).item() if rule.aggregates else True
        told = {aggregate.word: value for aggregate, value in zip(rule.aggregates, own.row(0), strict=True)}
        return Finding(rule, bool(holds), told)


def _part(name: str, aggregate: Aggregate) -> list[pl.Expr]:
    """What one batch leaves of an aggregate."""
    kind, of = aggregate.kind, aggregate.of
    if of is None or kind in ADDED:
        return [aggregate.whole.cast(pl.Int64).alias(name)]
    if kind in SPREAD:
        values = of.cast(pl.Float64)
        return [
            values.count().cast(pl.Int64).alias(f"{name}.n"),
            values.mean().alias(f"{name}.mean"),
            ((values - values.mean()) ** 2).sum().alias(f"{name}.squares"),
        ]
    if kind in {"NUnique", "Distinct"}:
        return [of.unique().implode().alias(name)]
    return [aggregate.whole.alias(name)]


def _merge(name: str, aggregate: Aggregate) -> list[pl.Expr]:
    """What several parts of an aggregate are together."""
    own = pl.col(name)
    if aggregate.kind in ADDED:
        return [own.sum()]
    if aggregate.kind in SPREAD:
        return _merge_spread(name)
    if aggregate.kind in {"NUnique", "Distinct"}:
        return [own.explode(empty_as_null=False).unique().implode().alias(name)]
    if aggregate.kind in {"Any", "All"}:
        # What no part could say for its nulls stays unsaid.
        return [getattr(own, ITSELF[aggregate.kind])(ignore_nulls=False)]
    return [getattr(own, ITSELF[aggregate.kind])()]


def _merge_spread(name: str) -> list[pl.Expr]:
    """Counts, means and sums of squared deviations of parts as those of the whole.

    T. F. Chan, G. H. Golub, R. J. LeVeque, Updating formulae and a pairwise algorithm for computing sample variances,
    1979.
    """
    count, mean, squares = (pl.col(f"{name}.{part}") for part in ("n", "mean", "squares"))
    whole = (count * mean).sum() / count.sum()
    known = pl.when(count.sum() > 0).then(whole)
    return [
        count.sum(),
        known.alias(f"{name}.mean"),
        (squares.sum() + (count * (mean - whole) ** 2).sum()).alias(f"{name}.squares"),
    ]


def _value(name: str, aggregate: Aggregate) -> pl.Expr:
    """The value of an aggregate from all that is known of it."""
    kind, own = aggregate.kind, pl.col(name)
    if kind == "Mean":
        return pl.col(f"{name}.mean").alias(name)
    if kind in SPREAD:
        free = pl.col(f"{name}.n") - aggregate.ddof
        variance = pl.when(free > 0).then(pl.col(f"{name}.squares") / free)
        return (variance.sqrt() if kind == "Std" else variance).alias(name)
    if kind == "NUnique":
        return own.list.len().cast(pl.Int64)
    if kind == "Distinct":
        return own.list.drop_nulls().list.sort()
    return own
