"""Two schemas that must both hold, as one: the parts of `allOf`, and what stands beside a `$ref`."""

from __future__ import annotations

from dataclasses import replace
from math import lcm
from typing import TYPE_CHECKING, Any

from framework.boundary.json_schema.node import LEAST, Node, places_of, same

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from framework.boundary.json_schema.node import Number, Refuse


def merge(outer: Node, inner: Node, refuse: Refuse) -> Node:
    """Give the schema that holds where both do; notes and the default of the outer one win."""
    _refuse_closed(outer, inner, refuse)
    _refuse_closed(inner, outer, refuse)
    return Node(
        pointer=outer.pointer,
        types=_both(outer.types, inner.types),
        values=_common(outer.values, inner.values),
        forbidden=(*outer.forbidden, *inner.forbidden),
        limits=_tightest(outer.limits, inner.limits),
        multiple=_multiple(outer.multiple, inner.multiple),
        patterns=tuple(dict.fromkeys((*outer.patterns, *inner.patterns))),
        formats=tuple(dict.fromkeys((*outer.formats, *inner.formats))),
        is_unique=outer.is_unique or inner.is_unique,
        items=_either(outer.items, inner.items, refuse),
        properties={
            name: merged
            for name in dict.fromkeys((*inner.properties, *outer.properties))
            if (merged := _either(outer.properties.get(name), inner.properties.get(name), refuse)) is not None
        },
        required=tuple(dict.fromkeys((*outer.required, *inner.required))),
        is_closed=outer.is_closed or inner.is_closed,
        default=outer.default if outer.default is not None else inner.default,
        notes={**inner.notes, **outer.notes},
        places={**inner.places, **outer.places},
        is_lost=outer.is_lost or inner.is_lost,
    )


def or_null(node: Node) -> Node:
    """Give a schema that null satisfies as well: `anyOf` of it and null."""
    types = node.types | {"null"} if node.types is not None else None
    values = (*node.values, None) if node.values is not None and None not in node.values else node.values
    return replace(node, types=types, values=values)


def _refuse_closed(closed: Node, other: Node, refuse: Refuse) -> None:
    """A part that allows only its own properties forbids those of the others."""
    beyond = [name for name in other.properties if name not in closed.properties]
    if closed.is_closed and beyond:
        what = f"it forbids {', '.join(beyond)}, which another part of the same schema describes"
        refuse(closed.place("additionalProperties"), what, "say it in the schema that lists all properties")


def _either(outer: Node | None, inner: Node | None, refuse: Refuse) -> Node | None:
    return merge(outer, inner, refuse) if outer is not None and inner is not None else outer or inner


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _common(one: tuple[Any, ...] | None, other: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(value for value in one if any(same(value, allowed) for allowed in other))


def _tightest(one: Mapping[str, Number], other: Mapping[str, Number]) -> dict[str, Number]:
    found = dict(one)
    for keyword, limit in other.items():
        tighter = max if keyword in LEAST else min
        found[keyword] = tighter(found[keyword], limit) if keyword in found else limit
    return found


def _multiple(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """The number of which every multiple is one of both."""
    if one is None or other is None:
        return other if one is None else one
    places = max(places_of(one), places_of(other))
    whole = lcm(int(one.scaleb(places)), int(other.scaleb(places)))
    return type(one)(whole).scaleb(-places)
