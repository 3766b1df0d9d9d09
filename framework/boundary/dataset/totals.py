"""Dataset rules while the rows pass: every batch leaves its part of each aggregate, and the parts are put together.

So most rules over the whole batch cost no second look and hold no rows. Where an aggregate cannot be put together, the
columns it looks at are set aside, and it is answered from them once the rows have passed; so is `n_unique` where the
distinct values are too many to be held.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.dataset.aside import Aside
from framework.boundary.dataset.quantiles import VALUE, quantile_of
from framework.boundary.dataset.rule import DatasetRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.boundary.dataset.aggregates import Aggregate
    from framework.boundary.dataset.quantiles import Ask

PARTS_AT_ONCE = 32
DISTINCT_AT_ONCE = 1_000_000
"""So many distinct values of an aggregate are held; those beyond are set aside."""
DISTINCT_IN_A_TURN = 8_000_000
MOST_TURNS = 64
"""Every turn reads all values that were set aside."""
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
        named = [(f"{i}.{j}", a) for i, rule in enumerate(self.rules) for j, a in enumerate(rule.aggregates)]
        self._merged = [(name, aggregate) for name, aggregate in named if not aggregate.takes_second_look]
        self._looked = [(name, aggregate) for name, aggregate in named if aggregate.takes_second_look]
        self._part = [e for name, aggregate in self._merged for e in _part(name, aggregate)]
        self._merge = [e for name, aggregate in self._merged for e in _merge(name, aggregate)]
        # Rows without any give every aggregate its type and its value of nothing.
        nothing = pl.DataFrame(schema=schema).select(self._part)
        self._parts = [nothing] if self._part else []
        columns = dict.fromkeys(name for _, aggregate in self._looked for name in aggregate.columns)
        self._aside = Aside((name, schema[name]) for name in columns) if self._looked else None
        self._distinct = {n: Aside([(n, nothing[n].dtype.inner)]) for n, a in self._merged if a.kind == "NUnique"}  # type: ignore[attr-defined]
        self._lock = threading.Lock()

    def add(self, rows: pl.DataFrame) -> None:
        """Add the rows of one batch."""
        if not rows.height:
            return
        if self._aside is not None:
            self._aside.add(rows)
        if self._part:
            self._keep(rows.select(self._part))

    def _keep(self, part: pl.DataFrame) -> None:
        with self._lock:
            self._parts.append(part)
            if len(self._parts) < PARTS_AT_ONCE:
                return
            parts, self._parts = self._parts, []
        together = self._set_distinct_aside(self._put_together(parts))
        with self._lock:
            self._parts.append(together)

    def _set_distinct_aside(self, part: pl.DataFrame) -> pl.DataFrame:
        crowded = [name for name in self._distinct if part[name].list.len().item() > DISTINCT_AT_ONCE]
        for name in crowded:
            self._distinct[name].add(part.select(_exploded(name)))
        return part.with_columns(pl.col(name).list.head(0) for name in crowded)

    def findings(self, ask: Ask, *others: Totals) -> list[Finding]:
        """Judge the rules over the rows added here and to `others`, which must be of the same rules.

        Args:
            ask: Runs the plans of a second look, where one is taken.
            others: What else was added.
        """
        every = (self, *others)
        parts = [part for totals in every for part in totals.parts()]
        values: dict[str, pl.Series] = {}
        if parts:
            merged = self._put_together(parts)
            found = merged.select(_value(name, aggregate) for name, aggregate in self._merged)
            values = {series.name: series for series in found}
            values |= {name: self._count_distinct(name, merged, every, ask) for name in self._distinct}
        values |= self._look(every, ask)
        return [_finding(values, number, rule) for number, rule in enumerate(self.rules)]

    def parts(self) -> list[pl.DataFrame]:
        """What the batches so far have left, to be put together with that of others."""
        with self._lock:
            return list(self._parts)

    def _put_together(self, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
        return pl.concat(parts).select(self._merge)

    def _count_distinct(self, name: str, merged: pl.DataFrame, every: Sequence[Totals], ask: Ask) -> pl.Series:
        aside = [totals._distinct[name].scan() for totals in every if not totals._distinct[name].is_empty]  # noqa: SLF001
        if not aside:
            return merged.select(pl.col(name).list.len().cast(pl.Int64)).to_series()
        values = pl.concat([*aside, merged.lazy().select(_exploded(name))])
        # NOTE: polars (2.1) holds distinct values unless it is told to spill, so they are counted in turns, by hash.
        turns = min(MOST_TURNS, -(-ask(values.select(pl.len())).item() // DISTINCT_IN_A_TURN))
        turn = pl.col(name).hash() % turns
        counts = [ask(values.filter(turn == n).select(pl.col(name).n_unique().cast(pl.Int64))) for n in range(turns)]
        return pl.Series([sum(count.item() for count in counts)], dtype=pl.Int64)

    def _look(self, every: Sequence[Totals], ask: Ask) -> dict[str, pl.Series]:
        """Take the second look."""
        aside = [totals._aside.scan() for totals in every if totals._aside is not None]  # noqa: SLF001
        if not aside:
            return {}
        rows = pl.concat(aside)
        whole = [aggregate.whole.alias(name) for name, aggregate in self._looked if aggregate.kind == "Look"]
        values = {series.name: series for series in ask(rows.select(whole))} if whole else {}
        for name, one in self._looked:
            if one.kind == "Quantile" and one.of is not None:
                values[name] = quantile_of(rows.select(one.of.alias(VALUE)), one.probability, one.method, ask)
        return values


def in_one_frame(rules: Sequence[DatasetRule]) -> list[pl.Expr]:
    """The aggregates of dataset rules, as expressions over a frame that has all rows; for `findings_in_one_frame`."""
    return [_whole(a).alias(f"{i}.{j}") for i, rule in enumerate(rules) for j, a in enumerate(rule.aggregates)]


def findings_in_one_frame(rules: Sequence[DatasetRule], values: pl.DataFrame) -> list[Finding]:
    """Judge dataset rules by the values of `in_one_frame`."""
    series = {value.name: value for value in values}
    return [_finding(series, number, rule) for number, rule in enumerate(rules)]


def _whole(aggregate: Aggregate) -> pl.Expr:
    if aggregate.kind == "Distinct" and aggregate.of is not None:
        return aggregate.of.drop_nulls().unique().sort().implode()
    return aggregate.whole


def _finding(values: Mapping[str, pl.Series], number: int, rule: DatasetRule) -> Finding:
    own = pl.DataFrame([values[f"{number}.{j}"].alias(f"{DatasetRule.COLUMN}{j}") for j in range(len(rule.aggregates))])
    holds = own.select(rule.holds.fill_null(value=True)).item() if rule.aggregates else True
    told = {aggregate.word: value for aggregate, value in zip(rule.aggregates, own.row(0), strict=True)}
    return Finding(rule, bool(holds), told)


def _exploded(name: str) -> pl.Expr:
    return pl.col(name).explode(empty_as_null=False)


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
        return [_exploded(name).unique().implode().alias(name)]
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
