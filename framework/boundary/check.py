"""The one-pass boundary: casts, rules, the split into accepted and rejected rows, and the counts, in one plan."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.conform import passing
from framework.boundary.judge import OK, Judged, judge
from framework.boundary.rule import total
from framework.boundary.tally import Example, Tally, shown
from framework.boundary.totals import Totals
from framework.core.frames import BLANK, MALFORMED, PROVENANCE, SOURCE_FILE, SOURCE_LINE, SOURCE_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from framework.boundary.contract import Contract, Rule
    from framework.core.source import OnInvalid, Reference

REFUSED_AT_ONCE = 4_000
IS_ROW = pl.col(MALFORMED).ne_missing(BLANK)

QUARANTINE_SCHEMA = pl.Schema(
    {
        "source": pl.String(),
        "state": pl.String(),
        "file": pl.String(),
        "file_time": pl.Datetime("us", "UTC"),
        "line": pl.Int64(),
        "reasons": pl.List(pl.String()),
        "raw": pl.String(),
    }
)
"""A quarantined row: where it stood, every rule it broke, and its values as they were read (JSON)."""


@dataclass(frozen=True)
class Checked:
    """What a boundary gives: the accepted rows, typed, with their provenance, lazy; and the counts of what passed.

    `totals`: what dataset rules look at, complete once the plan has run to its end.
    """

    accepted: pl.LazyFrame
    counts: Tally
    sorters: tuple[_Sorter, ...] = ()
    totals: Totals = field(default_factory=lambda: Totals((), pl.Schema()))

    @property
    def tally(self) -> Tally:
        """The counts, complete once the plan has run to its end; the last refused rows go to the quarantine now."""
        for sorter in self.sorters:
            sorter.close()
        return self.counts


def check(
    parts: Sequence[pl.LazyFrame],
    contract: Contract,
    *,
    source: str,
    quarantine: Callable[[pl.DataFrame], None],
    known: Mapping[Reference, pl.DataFrame] | None = None,
    on_invalid: OnInvalid = "quarantine",
) -> Checked:
    """Hold raw rows against a contract, in the one pass in which they are read.

    Casts, rules and the verdict are expressions of the plan. Behind them every batch passes once: what is refused is
    set aside for `quarantine` there and counted, what is accepted goes on. So no row is held back for a second look.
    Dataset rules judge the rows that are accepted, and only count here: `Checked.totals` says whether they hold.

    Args:
        parts: Lazy frames of raw rows, each with provenance; their raw types may differ from part to part.
        contract: The compiled schema.
        source: The source's name, for the quarantine.
        quarantine: Takes refused rows in `QUARANTINE_SCHEMA`, batch by batch, from several threads.
        known: Per foreign key the values that are known: one row per value, in a column named like the key.
        on_invalid: `warn` accepts rows that break rules as long as their values can be typed; `drop` only counts.

    Lazy: nothing is read. The order of rows is kept unless there are foreign keys.

    Raises:
        SchemaError: at planning, when a raw type cannot become the declared one without loss.
    """
    tally, totals = Tally(), Totals(contract.dataset_rules, contract.schema)
    accepted, sorters = [], []
    columns = [*contract.columns, *PROVENANCE]
    for judged in judge(parts, contract, known or {}, on_invalid):
        sorter = _Sorter(judged, contract, source, (tally, totals), None if on_invalid == "drop" else quarantine)
        schema = judged.rows.select(columns).collect_schema()
        accepted.append(passing(judged.rows, sorter, schema))
        sorters.append(sorter)
    return Checked(pl.concat(accepted), tally, tuple(sorters), totals)


class _Sorter:
    """What judged batches pass through: counts, sets the refused aside, gives the accepted on.

    To say why rows are refused takes many small expressions, so they are kept until there are enough of them.
    """

    def __init__(
        self,
        judged: Judged,
        contract: Contract,
        source: str,
        counting: tuple[Tally, Totals],
        quarantine: Callable[[pl.DataFrame], None] | None,
    ) -> None:
        self._rules = judged.rules
        self._counted = judged.counted
        self._contract = contract
        self._columns = [*contract.columns, *PROVENANCE]
        self._place = [pl.col(SOURCE_FILE), pl.col(SOURCE_LINE), judged.raw.alias("raw")]
        in_column = dict.fromkeys(rule.column for rule in judged.rules)
        self._in_column = {
            column: pl.any_horizontal([_breaks(r, judged.rules) for r in judged.rules if r.column == column]).sum()
            for column in in_column
        }
        self._shape = _quarantine_columns(judged, source)
        self._broken = [_breaks(rule, judged.rules).sum().alias(str(i)) for i, rule in enumerate(judged.rules)]
        self._warned = [(~total(r.holds) & IS_ROW).sum().alias(str(i)) for i, r in enumerate(judged.counted)]
        self._waits = _waits(judged.rules).sum()
        self._tally, self._totals = counting
        self._quarantine = quarantine
        self._lock = threading.Lock()
        self._refused: list[pl.DataFrame] = []

    def __call__(self, batch: pl.DataFrame) -> pl.DataFrame:
        verdict = batch[OK]
        accepted = batch.select(self._columns)
        if not verdict.all():
            accepted = accepted.filter(verdict)
        warnings = batch.select(self._warned).row(0) if self._warned and batch.height else ()
        full: list[pl.DataFrame] = []
        with self._lock:
            self._tally.rows_in += batch.height
            self._tally.accepted += accepted.height
            for rule, count in zip(self._counted, warnings, strict=False):
                self._tally.warnings[rule.reason] += count
                self._tally.of(rule).warned += count
            if accepted.height < batch.height:
                self._refused.append(batch.filter(~verdict))
            if sum(frame.height for frame in self._refused) >= REFUSED_AT_ONCE:
                full, self._refused = self._refused, []
        self._settle(full)
        self._totals.add(accepted)
        return accepted

    def close(self) -> None:
        """Account for the refused rows that are still kept."""
        with self._lock:
            rest, self._refused = self._refused, []
        self._settle(rest)

    def _settle(self, refused: list[pl.DataFrame]) -> None:
        if not refused:
            return
        every = pl.concat(refused)
        rows = every.filter(IS_ROW)
        counts = rows.select(self._broken).row(0)
        in_column = [rows.select(count).item() for count in self._in_column.values()]
        with self._lock:
            self._tally.refused += rows.height
            self._tally.blank += every.height - rows.height
            self._tally.waiting += rows.select(self._waits).item()
            for rule, count in zip(self._rules, counts, strict=True):
                self._tally.broken[rule.reason] += count
                self._tally.of(rule).refused += count
            for column, count in zip(self._in_column, in_column, strict=True):
                self._tally.by_column[column] += count
        for rule, count in zip(self._rules, counts, strict=True):
            if count and self._tally.of(rule).wanted > 0:
                self._keep_examples(rows, rule)
        if rows.height and self._quarantine is not None:
            self._quarantine(rows.select(self._shape).cast(dict(QUARANTINE_SCHEMA)))  # type: ignore[arg-type]

    def _keep_examples(self, rows: pl.DataFrame, rule: Rule) -> None:
        found = rows.filter(_breaks(rule, self._rules)).head(self._tally.of(rule).wanted).select(self._place)
        names = looks_at(rule, self._contract)
        examples = [Example(file, line, self._values(raw, names)) for file, line, raw in found.rows()]
        with self._lock:
            broken = self._tally.of(rule)
            broken.examples.extend(examples[: broken.wanted])

    def _values(self, raw: str | None, names: Sequence[str]) -> dict[str, str]:
        values = json.loads(raw or "{}")
        columns = self._contract.columns
        return {name: shown(values.get(name), is_sensitive=columns[name].is_sensitive) for name in names}


def looks_at(rule: Rule, contract: Contract) -> list[str]:
    """The columns whose values say why a row breaks a rule."""
    if rule.column is not None:
        return [rule.column]
    names = dict.fromkeys(rule.keys or rule.holds.meta.root_names())
    return [name for name in names if name in contract.columns]


def _waits(rules: Sequence[Rule]) -> pl.Expr:
    """True where a row breaks nothing but foreign keys."""
    hard = [r.holds for r in rules if r.severity == "error"]
    return pl.all_horizontal(hard).fill_null(value=True) & ~pl.col(OK)


def _breaks(rule: Rule, rules: Sequence[Rule]) -> pl.Expr:
    """True where a refused row breaks a rule.

    An unknown reference is a reason only where it is the only one: what else is wrong does not depend on what is known.
    """
    return ~total(rule.holds) & _waits(rules) if rule.severity == "waiting" else ~total(rule.holds)


def _quarantine_columns(judged: Judged, source: str) -> list[pl.Expr]:
    reasons = [pl.when(_breaks(rule, judged.rules)).then(pl.lit(rule.reason)) for rule in judged.rules[1:]]
    return [
        pl.lit(source).alias("source"),
        pl.when(_waits(judged.rules)).then(pl.lit("waiting")).otherwise(pl.lit("open")).alias("state"),
        pl.col(SOURCE_FILE).alias("file"),
        pl.col(SOURCE_TIME).alias("file_time"),
        pl.col(SOURCE_LINE).alias("line"),
        pl.concat_list([pl.col(MALFORMED), *reasons]).list.drop_nulls().alias("reasons"),
        judged.raw.alias("raw"),
    ]
