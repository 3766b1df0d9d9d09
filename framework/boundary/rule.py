"""What a rule is: a sentence over one row or a window of rows, with what to say where it is broken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from framework.core.rule import NO_TERMS, Terms

if TYPE_CHECKING:
    from collections.abc import Container

    import polars as pl

    from framework.core.budget import Limit

Severity = Literal["error", "warning", "waiting"]
Failure = Literal["parse", "cast", "rule", "reference", "udf", "file"]
"""What stopped a row: its line, the type of a value, a rule, an unknown reference, a step's function; or its file."""


@dataclass(frozen=True)
class Rule:
    """One rule: an expression that is true where it holds, and what to say where it does not.

    `keys`: the columns over which a uniqueness rule counts; empty for other rules. `kind` and `values`: the built-in
    check that it stands for and what it asks for; empty for other rules. `failure`: what a row that breaks it is filed
    under in quarantine. `description`: why it is there. `terms`: its owner, budget and examples.
    """

    name: str
    column: str | None
    holds: pl.Expr
    message: str
    severity: Severity = "error"
    is_window: bool = False
    keys: tuple[str, ...] = ()
    kind: str = ""
    values: dict[str, Any] = field(default_factory=dict, hash=False)
    failure: Failure = "rule"
    description: str = ""
    terms: Terms = NO_TERMS

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The budget that the rule has of its own."""
        return self.terms.limits(self.key)

    @property
    def key(self) -> str:
        """What a budget calls it, such as `quantity.greater_than`."""
        return rule_key(self.column, self.name)

    @property
    def reason(self) -> str:
        """What a quarantined row carries, such as `quantity: must be > 0`."""
        return f"{self.column}: {self.message}" if self.column else self.message


def total(holds: pl.Expr) -> pl.Expr:
    """A rule that has no answer for a row (a null in it) holds."""
    return holds.fill_null(value=True)


def rule_key(column: str | None, name: str) -> str:
    """What a budget calls a rule.

    >>> rule_key("quantity", "greater_than"), rule_key(None, "ends_after_start")
    ('quantity.greater_than', 'ends_after_start')
    """
    return f"{column}.{name}" if column else name


def looks_at(rule: Rule, columns: Container[str]) -> list[str]:
    """The columns, of those that a schema has, whose values say why a row breaks a rule."""
    if rule.column is not None:
        return [rule.column]
    names = dict.fromkeys(rule.keys or rule.holds.meta.root_names())
    return [name for name in names if name in columns]
