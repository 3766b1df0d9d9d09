"""Rows that are taken up again, judged beside fresh ones: apart, but for uniqueness, which is over both together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.judge import Judged, judge, verdict
from framework.boundary.windows import is_unique

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.boundary.contract import Contract
    from framework.boundary.known import Known
    from framework.core.source import OnInvalid

RETAKEN = "_retaken"
READ = "_read"


def judge_both(
    fresh: Sequence[pl.LazyFrame],
    waiting: pl.LazyFrame,
    contract: Contract,
    known: Known,
    on_invalid: OnInvalid,
) -> tuple[list[Judged], list[Judged]]:
    """Judge fresh parts and the part that waited, as `judge` does each of them; a key may occur once in both together.

    Where keys were counted ahead, that was over both. Other rules over many rows stay apart: an old row between
    new ones is no gap among the new ones.
    """
    new = judge(fresh, contract, known, on_invalid)
    old = judge([waiting], contract, known, on_invalid, first=len(fresh))
    if not any(rule.keys and rule.keys not in known.repeated for rule in contract.rules):
        return new, old
    rows = pl.concat([_marked(new[0], is_retaken=False), _marked(old[0], is_retaken=True)], how="diagonal")
    unique = [is_unique(pl.col(READ + column), keys).alias(column) for column, (keys, _) in new[0].keys.items()]
    together = rows.with_columns(unique).cache()
    return [_of(new[0], together, ~pl.col(RETAKEN))], [_of(old[0], together, pl.col(RETAKEN))]


def _marked(judged: Judged, *, is_retaken: bool) -> pl.LazyFrame:
    """The rows with where they came from, and whether their keys could be read."""
    read = [is_read.alias(READ + column) for column, (_, is_read) in judged.keys.items()]
    return judged.rows.with_columns(pl.lit(is_retaken).alias(RETAKEN), *read)


def _of(judged: Judged, together: pl.LazyFrame, where: pl.Expr) -> Judged:
    """The rows of one of the two, with the verdict as it is now."""
    blocking = [rule for rule in judged.rules if all(rule is not one for one in judged.counted)]
    return replace(judged, rows=together.filter(where).with_columns(verdict(blocking)))
