"""Drift: how far the columns of a run are from the runs before, in their values and in their types."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from framework.quality.distribution import ks, ks_by_chance, pool, psi, psi_by_chance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.quality.columns import ColumnProfile
    from framework.quality.distribution import Distribution
    from framework.quality.history import Record
    from framework.quality.profile import Profile

POOLED = 30
"""The reference of a distribution is what the newest 30 runs counted over the same bins, together."""


@dataclass(frozen=True)
class Change:
    """A column that is new, gone or of another type than in the run before."""

    column: str
    was: str | None
    now: str | None

    @property
    def text(self) -> str:
        """The change in words."""
        if self.was is None:
            return f"column {self.column} is new ({self.now})"
        return f"column {self.column} is gone" if self.now is None else f"{self.column} was {self.was}, is {self.now}"


def bins_of(past: Sequence[Record]) -> dict[str, Distribution]:
    """The distributions of the newest run before, by column: their bins are used again."""
    newest: dict[str, Distribution] = {}
    for record in past[-POOLED:]:
        newest.update({name: c.distribution for name, c in record.columns.items() if c.distribution})
    return newest


def with_drift(profile: Profile, past: Sequence[Record]) -> Profile:
    """Add `psi` and, for numbers, `ks` to the columns that earlier runs have counted over the same bins."""
    return replace(profile, columns=tuple(_with_drift(column, past) for column in profile.columns))


def _with_drift(column: ColumnProfile, past: Sequence[Record]) -> ColumnProfile:
    reference = reference_of(column, past)
    if column.distribution is None or reference is None:
        return column
    measured = distances(column.distribution, reference)
    return replace(column, metrics={**column.metrics, **measured})


def distances(distribution: Distribution, reference: Sequence[int]) -> dict[str, float]:
    """The distances of a distribution from the counts of a reference over the same bins."""
    found = {"psi": psi(distribution.counts, reference)}
    if distribution.edges:
        found["ks"] = ks(distribution.counts, reference)
    return {name: value for name, value in found.items() if value is not None}


def reference_of(column: ColumnProfile, past: Sequence[Record]) -> tuple[int, ...] | None:
    """The pooled counts of the runs before over the bins of a column; None where no run has them."""
    own = column.distribution
    if own is None:
        return None
    before = (record.columns[column.name].distribution for record in past[-POOLED:] if column.name in record.columns)
    same = [other for other in before if other is not None and other.has_bins_of(own)]
    return pool(same) if same else None


def by_chance(column: ColumnProfile, past: Sequence[Record]) -> dict[str, float]:
    """How large the distances of a column become by chance alone, with so many rows on either side."""
    reference = reference_of(column, past)
    if column.distribution is None or reference is None:
        return {}
    counts = column.distribution.counts
    return {"psi": psi_by_chance(counts, reference), "ks": ks_by_chance(counts, reference)}


def schema_changes(types: Mapping[str, str], before: Mapping[str, str]) -> list[Change]:
    """Compare the types of columns with those of the run before.

    >>> [change.text for change in schema_changes({"a": "Int64", "c": "Date"}, {"a": "String", "b": "Date"})]
    ['a was String, is Int64', 'column b is gone', 'column c is new (Date)']
    """
    return [
        Change(name, before.get(name), types.get(name))
        for name in sorted({*types, *before})
        if types.get(name) != before.get(name)
    ]
