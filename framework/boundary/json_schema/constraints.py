"""What a schema asks of values beyond their type, as expressions: of a column, and of all that is within it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.json_schema.node import Node, as_json, as_number, decimal, places_of
from framework.boundary.json_schema.patterns import PatternError, to_rust
from framework.boundary.json_schema.texts import FORMATS
from framework.boundary.json_schema.types import type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.boundary.json_schema.node import Refuse

ITEM = "[]"
"""Stands for every item of a list in the path to a value."""
COMPARED = {
    "minimum": (">=", pl.Expr.ge),
    "exclusiveMinimum": (">", pl.Expr.gt),
    "maximum": ("<=", pl.Expr.le),
    "exclusiveMaximum": ("<", pl.Expr.lt),
}
SIZES = {"minLength": "characters", "maxLength": "characters", "minItems": "items", "maxItems": "items"}
SHOWN = 20
EXACT = 2**53
"""Whole numbers up to here are floats as well."""


@dataclass(frozen=True)
class Constraint:
    """One rule on a value: true where it holds, null where there is no value.

    `said`: what the schema says of the value, written there; `argument`: what it is compared with, in its type.
    `path`: how to get to the value from its column.
    """

    keyword: str
    argument: Any
    words: str
    holds: pl.Expr
    said: dict[str, Any]
    path: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """What a refused row says, such as `zip of every item must not be empty`."""
        return f"{told(self.path)} {self.words}" if self.path else self.words


def told(path: tuple[str, ...]) -> str:
    """Say in words which value within a column is meant.

    >>> told(("geo", "lat")), told(("lines", "[]", "sku"))
    ('geo.lat', 'sku of every item of lines')
    """
    parts: list[str] = []
    for step in reversed(path):
        if step == ITEM:
            parts.append("every item")
        elif parts and parts[-1] != "every item":
            parts[-1] = f"{step}.{parts[-1]}"
        else:
            parts.append(step)
    return " of ".join(parts)


def constraints(node: Node, value: pl.Expr, dtype: pl.DataType, refuse: Refuse) -> Iterator[Constraint]:
    """Give every rule of a node on a value of its type: its own, then those on what is within it."""
    yield from _listed(node, value, dtype, refuse)
    if dtype.is_numeric():
        yield from _of_number(node, value, dtype, refuse)
    elif dtype == pl.String:
        yield from _sized(node, value.str.len_chars(), ("minLength", "maxLength"))
        yield from _of_text(node, value, refuse)
    elif isinstance(dtype, pl.List):
        yield from _sized(node, value.list.len(), ("minItems", "maxItems"))
        yield from _of_items(node, value, refuse)
    elif isinstance(dtype, pl.Struct):
        yield from _of_fields(node, value, refuse)


def _listed(node: Node, value: pl.Expr, dtype: pl.DataType, refuse: Refuse) -> Iterator[Constraint]:
    if dtype.is_nested() or dtype.is_temporal():
        return
    if node.values is not None:
        listed = [one for one in node.values if one is not None]
        known = _in_type(listed, dtype)
        if listed and not known:
            refuse(node.place("enum"), f"none of its values is a {dtype}", "list values of its type")
        said = {"enum": list(node.values)} if None not in node.values else {"enum": [*listed, None]}
        words = f"must be {_some(listed)}" if len(listed) == 1 else f"must be one of {_some(listed)}"
        yield Constraint("enum", known, words, _is_in(value, known, dtype), said)
    forbidden = [one for one in node.forbidden if one is not None]
    if None in node.forbidden:
        yield Constraint("not", None, "must not be empty", value.is_not_null(), {"not": {"const": None}})
    if forbidden:
        known = _in_type(forbidden, dtype)
        words = f"must not be {_some(forbidden)}" if len(forbidden) == 1 else f"must be none of {_some(forbidden)}"
        yield Constraint("not", known, words, ~_is_in(value, known, dtype), {"not": {"enum": forbidden}})


def _some(values: list[Any]) -> str:
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(map(as_json, values[:SHOWN])) + more


def _in_type(values: list[Any], dtype: pl.DataType) -> list[Any]:
    """The values that a column of the type can have, in that type."""
    if dtype in {pl.String, pl.Boolean}:
        return [one for one in values if isinstance(one, str if dtype == pl.String else bool)]
    numbers = [decimal(one) for one in values if isinstance(one, (int, float, Decimal)) and not isinstance(one, bool)]
    if isinstance(dtype, pl.Decimal):
        return [one for one in numbers if places_of(one) <= dtype.scale]
    return [int(one) for one in numbers if one == int(one)] if dtype.is_integer() else [float(one) for one in numbers]


def _is_in(value: pl.Expr, listed: list[Any], dtype: pl.DataType) -> pl.Expr:
    return value.is_in(pl.Series(listed, dtype=dtype).implode())


def _of_number(node: Node, value: pl.Expr, dtype: pl.DataType, refuse: Refuse) -> Iterator[Constraint]:
    for keyword, (sign, compare) in COMPARED.items():
        if keyword in node.limits:
            limit = _limit(decimal(node.limits[keyword]), keyword, dtype)
            shown = as_number(decimal(node.limits[keyword]))
            holds = compare(value, pl.lit(limit))
            yield Constraint(keyword, limit, f"must be {sign} {shown}", holds, {keyword: shown})
    if node.multiple is not None:
        yield from _multiple(node, node.multiple, value, dtype, refuse)


def _limit(limit: Decimal, keyword: str, dtype: pl.DataType) -> Any:
    """A limit as it is compared with values of a type; for whole numbers, the next one that has the same effect."""
    if not dtype.is_integer():
        is_small = limit == int(limit) and abs(limit) <= EXACT
        return limit if isinstance(dtype, pl.Decimal) else int(limit) if is_small else float(limit)
    rounds_up = keyword in {"minimum", "exclusiveMaximum"}
    return math.ceil(limit) if rounds_up else math.floor(limit)


def _multiple(
    node: Node, multiple: Decimal, value: pl.Expr, dtype: pl.DataType, refuse: Refuse
) -> Iterator[Constraint]:
    scale = dtype.scale if isinstance(dtype, pl.Decimal) else 0
    # A whole number is a multiple of p/q, in lowest terms, where it is one of p.
    step = int(multiple.scaleb(scale)) if isinstance(dtype, pl.Decimal) else multiple.as_integer_ratio()[0]
    if step >= 2**63:
        refuse(node.place("multipleOf"), f"{multiple} is too large", "give a smaller one")
    elif step > 1:
        whole = value.to_physical() if scale or isinstance(dtype, pl.Decimal) else value
        words = f"must be a multiple of {multiple.normalize():f}"
        yield Constraint("multipleOf", multiple, words, whole % step == 0, {"multipleOf": as_number(multiple)})


def _sized(node: Node, size: pl.Expr, keywords: tuple[str, str]) -> Iterator[Constraint]:
    for keyword in keywords:
        if keyword not in node.limits:
            continue
        limit = int(node.limits[keyword])
        is_least = keyword.startswith("min")
        things = SIZES[keyword] if limit != 1 else SIZES[keyword].removesuffix("s")
        words = f"must have at {'least' if is_least else 'most'} {limit} {things}"
        yield Constraint(keyword, limit, words, size >= limit if is_least else size <= limit, {keyword: limit})


def _of_text(node: Node, value: pl.Expr, refuse: Refuse) -> Iterator[Constraint]:
    for pattern in node.patterns:
        try:
            bound = to_rust(pattern)
        except PatternError as error:
            fix = "say it in other words, or test it in a step"
            refuse(node.place("pattern"), f"pattern '{pattern}' cannot be held: {error}", fix)
            continue
        said = {"pattern": pattern}
        yield Constraint("pattern", bound, f"must match {pattern}", value.str.contains(bound), said)
    for name in node.formats:
        if name in FORMATS:
            shaped = FORMATS[name]
            holds = value.str.contains(shaped.pattern)
            yield Constraint("format", shaped.pattern, f"must be {shaped.words}", holds, {"format": name})


def _of_items(node: Node, value: pl.Expr, refuse: Refuse) -> Iterator[Constraint]:
    if node.is_unique:
        holds = value.list.n_unique() == value.list.len()
        yield Constraint("uniqueItems", None, "must not hold an item twice", holds, {"uniqueItems": True})
    inner = _inner(node.items, pl.element(), is_required=True, refuse=refuse) if node.items is not None else ()
    for one in inner:
        holds = value.list.eval(one.holds).list.all()
        yield replace(one, holds=holds, said={"items": one.said}, path=(ITEM, *one.path))


def _of_fields(node: Node, value: pl.Expr, refuse: Refuse) -> Iterator[Constraint]:
    for name, child in node.properties.items():
        field = value.struct.field(name)
        for one in _inner(child, field, is_required=name in node.required, refuse=refuse):
            said: dict[str, Any] = {"properties": {name: one.said}}
            if one.keyword == "required" and not one.path:
                said["required"] = [name]
            yield replace(one, holds=value.is_null() | one.holds, said=said, path=(name, *one.path))


def _inner(node: Node, value: pl.Expr, *, is_required: bool, refuse: Refuse) -> Iterator[Constraint]:
    """The rules on a value within another, the first of them that it is there."""
    dtype = type_of(node, _nothing)
    if dtype is None:
        return
    if is_required and not node.is_nullable:
        said = {"type": node.kinds[0] if node.kinds else "object"}
        yield Constraint("required", None, "must not be empty", value.is_not_null(), said)
    for one in constraints(node, value, dtype, refuse):
        is_open = one.keyword == "enum" and not one.path and not (is_required and not node.is_nullable)
        listed = one.said.get("enum", [])
        yield replace(one, said={"enum": [*listed, None]}) if is_open and None not in listed else one


def _nothing(_pointer: str, _what: str, _fix: str) -> None:
    """Problems of types have been reported when the column's type was made."""
