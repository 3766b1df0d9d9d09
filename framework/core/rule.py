"""Business rules as values: what a rule asks, and what is agreed on it: words, owner, severity, budget, examples."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from framework.core.budget import limits_of
from framework.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from framework.core.budget import Limit, Limits

Row = Mapping[str, Any]
Example = Row | Sequence[Row] | Mapping[str, Sequence[Row]]
"""A row; rows, for a rule that looks at many; or rows by source or step, for a rule across tables."""
Over = Literal["tables", "run"]
OVER: tuple[Over, ...] = ("tables", "run")
SEVERITIES = ("error", "warning")
NAME = re.compile(r"[a-z][a-z0-9_]*")
PERCENT = re.compile(r"\s*(\S+?)\s*%\s*")


@dataclass(frozen=True)
class Terms:
    """What is agreed on a rule besides what it asks.

    `budget`: as its author wrote it. `holds`, `breaks`: examples for which the rule must hold, or be broken.
    """

    owner: str | None = None
    budget: Limits | None = None
    holds: tuple[Example, ...] = field(default=(), hash=False)
    breaks: tuple[Example, ...] = field(default=(), hash=False)

    def limits(self, on: str) -> tuple[Limit, ...]:
        """The budget as limits on the rule that is called `on`."""
        return tuple(replace(limit, on=on) for limit in limits_of(self.budget))

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return len(self.holds) + len(self.breaks)


NO_TERMS = Terms()


@dataclass(frozen=True)
class BusinessRule:
    """A rule over the rows of one source or step. `expression`: true where it holds; as text it is SQL."""

    name: str
    expression: pl.Expr | str = field(hash=False, compare=False, repr=False)
    message: str
    severity: str = "error"
    description: str = ""
    terms: Terms = NO_TERMS


@dataclass(frozen=True)
class Side:
    """One side of an agreement: a source or step, and what is aggregated of its rows; as text it is SQL."""

    node: str
    value: pl.Expr | str = field(hash=False, compare=False, repr=False)
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Agreement:
    """A rule across tables: aggregates of two sources or steps agree, in all or for each value of some columns."""

    name: str
    left: Side
    right: Side
    within: str = "0"
    over: Over = "tables"
    message: str = ""
    severity: str = "error"
    description: str = ""
    terms: Terms = NO_TERMS

    @property
    def nodes(self) -> tuple[str, str]:
        """The sources and steps that it looks at."""
        return self.left.node, self.right.node


@dataclass(frozen=True)
class TableReference:
    """A rule across tables: the values that columns of `of` have are among those of `keys` of `to`."""

    name: str
    of: str
    columns: tuple[str, ...]
    to: str
    keys: tuple[str, ...]
    over: Over = "tables"
    message: str = ""
    severity: str = "error"
    description: str = ""
    terms: Terms = NO_TERMS

    @property
    def nodes(self) -> tuple[str, str]:
        """The sources and steps that it looks at."""
        return self.of, self.to


AcrossRule = Agreement | TableReference
AnyRule = BusinessRule | Agreement | TableReference


def term_mistakes(rule: AnyRule) -> Iterator[tuple[str, str]]:
    """Say what is wrong with the words, the severity, the budget and the examples of a rule, and what to do."""
    if not NAME.fullmatch(str(rule.name)):
        yield f"'{rule.name}' is no name of a rule", "lower case words with underscores, such as net_within_gross"
    if not str(rule.message).strip():
        yield "has an empty message", "say what a row that breaks it is told"
    if rule.terms.owner is not None and not str(rule.terms.owner).strip():
        yield "has an empty owner", "say who answers for it, or leave owner out"
    if rule.severity not in SEVERITIES:
        yield f"severity='{rule.severity}' is unknown", did_you_mean(str(rule.severity), SEVERITIES)
    if not all(limit.is_clear for limit in limits_of(rule.terms.budget)):
        yield f"its budget {rule.terms.budget!r} is no limit", "give a number of rows, or a share such as '0.1%'"
    for word, examples in (("holds", rule.terms.holds), ("breaks", rule.terms.breaks)):
        for number, example in enumerate(examples, 1):
            if not _is_example(example, across=not isinstance(rule, BusinessRule)):
                yield f"example {number} of {word} is {example!r}", _EXAMPLE[isinstance(rule, BusinessRule)]


_EXAMPLE = {
    True: "give a row as {column: value}, or a list of rows",
    False: "give rows by source or step: {node: [{column: value}, ...]}",
}


def _is_example(example: object, *, across: bool) -> bool:
    if across:
        return isinstance(example, Mapping) and all(_is_rows(rows) for rows in example.values())
    return isinstance(example, Mapping) or _is_rows(example)


def _is_rows(rows: object) -> bool:
    return isinstance(rows, Sequence) and not isinstance(rows, str) and all(isinstance(row, Mapping) for row in rows)


def read_tolerance(within: str) -> tuple[Decimal, bool] | None:
    """Read how far two values may be apart: a number, or percent (the second is true); None where it says nothing.

    >>> read_tolerance("0.01"), read_tolerance("0.5%"), read_tolerance("a bit")
    ((Decimal('0.01'), False), (Decimal('0.5'), True), None)
    """
    percent = PERCENT.fullmatch(within)
    try:
        found = Decimal(percent[1] if percent else within.strip())
    except InvalidOperation:
        return None
    return (found, percent is not None) if found.is_finite() and found >= 0 else None
