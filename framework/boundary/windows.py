"""Rules that look at many rows: answered in the plan, where all the rows are; batches then read the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.rule import total

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.boundary.rule import Rule

WINDOW = "_window_"


def settle_windows(
    rules: Sequence[Rule], structure: Sequence[Rule], lacks: Mapping[str, pl.Expr]
) -> tuple[list[pl.Expr], list[Rule]]:
    """Give the columns that answer window rules, and all rules as batches hold them.

    Args:
        rules: The rules of a contract.
        structure: The rules on whether a row could be split and typed.
        lacks: Per optional column, where it was not delivered: rules on it hold there.
    """
    columns, settled = [], []
    for number, rule in enumerate(rules):
        absent = [lacks[name] for name in lacks if name == rule.column or name in rule.keys]
        answer = _unique(rule, structure, absent) if rule.keys else rule.holds
        holds = pl.any_horizontal([*absent, answer]) if absent else answer
        if rule.is_window:
            columns.append(holds.alias(f"{WINDOW}{number}"))
        settled.append(replace(rule, holds=pl.col(f"{WINDOW}{number}") if rule.is_window else holds))
    return columns, settled


def _unique(rule: Rule, structure: Sequence[Rule], absent: Sequence[pl.Expr]) -> pl.Expr:
    """Uniqueness among the rows whose key could be read: those without one are null, and would accuse each other."""
    of_key = [r.holds for r in structure if r.name == "malformed" or (r.name == "type" and r.column in rule.keys)]
    if not of_key:
        return rule.holds
    is_read = pl.all_horizontal([*(total(holds) for holds in of_key), *(~where for where in absent)])
    return ~is_read | (is_read.sum().over(rule.keys) == 1)
