"""What it means to read rows of one schema as another, in plain Python: values, one at a time, no Polars.

This is the definition that the classes of changes are held against. It knows nothing of them.
"""

from __future__ import annotations

import struct
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from framework.registry import Column, Constraint, Document

MISSING = object()
UNREADABLE = object()
PREDICATES = {"twos": lambda v: v % 2 == 0, "threes": lambda v: v % 3 == 0, "fives": lambda v: v % 5 == 0}
"""Rules of no known kind, by the expression that tells them apart."""


def as_type(value: Any, dtype: pl.DataType) -> Any:  # noqa: PLR0911 - one per kind of value
    """Give the value as one of a type, meaning the same; `UNREADABLE` when the type does not have it."""
    if dtype == pl.Boolean or isinstance(value, bool):
        return value if dtype == pl.Boolean and isinstance(value, bool) else UNREADABLE
    if dtype.is_numeric() and isinstance(value, int | float | Decimal):
        return _number(value, dtype)
    if dtype == pl.String and isinstance(value, str):
        return value
    if dtype == pl.Date and isinstance(value, date):
        if not isinstance(value, datetime):
            return value
        return value.date() if value.time() == time() and value.tzinfo is None else UNREADABLE
    if isinstance(dtype, pl.Datetime) and isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime.combine(value, time())
        return moment if (moment.tzinfo is None) == (dtype.time_zone is None) else UNREADABLE
    return UNREADABLE


def _number(value: Any, dtype: pl.DataType) -> Any:
    exact = Decimal(value)
    if dtype.is_integer():
        bits = int("".join(c for c in str(dtype) if c.isdigit()))
        low, high = (0, 2**bits - 1) if str(dtype).startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return int(exact) if exact == int(exact) and low <= exact <= high else UNREADABLE
    if isinstance(dtype, pl.Decimal):
        if isinstance(value, float):
            return UNREADABLE  # the next float to 0.1 is not 0.1
        digits = exact.as_tuple()
        scale = max(-digits.exponent, 0)
        return exact if scale <= dtype.scale and abs(exact) < 10 ** (dtype.precision - dtype.scale) else UNREADABLE
    if isinstance(value, Decimal):
        return UNREADABLE
    held = float(value) if dtype == pl.Float64 else struct.unpack("f", struct.pack("f", value))[0]
    return held if Decimal(held) == exact else UNREADABLE


def is_valid(value: Any, column: Column, constraints: list[Constraint]) -> bool:
    """Whether a typed value may stand in a column."""
    if value is None:
        return column.nullable
    return all(holds(rule, value) for rule in constraints)


def holds(rule: Constraint, value: Any) -> bool:
    """Whether a value, which is not null, holds under a rule."""
    asked = rule.values
    answers = {
        "greater_than": lambda: value > asked["min_value"],
        "greater_than_or_equal_to": lambda: value >= asked["min_value"],
        "less_than": lambda: value < asked["max_value"],
        "less_than_or_equal_to": lambda: value <= asked["max_value"],
        "equal_to": lambda: value == asked["value"],
        "not_equal_to": lambda: value != asked["value"],
        "isin": lambda: value in asked["allowed_values"],
        "notin": lambda: value not in asked["forbidden_values"],
        "in_range": lambda: (
            (value > asked["min_value"] or (asked["include_min"] and value == asked["min_value"]))
            and (value < asked["max_value"] or (asked["include_max"] and value == asked["max_value"]))
        ),
        "str_length": lambda: (
            (asked["min_value"] is None or len(value) >= asked["min_value"])
            and (asked["max_value"] is None or len(value) <= asked["max_value"])
        ),
        "": lambda: PREDICATES[rule.expression](value),
    }
    return answers[rule.kind]()


def rules_of(document: Document, column: str) -> list[Constraint]:
    return [rule for rule in document.constraints if rule.column == column and rule.severity == "error"]


def read_column(row: dict[str, Any], column: Column, own_names: set[str]) -> Any:
    """Read one column of a row: by name, by an older name, else its default or null."""
    called = [column.name, *(alias for alias in column.aliases if alias not in own_names)]
    value = next((row[name] for name in called if name in row), MISSING)
    typed = value if value is MISSING or value is None else as_type(value, column.dtype)
    if typed is MISSING or (typed is None and not column.nullable):
        return column.default
    return typed


def breaks(row: dict[str, Any], document: Document) -> list[str]:
    """The columns of a schema as which a row cannot be read."""
    own = set(document.by_name)
    found = []
    for column in document.columns:
        value = read_column(row, column, own)
        if value is UNREADABLE or not is_valid(value, column, rules_of(document, column.name)):
            found.append(column.name)
    return found
