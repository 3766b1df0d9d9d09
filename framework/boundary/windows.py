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
Keys = tuple[str, ...]


def settle_windows(
    rules: Sequence[Rule],
    structure: Sequence[Rule],
    lacks: Mapping[str, pl.Expr],
    repeated: Mapping[Keys, pl.Expr] | None = None,
) -> tuple[list[pl.Expr], list[Rule]]:
    """Give the columns that answer window rules, and all rules as batches hold them.

    Args:
        rules: The rules of a contract.
        structure: The rules on whether a row could be split and typed.
        lacks: Per optional column, where it was not delivered: rules on it hold there.
        repeated: For unique keys that were counted ahead, where a row's key is one of several rows.
    """
    columns, settled = [], []
    for number, rule in enumerate(rules):
        absent = [lacks[name] for name in lacks if name == rule.column or name in rule.keys]
        again = (repeated or {}).get(rule.keys)
        answer = _unique(rule, structure, absent, again) if rule.keys else rule.holds
        holds = pl.any_horizontal([*absent, answer]) if absent else answer
        is_window = rule.is_window and again is None
        if is_window:
            columns.append(holds.alias(f"{WINDOW}{number}"))
        settled.append(replace(rule, holds=pl.col(f"{WINDOW}{number}") if is_window else holds))
    return columns, settled


def keys_read(
    rules: Sequence[Rule], structure: Sequence[Rule], lacks: Mapping[str, pl.Expr]
) -> dict[str, tuple[Keys, pl.Expr]]:
    """Per uniqueness rule, by the column that answers it: its keys, and where they could be read.

    The arguments are those of `settle_windows`.
    """
    found = {}
    for number, rule in enumerate(rules):
        if rule.keys:
            absent = [lacks[name] for name in rule.keys if name in lacks]
            found[f"{WINDOW}{number}"] = (rule.keys, _is_read(rule, structure, absent))
    return found


def is_unique(is_read: pl.Expr, keys: Sequence[str], again: pl.Expr | None = None) -> pl.Expr:
    """Uniqueness among the rows whose key could be read: those without one are null, and would accuse each other.

    `again`: where a row's key is one of several rows, where that is known; otherwise rows are counted.
    """
    return ~is_read | (is_read.sum().over(keys) == 1 if again is None else ~again)


def _unique(rule: Rule, structure: Sequence[Rule], absent: Sequence[pl.Expr], again: pl.Expr | None) -> pl.Expr:
    return is_unique(_is_read(rule, structure, absent), rule.keys, again) if structure else rule.holds


def _is_read(rule: Rule, structure: Sequence[Rule], absent: Sequence[pl.Expr]) -> pl.Expr:
    of_key = [r.holds for r in structure if r.name == "malformed" or (r.name == "type" and r.column in rule.keys)]
    return pl.all_horizontal([*(total(holds) for holds in of_key), *(~where for where in absent)])
