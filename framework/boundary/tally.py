"""The counts of a boundary, with a few examples of what breaks each rule, but no value of a sensitive column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framework.errors import MAX_EXAMPLES

if TYPE_CHECKING:
    from framework.boundary.rule import Rule

MASK = "***"
LONGEST_VALUE = 60


@dataclass(frozen=True)
class Example:
    """A row that breaks a rule: where it stood, and the raw values that the rule looks at."""

    file: str
    line: int | None
    values: dict[str, str]

    def __str__(self) -> str:
        place = f"{self.file} line {self.line}" if self.line is not None else self.file
        if len(self.values) == 1:
            return f"{next(iter(self.values.values()))} ({place})"
        told = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"{told} ({place})" if told else place


@dataclass
class Broken:
    """How often a rule is broken by refused rows, and by rows that are accepted with a warning."""

    rule: Rule
    refused: int = 0
    warned: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def wanted(self) -> int:
        """How many examples there is still room for."""
        return MAX_EXAMPLES - len(self.examples)


class Tally:
    """The counts of a boundary.

    `rows_in` = `accepted` + `refused` + `blank`; `waiting` of the refused break nothing but foreign keys. `broken`
    counts per reason over the refused, `warnings` over all rows. `by_rule` has the same by rule, with examples;
    `by_column` counts the refused rows that break anything of a column.
    """

    def __init__(self) -> None:
        self.rows_in = 0
        self.accepted = 0
        self.refused = 0
        self.waiting = 0
        self.blank = 0
        self.broken: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.by_rule: dict[tuple[str | None, str, str], Broken] = {}
        self.by_column: Counter[str | None] = Counter()

    def of(self, rule: Rule) -> Broken:
        """The counts of one rule."""
        return self.by_rule.setdefault((rule.column, rule.name, rule.message), Broken(rule))


def shown(value: Any, *, is_sensitive: bool) -> str:
    """A value as a message may show it.

    >>> shown("a@b.de", is_sensitive=True), shown("x", is_sensitive=False), shown(None, is_sensitive=True)
    ('***', "'x'", 'nothing')
    """
    if value is None:
        return "nothing"
    if is_sensitive:
        return MASK
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
