"""Cells that cannot be used, filled in the plan: between the casts and the rules, in the pass that reads the rows.

Which cells these are is an expression per column. Behind it every batch passes a function that does nothing where no
cell is bad; so a fallback costs what its rules cost, and look-ups are made for the bad rows only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.filling.declared import own_rules
from framework.boundary.filling.lookups import STALE, find
from framework.boundary.filling.marks import mark, path_to
from framework.boundary.rule import Rule, total
from framework.boundary.tally import MASK
from framework.core.clock import run_time
from framework.core.fallback import CAUSES, Default, LastKnown
from framework.core.frames import FILLED, MALFORMED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from framework.boundary.contract import ColumnSpec, Contract

CAUSE = "_cause_"
"""Begins the columns that say why a cell cannot be used: its number in `CAUSES`, from 1; 0: it can."""
BY = "_by_"
"""Begins the columns that say which fallback filled a cell, from 1; 0: none; below 0: what the last one asked said."""
ROW = "_row"
FOUND = "_found"
ANSWER = "_answer"


@dataclass(frozen=True)
class Filling:
    """How the cells of a column were filled, for those who count. `state`: the column that says by what."""

    column: str
    state: str
    names: tuple[str, ...]

    @property
    def is_filled(self) -> pl.Expr:
        """Whether a row's cell was filled."""
        return pl.col(self.state) > 0


@dataclass(frozen=True)
class Filled:
    """Rows whose bad cells are filled as far as possible, with the rules as they then are.

    `reasons`: what the rows break for which no fallback had a value.
    """

    rows: pl.LazyFrame
    structure: tuple[Rule, ...]
    reasons: tuple[Rule, ...]
    fillings: tuple[Filling, ...]


@dataclass(frozen=True)
class _Told:
    """What is known of last values, and the time of the run."""

    last: Mapping[tuple[str, int], pl.DataFrame]
    now: datetime


def fill(
    rows: pl.LazyFrame,
    contract: Contract,
    structure: Sequence[Rule],
    raw: pl.Expr,
    last: Mapping[tuple[str, int], pl.DataFrame],
) -> Filled:
    """Fill the cells of typed rows that cannot be used. Lazy; the order of rows is kept.

    Args:
        rows: Typed rows.
        contract: Their contract, with the fallbacks of its columns.
        structure: The rules on whether a row could be split and typed.
        raw: The raw values of a row as JSON.
        last: Per column and number of its fallback, from 1, what is known: see `lookups.known_frame`.
    """
    specs = [spec for spec in contract.columns.values() if spec.fallback]
    if not specs:
        return Filled(rows.with_columns(pl.lit(None, dtype=pl.String).alias(FILLED)), tuple(structure), (), ())
    fillings = tuple(Filling(s.name, BY + s.name, tuple(one.name for one in s.fallback)) for s in specs)
    causes = [_cause(spec.name, contract, structure) for spec in specs]
    schema = rows.collect_schema()
    told = _Told(last, run_time())

    def fill_batch(batch: pl.DataFrame) -> pl.DataFrame:
        bad = [spec for spec in specs if (batch[CAUSE + spec.name] > 0).any()]
        done = batch
        for spec in bad:
            done = _fill_column(done, spec, told)
        done = done.with_columns(pl.lit(0, dtype=pl.Int8).alias(BY + s.name) for s in specs if s not in bad)
        done = done.with_columns(_marks(done, specs, raw) if bad else pl.lit(None, dtype=pl.String).alias(FILLED))
        return done.select(names)

    gives = pl.Schema({**schema, **dict.fromkeys((f.state for f in fillings), pl.Int8()), FILLED: pl.String()})
    names = gives.names()
    filled = rows.with_columns(causes).map_batches(
        fill_batch,
        schema=gives,
        streamable=True,
        predicate_pushdown=False,
        projection_pushdown=False,
        slice_pushdown=False,
        validate_output_schema=False,
    )
    by_column = {f.column: f for f in fillings}
    reasons = tuple(rule for spec in specs for rule in unfilled_rules(spec))
    return Filled(filled, tuple(_unless_filled(rule, by_column) for rule in structure), reasons, fillings)


def fill_rules(fillings: Sequence[Filling]) -> tuple[Rule, ...]:
    """What budgets on filled cells count, in the form of rules: per column, and of rows with any."""
    if not fillings:
        return ()
    whole = Rule("filled", "*", pl.col(FILLED).is_null(), "no cell was filled")
    return (*(Rule("filled", f.column, ~f.is_filled, "was not filled") for f in fillings), whole)


