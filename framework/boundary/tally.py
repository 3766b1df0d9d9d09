"""The counts of a boundary, with a few examples of what breaks each rule, but no value of a sensitive column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framework.boundary.partitions import Partitions, Share
from framework.errors import MAX_EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
        return _placed(self.values, place if self.file else f"row {self.line}")  # a frame has rows, and no file


@dataclass(frozen=True)
class StepExample:
    """A row of a step that breaks a rule: the values that the rule looks at, and the key that tells which row it is."""

    values: dict[str, str]
    key: dict[str, str]

    def __str__(self) -> str:
        own = {name: value for name, value in self.key.items() if name not in self.values}
        return _placed(self.values, ", ".join(f"{name}={value}" for name, value in own.items()))


def _placed(values: Mapping[str, str], place: str) -> str:
    if len(values) == 1:
        told = next(iter(values.values()))
    else:
        told = ", ".join(f"{name}={value}" for name, value in values.items())
    return f"{told} ({place})" if told and place else told or place


@dataclass
class Broken:
    """How often a rule is broken: by refused rows, and, where it lets rows pass, by all rows (`warned`)."""

    rule: Rule
    refused: int = 0
    warned: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def let_pass(self) -> int:
        """How many accepted rows break it."""
        return max(0, self.warned - self.refused)

    @property
    def wanted(self) -> int:
        """How many examples there is still room for."""
        return MAX_EXAMPLES - len(self.examples)


class Tally:
    """The counts of a boundary.

    `rows_in` = `accepted` + `refused` + `blank`; `waiting` of the refused break nothing but foreign keys. `broken`
    counts per reason over the refused, `warnings` over all rows. `by_rule` has the same by rule, with examples;
    `by_column` counts the refused rows that break anything of a column. `partitions` counts within the values of
    columns, for the `shares` that are asked for. `filled` counts the cells of accepted rows that a fallback filled, by
    column and by what filled them; `rows_filled` the accepted rows with any.
    """

    def __init__(self, shares: Iterable[Share] = ()) -> None:
        self.rows_in = 0
        self.accepted = 0
        self.refused = 0
        self.waiting = 0
        self.blank = 0
        self.broken: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.by_rule: dict[tuple[str | None, str, str], Broken] = {}
        self.by_column: Counter[str | None] = Counter()
        self.partitions = Partitions(shares)
        self.filled: Counter[tuple[str, str]] = Counter()
        self.rows_filled = 0

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
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
