"""What became of a rule across tables: whether it holds, and the first groups or values for which it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.boundary.across.agreement import DIFFERENCE, FOUND, GROUPS, IN_LEFT, IN_RIGHT, LEFT, RIGHT, differing
from framework.boundary.across.reference import BROKEN, ROWS, TOTAL, VALUES, unknown_rows
from framework.boundary.tally import shown
from framework.errors import MAX_EXAMPLES, MAX_GROUPS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import polars as pl

    from framework.boundary.dataset.quantiles import Ask
    from framework.core.rule import AcrossRule, Agreement, TableReference


@dataclass(frozen=True)
class Judged:
    """A rule across tables, judged. `lines`: what does not hold, counts first; empty where all does.

    `is_allowed`: that what does not hold is within the rule's budget.
    """

    rule: AcrossRule
    lines: tuple[str, ...] = ()
    is_allowed: bool = False

    @property
    def holds(self) -> bool:
        """Whether it holds throughout."""
        return not self.lines

    @property
    def fails(self) -> bool:
        """Whether the run must not be published: one with a budget is broken beyond that, whatever its severity."""
        if self.holds or self.is_allowed:
            return False
        return self.rule.severity == "error" or self.rule.terms.budget is not None


def judge_agreement(
    rule: Agreement, left: pl.LazyFrame, right: pl.LazyFrame, ask: Ask, hidden: Collection[str] = ()
) -> Judged:
    """Hold two sides against each other.

    Args:
        rule: The agreement.
        left: What `side_value` gave of the left side.
        right: What it gave of the right side.
        ask: Runs the plan.
        hidden: The columns whose values no message may show; `""` stands for both aggregates.
    """
    found = ask(differing(rule, left, right).head(MAX_GROUPS))
    return Judged(rule, tuple(_groups(rule, found, hidden)) if found.height else ())


def judge_reference(
    rule: TableReference, values: pl.LazyFrame, known: pl.LazyFrame, ask: Ask, hidden: Collection[str] = ()
) -> Judged:
    """Hold values against those that are known; arguments as of `unknown_rows` and `judge_agreement`."""
    found = ask(unknown_rows(rule, values, known).head(MAX_EXAMPLES))
    if not found.height:
        return Judged(rule)
    total, broken = found[TOTAL][0], found[BROKEN][0]
    limits = rule.terms.limits(rule.name)
    allowed = bool(limits) and all(limit.allows(broken, total) for limit in limits)
    return Judged(rule, tuple(_values(rule, found, hidden)), is_allowed=allowed)


def _groups(rule: Agreement, found: pl.DataFrame, hidden: Collection[str]) -> Iterator[str]:
    count, groups = found[FOUND][0], found[GROUPS][0]
    within = f" within {rule.within}" if rule.within != "0" else ""
    if rule.left.by:
        noun = "1 group" if groups == 1 else f"{groups:,} groups"
        yield f"{count:,} of {noun} {'does' if count == 1 else 'do'} not agree{within}:"
    else:
        yield f"the two do not agree{within}:"
    for row in found.iter_rows(named=True):
        place = _told(row, rule.left.by, hidden)
        yield f"  {place + ': ' if place else ''}{_sides(rule, row, is_hidden='' in hidden)}"
    if count > found.height:
        yield f"  and {count - found.height:,} more"


def _told(row: Mapping[str, Any], names: Collection[str], hidden: Collection[str]) -> str:
    return ", ".join(f"{name}={shown(row[name], is_sensitive=name in hidden)}" for name in names)


def _sides(rule: Agreement, row: Mapping[str, Any], *, is_hidden: bool) -> str:
    def side(node: str, column: str, mark: str) -> str:
        return f"{node} {shown(row[column], is_sensitive=is_hidden) if row[mark] else 'has no rows'}"

    told = f"{side(rule.left.node, LEFT, IN_LEFT)}, {side(rule.right.node, RIGHT, IN_RIGHT)}"
    apart = row[DIFFERENCE]
    is_told = apart is not None and row[IN_LEFT] and row[IN_RIGHT] and not is_hidden
    return f"{told}, difference {apart}" if is_told else told


def _values(rule: TableReference, found: pl.DataFrame, hidden: Collection[str]) -> Iterator[str]:
    total, broken, values = found[TOTAL][0], found[BROKEN][0], found[VALUES][0]
    limits = rule.terms.limits(rule.name)
    allowed = f", at most {' and '.join(map(str, limits))} may" if limits else ""
    noun = "1 value that" if values == 1 else f"{values:,} values that"
    yield f"{broken:,} of {total:,} rows of {rule.of} have {noun} {rule.to} does not know{allowed}:"
    for row in found.iter_rows(named=True):
        count = "1 row" if row[ROWS] == 1 else f"{row[ROWS]:,} rows"
        yield f"  {_told(row, rule.columns, hidden)} ({count})"
    if values > found.height:
        yield f"  and {values - found.height:,} more"
