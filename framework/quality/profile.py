"""Profile rows: one streaming look at all of them, and a sample of a fixed size for what needs single values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.quality.columns import ColumnProfile, Facts, measure, with_sample
from framework.quality.kinds import kind_of
from framework.quality.looks import KEY, key_sample, sample_of, totals_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from framework.quality.distribution import Distribution

SAMPLE = 131_072
CELLS = 2_000_000
"""A sample has fewer rows where there are many columns, so that it takes the same memory."""
FEWEST = 1_000


@dataclass(frozen=True)
class Look:
    """What to look at.

    Args:
        rows: How many rows there are, as their files say.
        now: The run's time, to which ages count.
        columns: The columns to look at; None: all.
        sensitive: Columns of whose values nothing may be kept: of them only rates are.
        key: The columns that identify a row.
        bins: By column, a distribution whose bins are used again.
        facts: By column, what files know of it.
        sample: How many rows the sample has at most.
    """

    rows: int
    now: datetime
    columns: tuple[str, ...] | None = None
    sensitive: frozenset[str] = frozenset()
    key: tuple[str, ...] = ()
    bins: Mapping[str, Distribution] = field(default_factory=dict)
    facts: Mapping[str, Facts] = field(default_factory=dict)
    sample: int = SAMPLE

    def every(self, columns: int) -> int:
        """Of how many rows the sample of so many columns takes one."""
        most = min(self.sample, max(FEWEST, CELLS // max(columns, 1)))
        return max(1, -(-self.rows // most))


@dataclass(frozen=True)
class Profile:
    """What rows look like. `sampled`: of how many of them what is approximate is; as many as `rows`: it is exact."""

    rows: int
    sampled: int
    columns: tuple[ColumnProfile, ...]
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def by_name(self) -> dict[str, ColumnProfile]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}


def profile(rows: pl.LazyFrame, look: Look) -> Profile:
    """Profile the rows of a plan, which is run once, streaming; memory does not grow with them.

    Nulls, ranges, means and deviations are of all rows, and so are numbers of different values, which are approximate
    (HyperLogLog with a standard error of 6%) where there are more rows than the sample has. Quantiles, lengths,
    frequent values, patterns and distributions are of the sample, which is random. Repeated keys are counted among the
    rows of a share of all keys.
    """
    schema = rows.collect_schema()
    seen = [name for name in schema if look.columns is None or name in look.columns]
    plain = {name: kind_of(schema[name]) for name in seen if name not in look.sensitive}
    ranged = {name: facts.low is not None for name, facts in look.facts.items()}
    totals, sample, keys = pl.collect_all(
        [
            totals_of(rows, seen, plain=plain, known=ranged, exact=look.rows <= look.sample),
            sample_of(rows, plain, look.every(len(plain))),
            key_sample(rows, look.key, max(1, look.rows // look.sample)),
        ],
        engine="streaming",
    )
    found = totals.row(0, named=True)
    columns = []
    for name, dtype in schema.items():
        if name not in seen and name not in look.facts:
            continue
        column = measure(name, dtype, look.rows, _totals(name, found, look), now=look.now)
        if name in look.sensitive:
            columns.append(column.without_values())
        else:
            columns.append(with_sample(column, dtype, sample, look.bins.get(name)))
    metrics = {"rows": float(look.rows)}
    if keys.height:
        metrics["duplicate_rate"] = 1 - keys[KEY].n_unique() / keys.height
    return Profile(look.rows, sample.height, tuple(columns), metrics)


def _totals(name: str, found: Mapping[str, Any], look: Look) -> dict[str, Any]:
    """The totals of one column, with what files know of it."""
    whats = ("nulls", "nans", "n_unique", "low", "high", "mean", "std")
    totals = {what: found[f"{what}:{name}"] for what in whats if f"{what}:{name}" in found}
    facts = look.facts.get(name)
    if facts is None:
        return totals
    ranges = {"low": facts.low, "high": facts.high} if facts.low is not None else {}
    return {**totals, "nulls": facts.nulls, **ranges}
