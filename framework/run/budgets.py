"""What the budgets of sources are on: all rows, a column, or a rule by its name, also within values of a column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from framework.boundary import Share, rule_key, unfilled_rules
from framework.core.budget import EVERYTHING
from framework.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.boundary import Contract
    from framework.core.budget import Limit
    from framework.core.source import FileSource

STRUCTURE = ("type", "not_null", "lossy")


def limits_in(source: FileSource, contract: Contract) -> list[Limit]:
    """The limits of a source's budget, and those of rules that it does not name.

    A key that names a column or a rule as it stands is no limit per value.
    """
    known = _keys(contract)
    own = [replace(limit, on=limit.key, per=None) if limit.key in known else limit for limit in source.limits]
    named = {limit.on for limit in own}
    return [*own, *(limit for rule in contract.rules if rule.key not in named for limit in rule.limits)]


def shares_in(source: FileSource, contract: Contract) -> list[Share]:
    """What a source's budget asks to have counted within each value of a column."""
    return [Share(limit.on, limit.per) for limit in limits_in(source, contract) if limit.per is not None]


def budget_problems(name: str, source: FileSource, contract: Contract) -> Iterator[Problem]:
    """Find limits of a source's budget that say nothing, or are on what the schema does not have."""
    known, where = _keys(contract), f"source '{name}'"
    for limit in limits_in(source, contract):
        if not limit.is_clear:
            fix = "give a number of rows, or a share such as '1%'"
            yield Problem(where, f"its budget for '{limit.key}' is no limit", fix)
        if limit.on not in known:
            fix = did_you_mean(limit.on, {key for key in known if ("." in key) == ("." in limit.on)})
            yield Problem(where, f"its budget names '{limit.on}', which is no column or rule", fix)
        if limit.per is not None:
            yield from _partition_problems(where, limit.key, limit.per, contract)


def _partition_problems(where: str, key: str, per: str, contract: Contract) -> Iterator[Problem]:
    """Find a column whose values cannot be told apart, or that is not there."""
    if per not in contract.columns:
        fix = did_you_mean(per, contract.columns)
        yield Problem(where, f"its budget '{key}' is per '{per}', which is no column", fix)
        return
    dtype = contract.columns[per].dtype
    if dtype.is_nested() or dtype.is_float():
        fix = "take a column of text, whole numbers, dates or true and false"
        yield Problem(where, f"its budget '{key}' is per value of a column of type {dtype}", fix)


def _keys(contract: Contract) -> set[str]:
    """Everything of a contract that a limit can be on."""
    structure = {rule_key(column, rule) for column in contract.columns for rule in STRUCTURE}
    structure |= {rule.key for spec in contract.columns.values() for rule in unfilled_rules(spec)}
    fills = fill_keys(contract)
    return {EVERYTHING, "malformed", *contract.columns, *structure, *fills, *(rule.key for rule in contract.rules)}


def fill_keys(contract: Contract) -> dict[str, str]:
    """What a limit on filled cells is on, with the column; `*` for rows in which any cell was filled."""
    columns = [spec.name for spec in contract.columns.values() if spec.fallback]
    return {rule_key(name, "filled"): name for name in ([*columns, EVERYTHING] if columns else [])}
