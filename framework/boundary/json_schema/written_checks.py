"""Checks as keywords of JSON Schema, where it can say them; the others are named."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.json_schema.node import LEAST, MOST, SAID, as_number, decimal, is_number, same
from framework.boundary.json_schema.patterns import PatternError, to_ecma
from framework.boundary.json_schema.texts import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandera import Check

    from framework.boundary.json_schema.written_types import Said

_BY_PATTERN = {shaped.pattern: name for name, shaped in FORMATS.items()}


def said_of_check(check: Check, dtype: pl.DataType, said: Said) -> Said | None:
    """Say in JSON Schema what a check asks of the values of a column; None: it has no words for that.

    Args:
        check: The check.
        dtype: The column's type.
        said: What has been said of the type.
    """
    statistics = check.statistics or {}
    if check.raise_warning:
        return None
    if check.registry_name is None:
        own = statistics.get(SAID)
        return own if isinstance(own, dict) else None
    name = str(check.registry_name)
    if name in _OF_TEXT:
        return _OF_TEXT[name](statistics) if dtype == pl.String else None
    if name in _LISTS:
        return _listed(name, statistics, dtype, said)
    is_compared = name in _OF_NUMBERS and dtype.is_numeric() and said["type"] != "string"
    return _compared(name, statistics) if is_compared else None


def refine(said: Said, more: Said) -> Said:
    """Give what holds where both hold; `more` says it of values that `said` already describes."""
    found = dict(said)
    for keyword, value in more.items():
        present = found.get(keyword)
        if present is None or keyword == "type":
            found[keyword] = value
        elif keyword in {*LEAST, *MOST}:
            found[keyword] = max(present, value) if keyword in LEAST else min(present, value)
        elif keyword == "properties":
            found[keyword] = {**present, **{name: refine(present.get(name, {}), one) for name, one in value.items()}}
        elif keyword == "items":
            found[keyword] = refine(present, value)
        elif keyword == "required":
            found[keyword] = list(dict.fromkeys([*present, *value]))
        elif keyword == "enum" and (both := [one for one in present if any(same(one, other) for other in value)]):
            found[keyword] = both
        elif keyword in {"enum", "not", "pattern"} and present != value:
            besides = [*value, None] if keyword == "enum" else value  # whether null is allowed is for `type` to say
            found["allOf"] = [*found.get("allOf", []), {keyword: besides}]
        else:
            found[keyword] = value
    return found


def _pattern(pattern: Any, *, anchored: bool) -> Said | None:
    text = str(getattr(pattern, "pattern", pattern))
    if text in _BY_PATTERN and not anchored:
        return {"format": _BY_PATTERN[text]}
    bare = text.removeprefix("^")
    bound = text if not anchored else f"^(?:{text})" if "|" in text else f"^{bare}"
    try:
        return {"pattern": to_ecma(bound)}
    except PatternError:
        return None


def _literal(text: str) -> str:
    return re.sub(r"([\^$\\.*+?()\[\]{}|/])", r"\\\1", text)


def _length(statistics: dict[str, Any]) -> Said:
    exact = statistics.get("exact_value")
    least = exact if exact is not None else statistics.get("min_value")
    most = exact if exact is not None else statistics.get("max_value")
    said = {"minLength": least, "maxLength": most}
    return {keyword: limit for keyword, limit in said.items() if limit is not None}


_OF_TEXT: dict[str, Callable[[dict[str, Any]], Said | None]] = {
    "str_matches": lambda s: _pattern(s["pattern"], anchored=True),
    "str_contains": lambda s: _pattern(s["pattern"], anchored=False),
    "str_startswith": lambda s: {"pattern": f"^{_literal(s['string'])}"},
    "str_endswith": lambda s: {"pattern": f"{_literal(s['string'])}$"},
    "str_length": _length,
}
_LISTS = {"isin": "allowed_values", "notin": "forbidden_values", "equal_to": "value", "not_equal_to": "value"}
_OF_NUMBERS = {
    "greater_than": ("exclusiveMinimum", "min_value"),
    "greater_than_or_equal_to": ("minimum", "min_value"),
    "less_than": ("exclusiveMaximum", "max_value"),
    "less_than_or_equal_to": ("maximum", "max_value"),
    "in_range": ("", ""),
}


def _listed(name: str, statistics: dict[str, Any], dtype: pl.DataType, said: Said) -> Said | None:
    given = statistics[_LISTS[name]]
    values = list(given) if name in {"isin", "notin"} else [given]
    if isinstance(given, set | frozenset):
        values = sorted(values, key=str)
    known = [_json_value(value, dtype) for value in values]
    is_other = said["type"] == "string" and not isinstance(dtype, pl.String | pl.Enum | pl.Categorical)
    if not known or None in known or is_other:
        return None
    return {"enum": known} if name in {"isin", "equal_to"} else {"not": {"enum": known}}


def _compared(name: str, statistics: dict[str, Any]) -> Said | None:
    if name != "in_range":
        keyword, key = _OF_NUMBERS[name]
        limit = _json_number(statistics[key])
        return None if limit is None else {keyword: limit}
    least, most = _json_number(statistics["min_value"]), _json_number(statistics["max_value"])
    if least is None or most is None:
        return None
    lower = "minimum" if statistics["include_min"] else "exclusiveMinimum"
    upper = "maximum" if statistics["include_max"] else "exclusiveMaximum"
    return {lower: least, upper: most}


def _json_value(value: Any, dtype: pl.DataType) -> Any:
    """A value of a column's type in JSON; None when it has none there."""
    if isinstance(value, str):
        return value if isinstance(dtype, pl.String | pl.Enum | pl.Categorical) else None
    if isinstance(value, bool):
        return value if dtype == pl.Boolean else None
    return _json_number(value) if dtype.is_numeric() else None


def _json_number(value: Any) -> int | float | None:
    """A number in JSON; None when it has none that is exactly it."""
    if not is_number(value):
        return None
    found = as_number(value) if isinstance(value, Decimal) else value
    return found if decimal(found) == decimal(value) else None
