"""Whether two frames hold the same rows, in whatever order, and which rows only one of them has."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

TOLERANCE = 1e-9
"""How far floats may lie apart, of one and of their size: sums depend on the order of their terms."""
SIDE = "in"


def difference(first: pl.DataFrame, second: pl.DataFrame, *, names: tuple[str, str]) -> pl.DataFrame | None:
    """Give the rows that only one of two frames has, with the frame's name in column `in`; None: they are the same.

    Rows count as often as they occur, their order does not; floats are compared by tolerance.
    """
    if set(first.columns) != set(second.columns):
        first_only = [name for name in first.columns if name not in second.columns]
        second_only = [name for name in second.columns if name not in first.columns]
        told = {SIDE: [*names], "columns": [", ".join(first_only), ", ".join(second_only)]}
        return pl.DataFrame(told)
    if not first.columns:
        return None
    other = second.select(first.columns)
    left, right = _rest(list(first.iter_rows()), list(other.iter_rows()))
    if not left and not right:
        return None
    parts = [(names[0], first, left), (names[1], other, right)]
    shown = [frame[rows].select(pl.lit(name).alias(SIDE), pl.all()) for name, frame, rows in parts]
    return pl.concat(shown, how="vertical_relaxed")


def _rest(left: list[tuple[Any, ...]], right: list[tuple[Any, ...]]) -> tuple[list[int], list[int]]:
    """The positions of rows that have no equal on the other side."""
    equal = Counter(map(repr, left)) & Counter(map(repr, right))
    mine, theirs = list(_beyond(left, equal)), list(_beyond(right, equal))
    for place in list(mine):
        near = next((n for n in theirs if _alike(left[place], right[n])), None)
        if near is not None:
            mine.remove(place)
            theirs.remove(near)
    return mine, theirs


def _beyond(rows: Iterable[tuple[Any, ...]], equal: Counter[str]) -> Iterable[int]:
    left = equal.copy()
    for place, row in enumerate(rows):
        told = repr(row)
        if left[told] > 0:
            left[told] -= 1
        else:
            yield place


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are the same, floats by tolerance: NaN is itself, and -0.0 is 0.0."""
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)
