"""Random schemas, changes of them, and values that lie where rules and types end."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl
from hypothesis import strategies as st

from framework.registry import Column, Constraint, Document
from tests.registry.reading import PREDICATES, as_type, holds, is_valid, rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGERS = [pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64()]
OTHERS = [
    pl.Float32(), pl.Float64(), pl.Decimal(5, 2), pl.Decimal(7, 2), pl.Decimal(7, 4), pl.Decimal(12, 0), pl.String(),
    pl.Date(), pl.Datetime("us"), pl.Boolean(),
]  # fmt: skip
TYPES = [*INTEGERS, *OTHERS]
NAMES = ["a", "b", "c", "d"]
SMALL = range(1, 6)
"""Bounds that leave out some value of every type: whatever is unsigned is above -2 anyhow."""
EDGES: list[Any] = [
    *(sign * 2**bits + by for bits in (7, 8, 15, 16, 24, 31, 32, 53, 63, 64) for sign in (1, -1) for by in (-1, 0, 1)),
    *range(-4, 24),
    *(half / 2 for half in range(-8, 24)),
    0.1, 1.5, -0.5, 2.0**60, float(2**24 + 1),
    Decimal("0.01"), Decimal("0.0001"), Decimal("999.99"), Decimal("99999.99"), Decimal(999999999999),
    Decimal(1), Decimal(-40000), Decimal(123456),
    "", "x", "xy", "xyz", "wxyz", "vwxyz", "uvwxyz",
    date(2024, 1, 1), date(1999, 2, 3), datetime(2024, 1, 1), datetime(2024, 1, 1, 12),  # noqa: DTZ001 - a time without a zone is meant
    True, False,
]  # fmt: skip
"""Values among which every change shows that there is to see."""


def constraint(column: str, kind: str, values: dict[str, Any], expression: str = "") -> Constraint:
    return Constraint(kind or expression, column, kind=kind, values=values, expression=expression)


@st.composite
def bounds(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    low = draw(st.sampled_from(SMALL))
    kind = draw(
        st.sampled_from(
            ["greater_than", "greater_than_or_equal_to", "less_than", "less_than_or_equal_to", "equal_to", "in_range"]
        )
    )
    if kind in {"greater_than", "greater_than_or_equal_to"}:
        return kind, {"min_value": low}
    if kind == "equal_to":
        return kind, {"value": low}
    if kind == "in_range":
        high = low + draw(st.integers(2, 5))
        ends = {"include_min": draw(st.booleans()), "include_max": draw(st.booleans())}
        return kind, {"min_value": low, "max_value": high, **ends}
    return kind, {"max_value": low + 4}


FAMILIES = ["none", "range", "isin", "notin", "other"]


@st.composite
def rules(draw: st.DrawFn, column: str, dtype: pl.DataType, among: list[str] = FAMILIES) -> list[Constraint]:
    """Rules of one family, or none."""
    if dtype == pl.String:
        low, high = draw(st.sampled_from([(None, 2), (1, None), (0, 3), (1, 3), (2, 5), (2, 2)]))
        return draw(st.sampled_from([[], [constraint(column, "str_length", {"min_value": low, "max_value": high})]]))
    known = among if dtype.is_integer() else ["none", "range"] if dtype.is_float() else ["none"]
    family = draw(st.sampled_from([one for one in among if one in known]))
    some = draw(st.lists(st.integers(0, 6), min_size=1, max_size=4, unique=True))
    if family == "range":
        return [constraint(column, *said) for said in draw(st.lists(bounds(), min_size=1, max_size=2))]
    if family == "isin":
        return [constraint(column, "isin", {"allowed_values": some})]
    if family == "notin":
        one = draw(st.booleans())
        said = ("not_equal_to", {"value": some[0]}) if one else ("notin", {"forbidden_values": some})
        return [constraint(column, *said)]
    if family == "other":
        chosen = draw(st.lists(st.sampled_from(sorted(PREDICATES)), min_size=1, max_size=2, unique=True))
        return [constraint(column, "", {}, name) for name in chosen]
    return []


def candidates(column: Column, constraints: list[Constraint]) -> Iterator[Any]:
    """Values of a column that its rules allow, null included where it may be."""
    if column.nullable:
        yield None
    yield from (value for value in _edges(column.dtype) if is_valid(value, column, constraints))


@cache
def _edges(dtype: pl.DataType) -> list[Any]:
    """The values that a type has itself."""
    return [edge for edge in EDGES if type(as_type(edge, dtype)) is type(edge)]


@st.composite
def columns(draw: st.DrawFn, name: str) -> tuple[Column, list[Constraint]]:
    """A column that some value can stand in, with its rules; a default holds under them."""
    dtype = draw(st.sampled_from(TYPES))
    nullable = draw(st.booleans())
    found = draw(rules(name, dtype))
    values = [v for v in candidates(Column(name, dtype, nullable=False), found) if v is not None]
    if not values:
        found = []
        values = list(candidates(Column(name, dtype, nullable=False), found))
    default = draw(st.none() | st.sampled_from(values))
    missing = default if default is not None else None
    settled = [replace(r, passes_missing=missing is None or holds(r, missing)) for r in found]
    return Column(name, dtype, nullable, default), settled


def document(made: list[tuple[Column, list[Constraint]]]) -> Document:
    return Document("t", tuple(c for c, _ in made), tuple(r for _, found in made for r in found))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    return document([draw(columns(name)) for name in names])


def _family(found: list[Constraint]) -> str:
    kind = found[0].kind
    return {"isin": "isin", "notin": "notin", "not_equal_to": "notin", "": "other"}.get(kind, "range")


@st.composite
def changed(draw: st.DrawFn, old: Document) -> Document:
    """A schema that differs in one thing, so that nothing else can make up for it."""
    made = [(column, rules_of(old, column.name)) for column in old.columns]
    at = draw(st.integers(0, len(made) - 1))
    column, found = made[at]
    other, _ = draw(columns(column.name))
    spare = next(name for name in (*NAMES, "e") if name not in old.by_name)
    added, added_found = draw(columns(spare))
    renamed = replace(column, name=spare, aliases=(column.name,))
    # Rules of two families are never compared: one cannot know that what is odd is not 0.
    again = draw(rules(column.name, column.dtype, ["none", _family(found)] if found else FAMILIES))
    settled = [replace(r, passes_missing=column.default is None or holds(r, column.default)) for r in again]
    plain = replace(column, default=None)
    return draw(
        st.sampled_from(
            [
                document([*made, (added, added_found)]),
                document(made[:at] + made[at + 1 :]),
                document([*made[:at], (renamed, [replace(r, column=spare) for r in found]), *made[at + 1 :]]),
                document([*made[:at], (replace(column, nullable=not column.nullable), found), *made[at + 1 :]]),
                document([*made[:at], (column, settled), *made[at + 1 :]]),
                # Rules would hide what a type allows, and a default what it lacks.
                document([*made[:at], (replace(plain, dtype=other.dtype), []), *made[at + 1 :]]),
            ]
        )
    )
