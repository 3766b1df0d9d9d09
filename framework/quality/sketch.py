"""What is kept of rows that pass by, in bounded memory: the smallest hashes of values, and a random sample."""

from __future__ import annotations

import threading
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


class SmallestHashes:
    """The smallest hashes of values, with how often each came: of up to `most` values all, of more `kept` of them.

    How small the largest of them is says how many different values there are (Z. Bar-Yossef and others, Counting
    distinct elements in a data stream, 2002), in whatever order and however often they came. All rows of a value
    count, or none: those kept are a random share of the values. Safe to call from several threads.
    """

    def __init__(self, most: int, kept: int = KEPT) -> None:
        self._room = most
        self._kept = min(most, kept)
        self._limit: int | None = None
        self._parts = [pl.DataFrame(schema={HASH: pl.UInt64, COUNT: pl.Int64})]
        self._new = 0
        self._lock = threading.Lock()

    def add(self, hashes: pl.Series) -> None:
        """Take the hashes of values (UInt64, without null)."""
        limit = self._limit
        below = hashes if limit is None else hashes.filter(hashes < limit)
        counted = below.alias(HASH).value_counts(name=COUNT).cast({COUNT: pl.Int64})
        with self._lock:
            self._parts.append(counted)
            self._new += counted.height
            if self._new > self._room:
                self._settle()

    def counts(self) -> pl.DataFrame:
        """The hashes kept, and how many rows have each."""
        with self._lock:
            self._settle()
            return self._parts[0]

    def different(self) -> float:
        """How many different values came: exact up to `most`, above it an estimate."""
        found = self.counts().height
        return float(found if self._limit is None else round(found / (self._limit / HASHES)))

    def _settle(self) -> None:
        found = pl.concat(self._parts).group_by(HASH).agg(pl.col(COUNT).sum())
        if found.height > self._room:
            ordered = found.sort(HASH)
            self._limit = int(ordered[HASH][self._kept])
            self._room = self._kept
            found = ordered.head(self._kept)
        self._parts, self._new = [found], 0


class RowSample:
    """A uniform sample of `most` rows: those whose order numbers, which are hashes, are the smallest. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit: int | None = None
        self._parts: list[pl.DataFrame] = []
        self._new = 0
        self._lock = threading.Lock()

    def add(self, rows: pl.DataFrame, order: pl.Series, kept: Sequence[pl.Expr]) -> None:
        """Take rows with their order numbers (UInt64). `kept`: what is kept of those that are drawn."""
        limit = self._limit
        numbered = rows.with_columns(order.alias(ORDER))
        drawn = numbered if limit is None else numbered.filter(pl.col(ORDER) < limit)
        part = drawn.select(ORDER, *kept)
        with self._lock:
            self._parts.append(part)
            self._new += part.height
            if self._new > self._most // 2:
                self._settle()

    def rows(self) -> pl.DataFrame:
        """The rows drawn so far, by their order numbers, in `_order`. Valid only after some were added."""
        with self._lock:
            self._settle()
            return self._parts[0].sort(ORDER)

    def _settle(self) -> None:
        found = pl.concat(self._parts)
        if found.height > self._most:
            self._limit = int(found[ORDER].sort()[self._most])
            found = found.filter(pl.col(ORDER) < self._limit)
        self._parts, self._new = [found], 0
