"""Refused rows by what they break: few kinds among many rows, so reasons are spelled out once for each kind.

A list of reasons made row by row costs a look at every rule for every row; which rules a row breaks fits into the bits
of an integer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.boundary.rule import Rule
    from framework.boundary.tally import Tally

REASONS = "_reasons"
"""The reasons of a kind, in the order of the rules, but for what is wrong with a malformed line: that its row tells."""
WAITS = "_waits"
"""Whether rows of a kind wait for a reference."""
FAILURE = "_failure"
"""What stopped the rows of a kind: the first of `FAILURES` that one of its broken rules stands for."""
FAILURES = ("parse", "cast", "rule", "reference")
"""What can stop a row at a boundary, first what hides the others."""
BITS = 63
_BROKEN = "_broken_"


def broken_bits(breaks: Sequence[pl.Expr]) -> list[pl.Expr]:
    """Give the columns whose bits say which rules a row breaks, from one expression per rule that is never null."""
    return [
        pl.sum_horizontal(
            breaks[n].cast(pl.Int64) * pl.lit(1 << (n - first), dtype=pl.Int64)
            for n in range(first, min(first + BITS, len(breaks)))
        ).alias(f"{_BROKEN}{first}")
        for first in range(0, len(breaks), BITS)
    ]


@dataclass(frozen=True)
class Kind:
    """Rows that break the same rules: their bits, how many they are, and the numbers of the rules."""

    bits: tuple[int, ...]
    rows: int
    broken: tuple[int, ...]


@dataclass(frozen=True)
class Kinds:
    """The kinds of some refused rows, the rules of the boundary, and the columns that hold the bits."""

    every: tuple[Kind, ...]
    rules: tuple[Rule, ...]
    keys: tuple[str, ...]

    @staticmethod
    def of(rows: pl.DataFrame, rules: Sequence[Rule]) -> Kinds:
        """Sort refused rows, which carry the columns of `broken_bits`, by kind."""
        keys = tuple(name for name in rows.columns if name.startswith(_BROKEN))
        counted = rows.group_by(keys).len()
        every = tuple(Kind(tuple(bits), count, _numbers(bits)) for *bits, count in counted.rows())
        return Kinds(every, tuple(rules), keys)

    @property
    def broken(self) -> list[Rule]:
        """The rules that any of the rows breaks."""
        return [self.rules[n] for n in sorted({n for kind in self.every for n in kind.broken})]

    def waits(self, kind: Kind) -> bool:
        """Whether rows of a kind break nothing but foreign keys."""
        return all(self.rules[n].severity != "error" for n in kind.broken)

    def failure(self, kind: Kind) -> str | None:
        """What stopped rows of a kind."""
        stood_for = {self.rules[n].failure for n in kind.broken if self.rules[n].severity != "warning"}
        return next((failure for failure in FAILURES if failure in stood_for), None)

    def count(self, tally: Tally) -> None:
        """Add the rows to the counts of a boundary."""
        for kind in self.every:
            tally.refused += kind.rows
            tally.waiting += kind.rows if self.waits(kind) else 0
            for rule in (self.rules[n] for n in kind.broken):
                tally.broken[rule.reason] += kind.rows
                tally.of(rule).refused += kind.rows
            for column in {self.rules[n].column for n in kind.broken}:
                tally.by_column[column] += kind.rows

    def reasons(self) -> pl.DataFrame:
        """One row per kind: its bits, its reasons, whether it waits, and what stopped it."""
        told = [[self.rules[n].reason for n in kind.broken if n] for kind in self.every]
        bits = {key: [kind.bits[place] for kind in self.every] for place, key in enumerate(self.keys)}
        types: dict[str, Any] = dict.fromkeys(self.keys, pl.Int64)
        types |= {REASONS: pl.List(pl.String), WAITS: pl.Boolean, FAILURE: pl.String}
        waits, stopped = [self.waits(kind) for kind in self.every], [self.failure(kind) for kind in self.every]
        return pl.DataFrame({**bits, REASONS: told, WAITS: waits, FAILURE: stopped}, schema=types)


def _numbers(bits: Sequence[int]) -> tuple[int, ...]:
    """The numbers of the bits that are set.

    >>> _numbers([0b101, 0b1])
    (0, 2, 63)
    """
    return tuple(
        place * BITS + n for place, value in enumerate(bits) for n in range(value.bit_length()) if value >> n & 1
    )
