"""What the built-in checks of one column allow together, so that two schemas' can be held against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.registry.values import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from framework.registry.document import Constraint

Bound = tuple[Any, bool]
"""A value, and whether it is allowed itself."""


@dataclass(frozen=True)
class Range:
    """From a lower to an upper bound; None: there is none. Whole numbers are kept with bounds that are allowed."""

    low: Bound | None = None
    high: Bound | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no value lies in it."""
        if self.low is None or self.high is None:
            return False
        return bool(self.low[0] > self.high[0]) or (self.low[0] == self.high[0] and not (self.low[1] and self.high[1]))

    def within(self, other: Range) -> bool:
        """Whether everything that is allowed here is allowed there."""
        return self.is_empty or (
            _reaches(other.low, self.low, lambda a, b: a < b) and _reaches(other.high, self.high, lambda a, b: a > b)
        )

    def __str__(self) -> str:
        if self.low and self.low == self.high:
            return f"= {told(self.low[0])}"
        words = [
            f"{sign}{'=' * bound[1]} {told(bound[0])}"
            for sign, bound in ((">", self.low), ("<", self.high))
            if bound is not None
        ]
        return " and ".join(words)


def _reaches(outer: Bound | None, inner: Bound | None, is_beyond: Callable[[Any, Any], bool]) -> bool:
    """Whether an outer bound lies where the inner one does, or beyond."""
    if outer is None or inner is None:
        return outer is None
    if outer[0] == inner[0]:
        return outer[1] or not inner[1]
    return is_beyond(outer[0], inner[0])


@dataclass(frozen=True)
class OneOf:
    """Nothing but these values."""

    values: tuple[Any, ...]

    def within(self, other: OneOf) -> bool:
        """Whether everything that is allowed here is allowed there."""
        return all(value in other.values for value in self.values)

    def __str__(self) -> str:
        return f"one of {told(list(self.values))}"


@dataclass(frozen=True)
class NoneOf:
    """Anything but these values."""

    values: tuple[Any, ...]

    def within(self, other: NoneOf) -> bool:
        """Whether everything that is allowed here is allowed there."""
        return all(value in self.values for value in other.values)

    def __str__(self) -> str:
        return f"none of {told(list(self.values))}"


@dataclass(frozen=True)
class Rules:
    """Rules that can only be told from others, with what each of them says."""

    said: dict[tuple[str, ...], str]

    def within(self, other: Rules) -> bool:
        """Whether everything that is allowed here is allowed there."""
        return other.said.keys() <= self.said.keys()

    def __str__(self) -> str:
        return " and ".join(f"'{message}'" for message in self.said.values())


Allowed = Range | OneOf | NoneOf | Rules


def allows_nothing(families: Iterable[Allowed]) -> bool:
    """Whether some family leaves no value at all, so that what the others allow does not matter. Nulls pass all."""
    try:
        return any(one.is_empty if isinstance(one, Range) else one == OneOf(()) for one in families)
    except TypeError:  # a date against a time, say: values that cannot be compared
        return False


def allowed(constraints: Iterable[Constraint], *, is_whole: bool) -> dict[tuple[str, ...], Allowed]:
    """What constraints of one column allow, by family: values, their order, their length, and each rule that is alone.

    Args:
        constraints: Those of one column.
        is_whole: The column holds whole numbers: `> 0` is `>= 1`.
    """
    found: dict[tuple[str, ...], Allowed] = {}
    for one in constraints:
        family, what = _read(one, is_whole=is_whole)
        there = found.get(family)
        found[family] = what if there is None else _both(there, what)
    return found


def _read(one: Constraint, *, is_whole: bool) -> tuple[tuple[str, ...], Allowed]:
    values = one.values
    if one.kind in _RANGES:
        return ("range",), _settled(_RANGES[one.kind](values), is_whole=is_whole)
    if one.kind == "str_length":
        exact = values.get("exact_value")
        low, high = (exact, exact) if exact is not None else (values.get("min_value"), values.get("max_value"))
        return ("length",), Range(_at(low), _at(high))
    if one.kind == "isin":
        return ("isin",), OneOf(tuple(values["allowed_values"]))
    if one.kind in {"notin", "not_equal_to"}:
        return ("notin",), NoneOf(tuple(values.get("forbidden_values", [values.get("value")])))
    identity = (one.kind, repr(sorted(values.items()))) if one.kind else (one.expression or one.name,)
    return ("rule", one.kind or one.name), Rules({identity: one.message or one.name})


_RANGES: dict[str, Callable[[dict[str, Any]], Range]] = {
    "greater_than": lambda v: Range(low=(v["min_value"], False)),
    "greater_than_or_equal_to": lambda v: Range(low=(v["min_value"], True)),
    "less_than": lambda v: Range(high=(v["max_value"], False)),
    "less_than_or_equal_to": lambda v: Range(high=(v["max_value"], True)),
    "equal_to": lambda v: Range((v["value"], True), (v["value"], True)),
    "in_range": lambda v: Range(
        (v["min_value"], v.get("include_min", True)), (v["max_value"], v.get("include_max", True))
    ),
}


def _at(value: Any) -> Bound | None:
    return None if value is None else (value, True)


def _settled(found: Range, *, is_whole: bool) -> Range:
    """Bounds that whole numbers cannot have themselves, moved to the next one that they can."""
    if not is_whole:
        return found
    low, high = found.low, found.high
    if low and not low[1] and isinstance(low[0], int):
        low = (low[0] + 1, True)
    if high and not high[1] and isinstance(high[0], int):
        high = (high[0] - 1, True)
    return Range(low, high)


def _both(first: Allowed, second: Allowed) -> Allowed:
    """What both allow."""
    if isinstance(first, Range) and isinstance(second, Range):
        return Range(
            first.low if _reaches(second.low, first.low, lambda a, b: a < b) else second.low,
            first.high if _reaches(second.high, first.high, lambda a, b: a > b) else second.high,
        )
    if isinstance(first, OneOf) and isinstance(second, OneOf):
        return OneOf(tuple(value for value in first.values if value in second.values))
    if isinstance(first, NoneOf) and isinstance(second, NoneOf):
        return NoneOf((*first.values, *second.values))
    if isinstance(first, Rules) and isinstance(second, Rules):
        return Rules({**first.said, **second.said})
    raise TypeError(f"{first} and {second} are of one family")  # a family has one class
