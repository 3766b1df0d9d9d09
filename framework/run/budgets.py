"""What the budgets of sources are on: all rows, a column, or a rule by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.core.budget import EVERYTHING
from framework.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.boundary import Contract
    from framework.core.source import FileSource

STRUCTURE = ("type", "not_null", "lossy")


def rule_key(column: str | None, name: str) -> str:
    """What a budget calls a rule.

    >>> rule_key("quantity", "greater_than"), rule_key(None, "ends_after_start")
    ('quantity.greater_than', 'ends_after_start')
    """
    return f"{column}.{name}" if column else name


def budget_problems(name: str, source: FileSource, contract: Contract) -> Iterator[Problem]:
    """Find limits of a source's budget that say nothing, or are on what the schema does not have."""
    known = {EVERYTHING, "malformed", *contract.columns}
    known |= {rule_key(column, rule) for column in contract.columns for rule in STRUCTURE}
    known |= {rule_key(rule.column, rule.name) for rule in contract.rules}
    for limit in source.limits:
        if not limit.is_clear:
            fix = "give a number of rows, or a share such as '1%'"
            yield Problem(f"source '{name}'", f"its budget for '{limit.on}' is no limit", fix)
        if limit.on not in known:
            fix = did_you_mean(limit.on, {key for key in known if ("." in key) == ("." in limit.on)})
            yield Problem(f"source '{name}'", f"its budget names '{limit.on}', which is no column or rule", fix)
