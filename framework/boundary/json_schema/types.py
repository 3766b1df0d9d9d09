"""The Polars type of a value that a schema describes, and what its column declares on how it is read."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.json_schema.keywords import MEANS
from framework.boundary.json_schema.node import Node, decimal, places_of
from framework.boundary.json_schema.texts import FORMATS, NAMES, times_of
from framework.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.boundary.json_schema.node import Refuse

LARGEST = 2**63 - 1
WIDEST = 2**127 - 1
DIGITS, MOST_DIGITS = 18, 38
MOST_PLACES = 37
SHORT_SCALE = 6
"""Up to so many decimal places, eighteen digits leave room for amounts."""
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def type_of(node: Node, refuse: Refuse) -> pl.DataType | None:
    """Give the type of a node's values; None when there is none, which has been said then."""
    if node.is_lost:
        return None
    kinds = node.kinds
    if len(kinds) != 1:
        _refuse_kinds(node, refuse)
        return None
    kind = kinds[0]
    _refuse_meaningless(node, kind, refuse)
    _refuse_values(node, kind, refuse)
    if kind == "array":
        return _list(node, refuse)
    if kind == "object":
        return _struct(node, refuse)
    if kind == "string":
        return _text(node, refuse)
    return pl.Boolean() if kind == "boolean" else _number(node, kind, refuse)


def _refuse_kinds(node: Node, refuse: Refuse) -> None:
    place = node.places.get("type", node.pointer)
    if node.types is None:
        refuse(node.pointer, "it does not say its type", f"give `type`: {', '.join(MEANS_ONE)}")
    elif not node.types:
        refuse(place, "no value has all the types that its parts ask for", "give one type")
    elif not node.kinds:
        refuse(place, "only null may be there", "leave it out, or give another type beside null")
    else:
        refuse(place, f"it may be of several types: {', '.join(node.kinds)}", "a column has one, and may be null")


MEANS_ONE = ("string", "integer", "number", "boolean", "array", "object")


def _refuse_meaningless(node: Node, kind: str, refuse: Refuse) -> None:
    for keyword, place in node.places.items():
        if keyword in MEANS and kind not in MEANS[keyword]:
            refuse(place, f"`{keyword}` says nothing of type {kind}", "drop it, or change the type")


def _refuse_values(node: Node, kind: str, refuse: Refuse) -> None:
    """Find values listed in `enum`, `const` or `not` that no column can be compared with."""
    listed = [value for value in (*(node.values or ()), *node.forbidden) if value is not None]
    place = node.place("const" if "const" in node.places else "enum" if "enum" in node.places else "not")
    if listed and kind in {"array", "object"}:
        refuse(place, f"values of type {kind} cannot be listed", "describe what is in them")
    elif node.values is not None and not [value for value in node.values if value is not None]:
        refuse(place, "no value is left", "list at least one of its type")


def _list(node: Node, refuse: Refuse) -> pl.DataType | None:
    if node.items is None:
        refuse(node.pointer, "the array does not say what is in it", "give `items`")
        return None
    inner = type_of(node.items, refuse)
    return pl.List(inner) if inner is not None else None


def _struct(node: Node, refuse: Refuse) -> pl.DataType | None:
    refuse_unknown_names(node, refuse)
    if not node.properties:
        refuse(node.pointer, "the object does not say what is in it", "give `properties`")
        return None
    fields = {name: type_of(child, refuse) for name, child in node.properties.items()}
    known = {name: dtype for name, dtype in fields.items() if dtype is not None}
    return pl.Struct(known) if len(known) == len(fields) else None


def refuse_unknown_names(node: Node, refuse: Refuse) -> None:
    """Find required names that no property has."""
    for name in node.required:
        if name not in node.properties:
            fix = did_you_mean(name, node.properties) or "describe it in `properties`"
            refuse(node.place("required"), f"'{name}' is required, and is no property", fix)


def _text(node: Node, refuse: Refuse) -> pl.DataType:
    unknown = [name for name in node.formats if name not in NAMES]
    for name in unknown:
        fix = did_you_mean(name, NAMES) if name.lower() not in {"", *NAMES} else did_you_mean(name.lower(), NAMES)
        refuse(node.place("format"), f"format '{name}' is not held", f"{fix}; or say it by `pattern`")
    times = times_of(node.formats, node.patterns)
    if times is None:
        if any(name in NAMES and name not in FORMATS for name in node.formats):
            what = f"format '{node.formats[0]}' makes it a time, of which no pattern or other format can be held"
            refuse(node.place("pattern" if node.patterns else "format"), what, "keep one of them")
        return pl.String()
    for keyword in ("minLength", "maxLength", "enum", "const", "not"):
        if keyword in node.places:
            refuse(node.place(keyword), f"`{keyword}` cannot be held of a time", "drop it, or the format")
    return times.dtype


def _number(node: Node, kind: str, refuse: Refuse) -> pl.DataType:
    places = places_of(node.multiple) if node.multiple is not None else 0
    if places > MOST_PLACES:
        refuse(node.place("multipleOf"), f"it has more than {MOST_PLACES} decimal places", "give fewer")
        return pl.Float64()
    said = [decimal(node.limits[keyword]) for keyword in BOUNDS if keyword in node.limits]
    said += [decimal(value) for value in node.values or () if kind in {"integer", "number"} and value is not None]
    largest = max((value.copy_abs() for value in said), default=Decimal(0))
    if largest > WIDEST:
        if kind == "integer" or node.multiple is not None:
            refuse(node.pointer, f"{largest:f} is more than a whole number can hold", "give a nearer limit")
        return pl.Float64()
    if kind == "integer" or (node.multiple is not None and places == 0):
        return pl.Int64() if largest <= LARGEST else pl.Int128()
    if node.multiple is None:
        return pl.Float64()
    is_short = places <= SHORT_SCALE and largest < 10 ** (DIGITS - places)
    return pl.Decimal(DIGITS if is_short else MOST_DIGITS, places)


def readings_of(node: Node, refuse: Refuse) -> dict[str, Any]:
    """Give what a column declares on how it is read, for everything that is within it.

    JSON has words for true and false, no NaN, and whole numbers that are written 7.0.
    """
    within = list(_within(node))
    kinds = {kind for inner in within for kind in inner.kinds}
    found: dict[str, Any] = {}
    if "boolean" in kinds:
        found.update(true_words=["true"], false_words=["false"])
    if any(_is_whole(inner) for inner in within):
        found["units"] = {"": 1}
    if any("number" in inner.kinds for inner in within):
        found["nan"] = "refuse"
    formats = _formats(node, within, refuse)
    if formats:
        found["formats"] = formats
    return found


def _is_whole(node: Node) -> bool:
    is_multiple = node.multiple is not None and not places_of(node.multiple)
    return "integer" in node.kinds or ("number" in node.kinds and is_multiple)


def _formats(node: Node, within: list[Node], refuse: Refuse) -> list[str]:
    """The formats of all times within a column, which shares them."""
    times = [found for inner in within if (found := times_of(inner.formats, inner.patterns)) is not None]
    declared = {found.formats for found in times if isinstance(found.dtype, pl.Date | pl.Datetime | pl.Time)}
    if len(declared) <= 1:
        return list(next(iter(declared), ()))
    refuse(node.pointer, "it holds dates, moments or times of day beside each other", "give each a property of its own")
    return []


def _within(node: Node) -> Iterator[Node]:
    yield node
    if node.items is not None:
        yield from _within(node.items)
    for child in node.properties.values():
        yield from _within(child)
