"""How values are distributed over fixed bins, and how far two such distributions are apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BINS = 20
MOST_VALUES = 20
COVERED = 0.5
"""The share of rows that bins must hold: where more lie outside, they no longer tell rows apart."""
EMPTY = 0.0001
"""The least share that a bin counts with, on either side: the logarithm of 0 has no value."""


@dataclass(frozen=True)
class Distribution:
    """Counts over bins, which are kept from run to run so that runs can be compared.

    Numbers have `edges`: bin i holds what is at least edge i - 1 and below edge i; the first and the last are open.
    Text and booleans have `values`, one bin each, and a last one for all others.
    """

    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def is_spent(self) -> bool:
        """Whether its bins no longer fit what they count: most of it lies in none of them."""
        outside = self.counts[-1] + (self.counts[0] if self.edges else 0)
        return outside > COVERED * sum(self.counts)

    def has_bins_of(self, other: Distribution) -> bool:
        """Whether the two count over the same bins."""
        return self.edges == other.edges and self.values == other.values


def distribute_numbers(numbers: pl.Series, edges: Sequence[float] = ()) -> Distribution | None:
    """Count finite numbers (Float64, without null) over edges, or over edges at their own quantiles; None for none."""
    if numbers.is_empty():
        return None
    laid = tuple(edges) or _edges(numbers.sort())
    at = pl.Series(laid, dtype=pl.Float64).search_sorted(numbers, side="right")
    found = dict(at.value_counts().iter_rows())
    return Distribution(tuple(found.get(i, 0) for i in range(len(laid) + 1)), edges=laid)


def _edges(ordered: pl.Series) -> tuple[float, ...]:
    """The smallest value, the quantiles, and just above the largest: what is new on either side has a bin."""
    last = len(ordered) - 1
    inner = [ordered[round(last * i / BINS)] for i in range(BINS)]
    return tuple(sorted({*inner, math.nextafter(ordered[last], math.inf)}))


def distribute_values(texts: pl.Series, values: Sequence[str] = ()) -> Distribution | None:
    """Count texts (without null) by value: over the values given, or the most frequent ones.

    None where there are none, or where no few values hold half of them: then each is as rare as the others.
    """
    if texts.is_empty():
        return None
    found = dict(texts.value_counts().iter_rows())
    chosen = tuple(values) or tuple(sorted(found, key=lambda value: (-found[value], value))[:MOST_VALUES])
    counts = tuple(found.get(value, 0) for value in chosen)
    made = Distribution((*counts, len(texts) - sum(counts)), values=chosen)
    return None if made.is_spent and not values else made


def pool(distributions: Iterable[Distribution]) -> tuple[int, ...]:
    """Sum the counts of distributions over the same bins.

    >>> pool([Distribution((1, 2)), Distribution((3, 4))])
    (4, 6)
    """
    return tuple(sum(counts) for counts in zip(*(d.counts for d in distributions), strict=True))


def psi(actual: Sequence[int], expected: Sequence[int]) -> float | None:
    """The population stability index of counts over the same bins; None without counts on a side.

    The sum over bins of `(a - e) * ln(a / e)` of the shares; a share below 0.0001 counts as that, and a bin that is
    empty on both sides is none. Below 0.1 little has shifted, to 0.25 some, above it much. (N. Siddiqi, Credit Risk
    Scorecards, 2006.)

    >>> round(psi([50, 50], [80, 20]), 4)
    0.4159
    """
    if not sum(actual) or not sum(expected):
        return None
    shifts = []
    for one, other in zip(actual, expected, strict=True):
        if one or other:
            a, e = max(one / sum(actual), EMPTY), max(other / sum(expected), EMPTY)
            shifts.append((a - e) * math.log(a / e))
    return math.fsum(shifts)


def psi_by_chance(actual: Sequence[int], expected: Sequence[int]) -> float:
    """The index that two samples of one population stay below in about 99 of 100 cases.

    It is distributed as `(1/n + 1/m)` times chi-square of one degree of freedom less than there are bins
    (B. Yurdakul, Statistical Properties of Population Stability Index, 2018), whose quantile is that of E. Wilson and
    M. Hilferty (1931).

    >>> round(psi_by_chance([50] * 10, [500] * 10), 4)
    0.0477
    """
    freedom = sum(1 for one, other in zip(actual, expected, strict=True) if one or other) - 1
    if freedom < 1 or not sum(actual) or not sum(expected):
        return 0.0
    ninth = 2 / (9 * freedom)
    quantile = freedom * (1 - ninth + 2.326 * math.sqrt(ninth)) ** 3
    return (1 / sum(actual) + 1 / sum(expected)) * quantile


def ks(actual: Sequence[int], expected: Sequence[int]) -> float | None:
    """The two-sample Kolmogorov-Smirnov distance at the edges of ordered bins; None without counts on a side.

    The largest difference of the two cumulative shares (N. Smirnov, 1948). Within a bin it cannot be seen, so that of
    the values themselves is this or more.

    >>> ks([0, 10], [5, 5])
    0.5
    """
    if not sum(actual) or not sum(expected):
        return None
    n, m = sum(actual), sum(expected)
    return max(abs(a / n - e / m) for a, e in zip(accumulate(actual), accumulate(expected), strict=True))


def ks_by_chance(actual: Sequence[int], expected: Sequence[int]) -> float:
    """The distance that two samples of one population exceed in 1 of 100 cases: `1.63 * sqrt((n + m) / (n * m))`.

    >>> round(ks_by_chance([100], [100]), 4)
    0.2305
    """
    n, m = sum(actual), sum(expected)
    return 1.63 * math.sqrt((n + m) / (n * m)) if n and m else 0.0
