"""What broke, for people: grouped by column and rule, counts first, with capped examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.boundary.tally import MASK
from framework.errors import MAX_EXAMPLES, MAX_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framework.boundary.contract import Contract
    from framework.boundary.dataset.totals import Finding
    from framework.boundary.tally import Broken, Example, StepExample, Tally
    from framework.boundary.violations import Violations

WHOLE_ROW = "whole row"


def describe(tally: Tally, only: Sequence[str | None] | None = None) -> Iterator[str]:
    """Describe what the refused rows of a boundary break: per column the rows, per rule the rows and examples.

    Args:
        tally: The counts.
        only: The columns to describe (None: the rows as such). Default: all, the most frequent first.
    """
    groups: dict[str | None, list[Broken]] = {}
    for broken in tally.by_rule.values():
        if broken.refused and (only is None or broken.rule.column in only):
            groups.setdefault(broken.rule.column, []).append(broken)
    ranked = sorted(groups, key=lambda column: (-tally.by_column[column], str(column)))
    for column in ranked[:MAX_GROUPS]:
        yield f"  {column or WHOLE_ROW}: {rows(tally.by_column[column])}"
        for broken in sorted(groups[column], key=lambda b: (-b.refused, b.rule.message)):
            owner = f" (owner: {broken.rule.terms.owner})" if broken.rule.terms.owner else ""
            yield f"    {broken.refused:,} x {broken.rule.message}{owner}{_examples(broken.examples)}"
    if len(ranked) > MAX_GROUPS:
        yield f"  and {len(ranked) - MAX_GROUPS} more columns"


def describe_violations(violations: Violations) -> Iterator[str]:
    """Describe what fails a step: its broken rules, the most frequent first, with examples, and its dataset rules."""
    for reason, count in violations.counts.most_common(MAX_GROUPS):
        if count:
            yield f"  {count:,} x {reason}{violations.terms(reason)}{_examples(violations.examples[reason])}"
    failed = [finding for finding in violations.broken if finding.rule.severity == "error"]
    yield from describe_findings(failed, violations.contract)


def _examples(examples: Sequence[Example | StepExample]) -> str:
    shown = "; ".join(str(example) for example in sorted(examples[:MAX_EXAMPLES], key=_place))
    return f": {shown}" if shown else ""


def _place(example: Example | StepExample) -> tuple[str, int, str]:
    """Examples come in the order in which batches are done; they are shown in that of their lines."""
    return (getattr(example, "file", ""), getattr(example, "line", None) or 0, str(example))


def describe_findings(findings: Sequence[Finding], contract: Contract) -> Iterator[str]:
    """Describe dataset rules that do not hold: the rule, and the aggregates it is said of."""
    for finding in findings:
        owner = f" (owner: {finding.rule.terms.owner})" if finding.rule.terms.owner else ""
        told = told_values(finding, contract)
        values = ", ".join(f"{word} = {value}" for word, value in told.items()) or "nothing"
        yield f"  {finding.rule.reason}{owner}; found {values}"


def told_values(finding: Finding, contract: Contract) -> dict[str, str]:
    """The aggregates that a dataset rule is said of, as a message may show them."""
    names = [name for aggregate in finding.rule.aggregates for name in aggregate.columns]
    hidden = any(contract.columns[name].is_sensitive for name in names)
    return {word: MASK if hidden else _short(value) for word, value in finding.values.items()}


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        more = len(value) - MAX_EXAMPLES
        return f"{value[:MAX_EXAMPLES]}" + (f" and {more:,} more" if more > 0 else "")
    return str(value)


def rows(count: int) -> str:
    """A number of rows in words.

    >>> rows(1), rows(1234)
    ('1 row', '1,234 rows')
    """
    return "1 row" if count == 1 else f"{count:,} rows"
