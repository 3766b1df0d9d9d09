"""Profile rows from what was seen of them: totals of all, and a bounded sample for what needs single values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from framework.quality.columns import ColumnProfile, Facts, measure, with_sample
from framework.quality.looks import Totals
from framework.quality.sketch import COUNT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import polars as pl

    from framework.quality.distribution import Distribution
    from framework.quality.watch import Watch


@dataclass(frozen=True)
class Look:
    """What rows that were seen are measured by.

    Args:
        now: The run's time, to which ages count.
        bins: By column, a distribution whose bins are used again.
        facts: By column that was not looked at, what files know of it.
    """

    now: datetime
    bins: Mapping[str, Distribution] = field(default_factory=dict)
    facts: Mapping[str, Facts] = field(default_factory=dict)


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


def show(rows: pl.LazyFrame, watch: Watch) -> Watch:
    """Run a plan once, streaming, and show its rows to a watch."""
    rows.sink_batches(watch.see, maintain_order=False, engine="streaming")
    return watch


def profile(watch: Watch, look: Look) -> Profile:
    """Profile the rows that a watch has seen.

    Nulls, ranges, means and deviations are of all rows, and so are numbers of different values; where more differ than
    are kept, these are estimates with a standard error of 0.8%. Quantiles, lengths, frequent values, patterns and
    distributions are of the sample, which is random. Repeated keys are counted among all rows, or where more keys
    differ than the sample has rows, among the rows of a share of the keys.

    Raises:
        Exception: what went wrong at a look.
    """
    seen = watch.seen()
    columns = []
    for name, dtype in watch.schema.items():
        facts = look.facts.get(name)
        if name in watch.columns:
            totals = seen.totals[name]
        elif facts is not None:
            totals = Totals(facts.nulls, low=facts.low, high=facts.high)
        else:
            continue
        column = measure(name, dtype, seen.rows, totals, seen.different.get(name), now=look.now)
        if name in watch.sensitive:
            columns.append(column.without_values())
        else:
            columns.append(with_sample(column, dtype, seen.sample, look.bins.get(name)))
    metrics = {"rows": float(seen.rows)}
    keyed = int(seen.keys[COUNT].sum())
    if keyed:
        metrics["duplicate_rate"] = 1 - seen.keys.height / keyed
    return Profile(seen.rows, seen.sample.height, tuple(columns), metrics)
