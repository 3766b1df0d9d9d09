"""Hold the rows of a table against those that should be the same: how many differ, in which columns, and the first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

SHOWN = 5
TOLERANCE = 1e-9
"""Floats that are this near, as a share of them, are the same: sums are not added up in the same order each time."""
DIGITS = 9
HIDDEN = "***"
_OTHER = "__other"
_HERE, _THERE = "__here", "__there"
_SIGN = "__sign"


@dataclass(frozen=True)
class Difference:
    """How the rows of one table differ from another's: `missing` ones, `extra` ones, and `changed` ones of equal keys.

    `columns`: how many of the changed rows differ in each; `schema`: columns that only one has, or of another type.
    `examples`: the first rows that differ, with what they are on either side.
    """

    rows: int
    other_rows: int
    missing: int = 0
    extra: int = 0
    changed: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    schema: list[str] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.missing or self.extra or self.changed or self.schema)


def compare(
    rows: pl.LazyFrame, other: pl.LazyFrame, *, key: Sequence[str] = (), hidden: Collection[str] = ()
) -> Difference:
    """Compare two tables, row by row of the same key, or without a key as bags of rows. They are read here.

    Args:
        rows: What there is. Their order means nothing.
        other: What is held against it.
        key: The columns that name a row; one row per key on either side.
        hidden: Columns whose values are not shown.

    >>> here, there = pl.LazyFrame({"k": [1, 2], "v": [1.0, 2.0]}), pl.LazyFrame({"k": [1, 3], "v": [1.5, 3.0]})
    >>> found = compare(here, there, key=["k"])
    >>> found.missing, found.extra, found.changed, found.columns
    (1, 1, 1, {'v': 1})
    """
    mine, theirs = rows.collect_schema(), other.collect_schema()
    said = [f"{name} is missing" for name in mine if name not in theirs]
    said += [f"{name} is new" for name in theirs if name not in mine]
    said += [f"{n} was {t}, is {theirs[n]}" for n, t in mine.items() if n in theirs and theirs[n] != t]
    shared = [name for name, dtype in mine.items() if theirs.get(name) == dtype]
    counts = pl.collect_all([rows.select(pl.len()), other.select(pl.len())], engine="streaming")
    found = Difference(rows=counts[0].item(), other_rows=counts[1].item(), schema=said)
    keys = [name for name in key if name in shared]
    if keys and len(keys) == len(key):
        return _by_key(found, rows.select(shared), other.select(shared), keys, hidden)
    return _as_bags(found, rows.select(shared), other.select(shared), hidden)


def _by_key(
    so_far: Difference, rows: pl.LazyFrame, other: pl.LazyFrame, key: list[str], hidden: Collection[str]
) -> Difference:
    schema = rows.collect_schema()
    values = [name for name in schema if name not in key]
    met = rows.with_columns(pl.lit(1).alias(_HERE)).join(
        other.with_columns(pl.lit(1).alias(_THERE)),
        on=key,
        how="full",
        coalesce=True,
        nulls_equal=True,
        suffix=_OTHER,
    )
    is_here, is_there = pl.col(_HERE).is_not_null(), pl.col(_THERE).is_not_null()
    differs = {name: is_here & is_there & ~_same(name, schema[name]) for name in values}
    is_changed = pl.any_horizontal(*differs.values()) if differs else pl.lit(value=False)
    counts = met.select(
        missing=(~is_there).sum(),
        extra=(~is_here).sum(),
        changed=is_changed.sum(),
        **{f"of {name}": one.sum() for name, one in differs.items()},
    )
    first = met.filter(is_changed | ~is_here | ~is_there).sort(key, nulls_last=True).head(SHOWN)
    marked = first.with_columns(one.alias(f"of {name}") for name, one in differs.items())
    counted, examples = pl.collect_all([counts, marked], engine="streaming")
    found = counted.row(0, named=True)
    by_column = {name: int(found[f"of {name}"]) for name in values if found[f"of {name}"]}
    return replace(
        so_far,
        missing=int(found["missing"]),
        extra=int(found["extra"]),
        changed=int(found["changed"]),
        columns=by_column,
        examples=[_example(row, key, values, hidden) for row in examples.iter_rows(named=True)],
    )


def _same(name: str, dtype: pl.DataType) -> pl.Expr:
    """Whether a column has the same value on both sides; null is the same as null."""
    one, two = pl.col(name), pl.col(f"{name}{_OTHER}")
    same = one.eq_missing(two)
    if not dtype.is_float():
        return same
    near = (one - two).abs() <= TOLERANCE * pl.max_horizontal(one.abs(), two.abs())
    return same | near.fill_null(value=False)


def _example(row: dict[str, Any], key: list[str], values: list[str], hidden: Collection[str]) -> dict[str, Any]:
    """A row that differs: its key, and the columns in which it does, on either side."""

    def shown(name: str, value: Any) -> Any:
        return HIDDEN if name in hidden else value

    named = {name: shown(name, row[name]) for name in key}
    if row[_THERE] is None or row[_HERE] is None:
        return {"key": named, "what": "missing" if row[_THERE] is None else "extra"}
    changed = [name for name in values if row[f"of {name}"]]
    pairs = {name: [shown(name, row[name]), shown(name, row[f"{name}{_OTHER}"])] for name in changed}
    return {"key": named, "what": "changed", "columns": pairs}


def _as_bags(so_far: Difference, rows: pl.LazyFrame, other: pl.LazyFrame, hidden: Collection[str]) -> Difference:
    """Without a key: rows that one side has more often than the other."""
    schema = rows.collect_schema()
    plain = [_plain(name, dtype) for name, dtype in schema.items()]
    sides = [side.select(*plain, pl.lit(sign).alias(_SIGN)) for side, sign in ((rows, 1), (other, -1))]
    left = pl.concat(sides).group_by(list(schema)).agg(pl.col(_SIGN).sum()).filter(pl.col(_SIGN) != 0)
    counts = left.select(missing=pl.col(_SIGN).clip(lower_bound=0).sum(), extra=(-pl.col(_SIGN)).clip(0).sum())
    counted, examples = pl.collect_all([counts, left.sort(list(schema)).head(SHOWN)], engine="streaming")
    missing, extra = counted.row(0)
    told = [
        {
            "key": {name: HIDDEN if name in hidden else row[name] for name in schema},
            "what": "missing" if row[_SIGN] > 0 else "extra",
        }
        for row in examples.iter_rows(named=True)
    ]
    return replace(so_far, missing=int(missing), extra=int(extra), examples=told)


def _plain(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column as a key to group by: floats to nine digits, nested values as text."""
    if dtype.is_float():
        return pl.col(name).round_sig_figs(DIGITS)
    if dtype.is_nested():
        return pl.struct(name).struct.json_encode().alias(name)
    return pl.col(name)