def _cause(name: str, contract: Contract, structure: Sequence[Rule]) -> pl.Expr:
    """Why a cell cannot be used, as a number; 0 where it can, and in lines that could not be split."""
    of_column = [rule for rule in structure if rule.column == name]
    missing = [~total(rule.holds) for rule in of_column if rule.name in {"not_null", "required"}]
    untyped = [~total(rule.holds) for rule in of_column if rule.name == "type"]
    broken = [~total(rule.holds) for rule in own_rules(contract, name)]
    said = [(0, [pl.col(MALFORMED).is_not_null()]), *enumerate((missing, untyped, broken), 1)]
    found = [pl.when(pl.any_horizontal(breaks)).then(pl.lit(n, dtype=pl.Int8)) for n, breaks in said if breaks]
    return pl.coalesce(*found, pl.lit(0, dtype=pl.Int8)).alias(CAUSE + name)


def _unless_filled(rule: Rule, fillings: Mapping[str, Filling]) -> Rule:
    """A rule on how a cell was read says nothing of one that was filled."""
    filling = fillings.get(rule.column or "")
    return replace(rule, holds=total(rule.holds) | filling.is_filled) if filling else rule


def unfilled_rules(spec: ColumnSpec) -> list[Rule]:
    """What the rows break whose look-up found nothing, or something too old."""
    found = []
    for number, one in enumerate(spec.fallback, 1):
        if isinstance(one, LastKnown):
            state = pl.col(BY + spec.name)
            found.append(Rule("unknown", spec.name, state != -number, one.unknown))
            if one.max_age is not None:
                found.append(Rule("stale", spec.name, state != STALE - number, one.stale))
    return found


def _fill_column(batch: pl.DataFrame, spec: ColumnSpec, told: _Told) -> pl.DataFrame:
    """Fill the bad cells of a column, each with the first fallback that has a value; says which."""
    cause = CAUSE + spec.name
    rows = batch.with_row_index(ROW)
    answers: list[pl.DataFrame] = []
    open_rows = rows.filter(pl.col(cause) > 0)
    for number, one in enumerate(spec.fallback, 1):
        asked = open_rows.filter(pl.col(cause).is_in([CAUSES.index(c) + 1 for c in one.covers]))
        if asked.is_empty():
            continue
        said = _ask(asked, spec, number, told)
        answers.append(said)
        open_rows = open_rows.join(said.filter(pl.col(ANSWER) > 0), on=ROW, how="anti", maintain_order="left")
    if not answers:
        return batch.with_columns(pl.lit(0, dtype=pl.Int8).alias(BY + spec.name))
    final = pl.concat(answers).unique(ROW, keep="last", maintain_order=True)
    joined = rows.join(final, on=ROW, how="left", maintain_order="left")
    value = pl.when(pl.col(ANSWER) > 0).then(pl.col(FOUND)).otherwise(pl.col(spec.name)).alias(spec.name)
    state = pl.col(ANSWER).fill_null(0).alias(BY + spec.name)
    return joined.with_columns(value, state).drop(ROW, FOUND, ANSWER)


def _ask(asked: pl.DataFrame, spec: ColumnSpec, number: int, told: _Told) -> pl.DataFrame:
    """One row per bad row: its number, the value found, and the answer, as in `BY`."""
    one = spec.fallback[number - 1]
    if isinstance(one, Default):
        value = pl.lit(pl.Series([one.value], dtype=spec.dtype)).first()
        return asked.select(ROW, value.alias(FOUND), pl.lit(number, dtype=pl.Int8).alias(ANSWER))
    return find(asked, one, told.last[spec.name, number], number, told.now).select(ROW, FOUND, ANSWER)


def _marks(batch: pl.DataFrame, specs: Sequence[ColumnSpec], raw: pl.Expr) -> pl.Series:
    """The mark of every row of a batch; what stood in a cell of a sensitive column is not told."""
    is_any = pl.any_horizontal(pl.col(BY + spec.name) > 0 for spec in specs)
    rows = batch.with_row_index(ROW)
    found = rows.filter(is_any).with_columns(raw.alias("raw"))
    cells = []
    for spec in specs:
        by = pl.lit(None, dtype=pl.String)
        for number, one in enumerate(spec.fallback, 1):
            by = pl.when(pl.col(BY + spec.name) == number).then(pl.lit(one.name)).otherwise(by)
        text = pl.col("raw").str.json_path_match(path_to(spec.name))
        told = pl.when(text.is_not_null()).then(pl.lit(MASK)) if spec.is_sensitive else text
        cells.append((spec.name, by.alias("by"), told))
    marked = found.select(ROW, mark(cells))
    return rows.select(ROW).join(marked, on=ROW, how="left", maintain_order="left")[FILLED]
