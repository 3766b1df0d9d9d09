"""What a schema says of one value, in one normal form: references followed, parts merged, null told apart."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Refuse = Callable[[str, str, str], None]
"""Takes a problem: its JSON pointer, what is wrong, and what to do."""
Number = int | float | Decimal

SAID = "json_schema"
"""Under which key a check, and a column's metadata, say what they are in JSON Schema."""
LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems")
MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


@dataclass(frozen=True)
class Node:
    """One schema. `types`: None stands for any; `values`: what `enum` and `const` allow, None for anything.

    `places` says where each keyword is written: behind a `$ref` that is another place than `pointer`. `is_lost`: it
    could not be read, which has been said.
    """

    pointer: str
    types: frozenset[str] | None = None
    values: tuple[Any, ...] | None = None
    forbidden: tuple[Any, ...] = ()
    limits: Mapping[str, Number] = field(default_factory=dict)
    multiple: Decimal | None = None
    patterns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    is_unique: bool = False
    items: Node | None = None
    properties: Mapping[str, Node] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    is_closed: bool = False
    default: Any = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    is_lost: bool = False

    @property
    def is_nullable(self) -> bool:
        """Whether null is among the values."""
        return (self.types is None or "null" in self.types) and (self.values is None or None in self.values)

    @property
    def kinds(self) -> list[str]:
        """The types of the values that are not null; whole numbers are numbers."""
        found = (self.types or frozenset()) - {"null"}
        return sorted(found - {"integer"} if "number" in found else found)

    def place(self, keyword: str) -> str:
        """Where a keyword is written."""
        return self.places.get(keyword, f"{self.pointer}/{keyword}")


def decimal(value: Number) -> Decimal:
    """A JSON number as it is written: 0.1 is a tenth.

    >>> decimal(0.1)
    Decimal('0.1')
    """
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def places_of(value: Decimal) -> int:
    """How many decimal places a number has, zeros at the end left out.

    >>> places_of(Decimal("0.050")), places_of(Decimal("1E+2"))
    (2, 0)
    """
    return max(0, -int(value.normalize().as_tuple().exponent))


def type_of_value(value: Any) -> str:
    """The JSON type of a parsed value; a number without decimals is an integer."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float, Decimal)):
        return "integer" if value == int(value) else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal in JSON: 1 and 1.0 are, 1 and true are not."""
    return type_of_value(one) == type_of_value(other) and bool(one == other)


def as_json(value: Any) -> str:
    """A value as it is written in JSON."""
    return json.dumps(value, ensure_ascii=False, default=str)


def as_number(value: Decimal) -> int | float:
    """A decimal as JSON has it: a whole number, or the float that is written like it."""
    return int(value) if value == int(value) else float(value)


def is_number(value: Any) -> bool:
    """Whether a parsed value is a finite JSON number.

    >>> is_number(1.5), is_number(True), is_number(float("inf"))
    (True, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return False
    return isinstance(value, int) or math.isfinite(value)
