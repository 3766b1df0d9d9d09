"""What is kept of rows that pass by, in bounded memory: the smallest hashes of values, and a random sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH = "_hash"
COUNT = "_count"
ORDER = "_order"
HASHES = 2**64
KEPT = 16_384
"""Hashes kept where not all can be: a number of different values has a standard error of 1 / sqrt(KEPT), 0.8%."""
SLOTS = 2**16
"""Places, at most, for hashes that were met: a look there is cheaper than to tell those of a batch apart."""
RARE = 16
"""Where fewer than one hash in so many is below the limit, it is not looked up whether it was met."""


class DifferentValues:
    """How many values differ, by the smallest of their hashes.

    All hashes are kept of up to `most` rows, then `KEPT` of them. How small the largest of those is says how many there
    are (Z. Bar-Yossef and others, Counting distinct elements in a data stream, 2002), in whatever order they come.
    `without`: a hash that is none of a value.
    """

    def __init__(self, most: int, *, without: int = 0) -> None:
        self._most = most
        self._without = without
        self._limit: int | None = None
        slots = min(SLOTS, 2 ** max(most.bit_length(), 10))
        self._met = pl.int_range(1, slots + 1, dtype=pl.UInt64, eager=True)
        self._parts = [pl.Series(HASH, dtype=pl.UInt64)]
        self._rows = 0
        self._new = 0

    def new(self, hashes: pl.Expr) -> pl.Expr:
        """Of the hashes of a batch (UInt64) those to be taken: most are not, and to see that must not cost much."""
        limit = self._limit
        is_new = pl.lit(self._met).gather(hashes & (len(self._met) - 1)) != hashes
        if limit is not None:
            is_new = hashes < limit if limit < HASHES // RARE else (hashes < limit) & is_new
        return hashes.filter(is_new).unique()

    def take(self, new: pl.Series, rows: int) -> None:
        """Take what `new` has found in so many rows."""
        self._rows += rows
        if new.is_empty():
            return
        self._parts.append(new.alias(HASH))
        self._new += len(new)
        if self._new > self._room:
            self._settle()
        if self._limit is None or self._limit >= HASHES // RARE:
            self._met = self._met.clone().scatter(new & (len(self._met) - 1), new)

    def count(self) -> float:
        """How many different values came: exact as long as all are kept, above that an estimate."""
        self._settle()
        found = self._parts[0].filter(self._parts[0] != self._without)
        return float(len(found) if self._limit is None else round(len(found) / (self._limit / HASHES)))

    @property
    def _room(self) -> int:
        return self._most if self._rows <= self._most else min(self._most, KEPT)

    def _settle(self) -> None:
        found = pl.concat(self._parts).unique()
        if len(found) > self._room:
            ordered = found.sort()
            self._limit = int(ordered[self._room])
            found = ordered.head(self._room)
        self._parts, self._new = [found], 0


class KeyCounts:
    """How often keys came, by the smallest of their hashes: of up to `most` keys of all, else of a share.

    All rows of a key count, or none of them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit: int | None = None
        self._parts = [pl.DataFrame(schema={HASH: pl.UInt64, COUNT: pl.Int64})]
        self._new = 0

    def add(self, hashes: pl.Series) -> None:
        """Take the hashes of keys (UInt64, without null)."""
        limit = self._limit
        below = hashes if limit is None else hashes.filter(hashes < limit)
        counted = below.alias(HASH).value_counts(name=COUNT).cast({COUNT: pl.Int64})
        self._parts.append(counted)
        self._new += counted.height
        if self._new > self._most:
            self._settle()

    def counts(self) -> pl.DataFrame:
        """The hashes kept, and how many rows have each."""
        self._settle()
        return self._parts[0]

    def _settle(self) -> None:
        found = pl.concat(self._parts).group_by(HASH).agg(pl.col(COUNT).sum())
        if found.height > self._most:
            ordered = found.sort(HASH)
            self._limit = int(ordered[HASH][self._most])
            found = ordered.head(self._most)
        self._parts, self._new = [found], 0


class RowSample:
    """A uniform sample of `most` rows: those whose order numbers, which are hashes, are the smallest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit: int | None = None
        self._parts: list[pl.DataFrame] = []
        self._new = 0

    def add(self, rows: pl.DataFrame, order: pl.Series, kept: Sequence[pl.Expr]) -> None:
        """Take rows with their order numbers (UInt64). `kept`: what is kept of those that are drawn."""
        limit = self._limit
        numbered = rows.with_columns(order.alias(ORDER))
        drawn = numbered if limit is None else numbered[(order < limit).arg_true()]
        part = drawn.select(ORDER, *kept)
        self._parts.append(part)
        self._new += part.height
        if self._new > self._most // 2:
            self._settle()

    def rows(self) -> pl.DataFrame:
        """The rows drawn so far, by their order numbers, in `_order`. Valid only after some were added."""
        self._settle()
        return self._parts[0].sort(ORDER)

    def _settle(self) -> None:
        found = pl.concat(self._parts)
        if found.height > self._most:
            found = found.bottom_k(self._most, by=ORDER)
            self._limit = int(found[ORDER].max())  # type: ignore[arg-type]
        self._parts, self._new = [found], 0
