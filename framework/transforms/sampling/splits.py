"""Training, validation and test rows, told apart by key or by time: a split that does not change from run to run."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import names_of, require_absent, require_columns, require_some, require_type
from framework.transforms.hashing import hash_fraction, stable_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SALT = int.from_bytes(b"split")
"""Sets splits apart from samples: else all rows of a 10% sample would be training rows of a split by the same seed."""
ROUNDING = 1e-9
LAYER = "__stratum_of_key"
"""The column that holds a key's stratum while the plan runs: a window cannot be cut by another window."""


def split_by_key(
    rows: pl.LazyFrame,
    fractions: Mapping[str, float],
    *,
    key: str | Sequence[str],
    into: str = "split",
    seed: int = 0,
    strata: str | Sequence[str] = (),
) -> pl.LazyFrame:
    """Name the split of each row, the same for all rows of a key. One row per row given, in the same order.

    Without strata a key's split follows from its hash alone: row by row, streaming, the same in every table and for
    ever, however many keys come later; the shares are met by and large. With strata they are met within one key in each
    stratum (the r-th of n keys by hash belongs to the first split whose end is above (r - 0.5) / n), but a key's split
    may change as keys come or go; rows are held until their stratum is complete. A key with rows in several strata
    counts in one of them (that of the lowest hash), so that it never lies in two splits. Independent of samples
    by the same key and seed. Null is a key, and a stratum, like any other. Lazy, streaming. Adds `into` (String).

    Args:
        rows: What to split.
        fractions: Name of each split and its share, which sum to 1. The order counts: moving one end moves the keys
            between two neighbours only.
        key: The columns that must not lie in two splits: a user, not an event, where users come again.
        into: The column added.
        seed: Another seed gives another split.
        strata: Columns whose values each split should have in the same shares. Floats cannot be strata.

    Raises:
        TransformError: at definition, when fractions do not sum to 1 or a column is not there or cannot be hashed.

    >>> users = pl.LazyFrame({"user": ["ann", "bob", "cid", "ann"]})
    >>> users.pipe(split_by_key, {"train": 0.6, "test": 0.4}, key="user").collect()["split"].to_list()
    ['test', 'train', 'train', 'test']
    """
    where = "split_by_key"
    _require_fractions(where, fractions)
    keys, layers = require_some(where, "key", key), names_of(strata)
    schema = require_columns(rows, where, [*keys, *layers])
    require_absent(schema, where, [into, LAYER])
    ends = list(accumulate(fractions.values()))[:-1]
    if not layers:
        place = hash_fraction(schema, keys, seed=seed ^ SALT, where=where)
        return rows.with_columns(_first_below(place, list(fractions), ends).alias(into))
    layer = stable_hash(schema, layers, where=where).min().over(keys)
    drawn = stable_hash(schema, keys, seed=seed ^ SALT, where=where)
    place = (drawn.rank("dense").over(LAYER) - 0.5) / drawn.n_unique().over(LAYER)
    split = _first_below(place, list(fractions), ends)
    return rows.with_columns(layer.alias(LAYER)).with_columns(split.alias(into)).drop(LAYER)


def split_by_time(
    rows: pl.LazyFrame, until: Mapping[str, datetime | date | None], *, time: str, into: str = "split"
) -> pl.LazyFrame:
    """Name the split of each row by its time. One row per row given, in the same order.

    A split holds the rows from the end of the one before it to just before its own end; None leaves the last one open.
    Rows past the last end, and rows without a time, have a null split. To keep what was learned from looking into what
    is tested (targets that are known days later), name a split in between and drop it: `{"train": ..., "gap": ...,
    "test": None}`. Lazy, streaming, row by row. Adds `into` (String).

    Args:
        rows: What to split.
        until: Name of each split and its exclusive end, ascending: dates for a Date column, datetimes with a zone for a
            Datetime with a zone, naive ones for a naive one.
        time: The column to split by.
        into: The column added.

    Raises:
        TransformError: at definition, when ends do not ascend or do not fit the column.

    >>> days = pl.LazyFrame({"day": [date(2024, 1, 31), date(2024, 2, 1), None]})
    >>> days.pipe(split_by_time, {"train": date(2024, 2, 1), "test": None}, time="day").collect()["split"].to_list()
    ['train', 'test', None]
    """
    where = "split_by_time"
    schema = require_columns(rows, where, [time])
    require_absent(schema, where, [into])
    dtype = require_type(schema, where, time, lambda kind: kind.is_temporal() and kind != pl.Time, "Date or Datetime")
    ends = [_literal(end, dtype) for end in _require_ends(where, until, dtype)]
    names = [*until, None] if len(ends) == len(until) else list(until)
    split = _first_below(pl.col(time), names, ends)
    return rows.with_columns(pl.when(pl.col(time).is_not_null()).then(split).alias(into))


def _first_below(place: pl.Expr, names: Sequence[str | None], ends: Iterable[object]) -> pl.Expr:
    """The first name whose end is above a place; the last name has no end."""
    split: pl.Expr = pl.lit(names[-1], pl.String)
    for name, end in reversed(list(zip(names[:-1], ends, strict=True))):
        split = pl.when(place < end).then(pl.lit(name)).otherwise(split)
    return split


def _literal(end: datetime | date, dtype: pl.DataType) -> pl.Expr:
    """An end as a value in the column's own zone, with which alone Polars compares it."""
    if isinstance(end, datetime) and isinstance(dtype, pl.Datetime) and dtype.time_zone:
        return pl.lit(end.astimezone(UTC)).dt.convert_time_zone(dtype.time_zone)
    return pl.lit(end)


def _require_fractions(where: str, fractions: Mapping[str, float]) -> None:
    low = [name for name, share in fractions.items() if not share > 0]
    if low:
        raise TransformError(f"{where}: the fraction of '{low[0]}' is {fractions[low[0]]}, expected one above 0")
    total = math.fsum(fractions.values())
    if abs(total - 1) > ROUNDING:
        raise TransformError(f"{where}: fractions sum to {total:g}, expected 1; name what is left over as well")


def _require_ends(where: str, until: Mapping[str, datetime | date | None], dtype: pl.DataType) -> list[datetime | date]:
    """The ends of all splits that have one, which must fit the column and ascend."""
    if not until:
        raise TransformError(f"{where}: until is empty, expected a name and an end for each split")
    ends = []
    for number, (name, end) in enumerate(until.items(), start=1):
        if end is not None:
            _require_fit(where, name, end, dtype)
            ends.append(end)
        elif number < len(until):
            raise TransformError(f"{where}: '{name}' has no end but is not the last; give it the time where it ends")
    for before, after in pairwise(ends):
        if not before < after:
            raise TransformError(f"{where}: ends must ascend, got {before} before {after}")
    return ends


def _require_fit(where: str, name: str, end: datetime | date, dtype: pl.DataType) -> None:
    """Refuse to compare a date with instants, or naive times with zoned ones."""
    if not isinstance(dtype, pl.Datetime):
        expected = "a date, as the column is Date"
        fits = not isinstance(end, datetime)
    else:
        expected = "a datetime with a zone" if dtype.time_zone else "a naive datetime, as the column has no zone"
        fits = isinstance(end, datetime) and (end.tzinfo is not None) == bool(dtype.time_zone)
    if not fits:
        raise TransformError(f"{where}: the end of '{name}' is {end}, expected {expected}")
