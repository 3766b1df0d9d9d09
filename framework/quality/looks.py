"""What a look at a batch of rows takes from it: totals, hashes of values, and what a sample keeps of a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.quality.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

LENGTH = "_length:"
SHOWN_TEXT = 64
"""Characters that a sample keeps of a text."""
ODD = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Totals:
    """Totals of one column over some rows: None where there is no such value, or where it must not be kept.

    `n`: how many finite numbers; `square`: the sum of their squared distances from the mean.
    """

    nulls: int = 0
    nans: int | None = None
    low: Any = None
    high: Any = None
    n: int = 0
    mean: float = 0.0
    square: float = 0.0

    def plus(self, other: Totals) -> Totals:
        """The totals of both (T. Chan, G. Golub and R. LeVeque, Updating formulae, 1979)."""
        n = self.n + other.n
        apart = other.mean - self.mean
        return Totals(
            self.nulls + other.nulls,
            None if self.nans is None else self.nans + (other.nans or 0),
            min(_known(self.low, other.low), default=None),
            max(_known(self.high, other.high), default=None),
            n,
            self.mean + apart * other.n / n if n else 0.0,
            self.square + other.square + (apart * apart * self.n * other.n / n if n else 0.0),
        )

    @property
    def deviation(self) -> float | None:
        """The standard deviation of two numbers or more."""
        return math.sqrt(self.square / (self.n - 1)) if self.n > 1 else None


def _known(*values: Any) -> list[Any]:
    return [value for value in values if value is not None]


def totals_of(
    rows: pl.DataFrame, columns: Sequence[str], plain: Collection[str], ranges: Mapping[str, tuple[Any, Any]]
) -> dict[str, Totals]:
    """Total the columns of a batch.

    Args:
        rows: The batch.
        columns: The columns to total.
        plain: Those of whose values something may be kept.
        ranges: The least and greatest values that are known already: they are not computed again.
    """
    schema, asked = rows.schema, []
    numbers = [name for name in columns if name in plain and kind_of(schema[name]) == "number"]
    floats = rows.select(finite(pl.col(name), schema[name]).alias(name) for name in numbers)
    for name in columns:
        known = name in ranges or name not in plain or kind_of(schema[name]) == "other"
        asked += [one.alias(f"{what}:{name}") for what, one in _whole(name, schema[name], is_ranged=not known)]
    of_numbers = [one.alias(f"{what}:{name}") for name in numbers for what, one in _of_number(name)]
    totals = pl.concat([rows.select(pl.len(), *asked), floats.select(*of_numbers)], how="horizontal")
    found = totals.row(0, named=True)
    return {name: _total(found, name, ranges.get(name) if name in plain else None) for name in columns}


def _whole(name: str, dtype: pl.DataType, *, is_ranged: bool) -> Iterator[tuple[str, pl.Expr]]:
    value = pl.col(name)
    yield "nulls", value.null_count()
    if dtype.is_float():
        yield "nans", value.is_nan().sum()
    if is_ranged:
        yield "low", value.min()
        yield "high", value.max()


def _of_number(name: str) -> Iterator[tuple[str, pl.Expr]]:
    yield "n", pl.col(name).count()
    yield "mean", pl.col(name).mean()
    yield "variance", pl.col(name).var(ddof=0)


def _total(found: Mapping[str, Any], name: str, known: tuple[Any, Any] | None) -> Totals:
    low, high = known or (found.get(f"low:{name}"), found.get(f"high:{name}"))
    if isinstance(low, float) and math.isnan(low):
        low = high = None
    n, mean, variance = (found.get(f"{what}:{name}") or 0 for what in ("n", "mean", "variance"))
    return Totals(found[f"nulls:{name}"], found.get(f"nans:{name}"), low, high, n, float(mean), n * float(variance))


def finite(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A number as a float, null where it is not finite."""
    number = value.cast(pl.Float64)
    return pl.when(number.is_finite()).then(number) if dtype.is_float() else number


def hash_of(name: str, dtype: pl.DataType) -> pl.Expr:
    """Hash the values of a column: equal ones alike, 64 bits each."""
    is_coded = isinstance(dtype, (pl.Categorical, pl.Enum))
    return (pl.col(name).cast(pl.String) if is_coded else pl.col(name)).hash(seed=0)


def hashed_together(hashes: Sequence[pl.Series]) -> pl.Series:
    """Hash the hashes of several columns, row by row."""
    first, *others = hashes
    for other in others:
        first = (first * ODD + other).hash(seed=0)
    return first


def kept_of(schema: pl.Schema, columns: Sequence[str]) -> list[pl.Expr]:
    """What a sample keeps of rows: numbers as floats, texts shortened and their lengths, flags and times."""
    kept = []
    for name in columns:
        kind, value = kind_of(schema[name]), pl.col(name)
        if kind == "number":
            kept.append(finite(value, schema[name]).alias(name))
        elif kind == "text":
            text = value.cast(pl.String)
            kept += [text.str.slice(0, SHOWN_TEXT), text.str.len_chars().alias(f"{LENGTH}{name}")]
        elif kind != "other":
            kept.append(value)
    return kept
