"""What judged batches pass through: counts, the refused rows set aside with their reasons, the accepted given on."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.filling.cells import fill_rules
from framework.boundary.judge import OK, Judged
from framework.boundary.kinds import FAILURE, REASONS, WAITS, Kinds, broken_bits
from framework.boundary.partitions import refused_by
from framework.boundary.rule import looks_at, total
from framework.boundary.tally import Example, Tally, shown
from framework.core.budget import EVERYTHING
from framework.core.frames import BLANK, FILLED, MALFORMED, PROVENANCE, SOURCE_FILE, SOURCE_LINE, SOURCE_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framework.boundary.contract import Contract, Rule
    from framework.boundary.dataset.totals import Totals

REFUSED_AT_ONCE = 4_000
IS_ROW = pl.col(MALFORMED).ne_missing(BLANK)

QUARANTINE_SCHEMA = pl.Schema(
    {
        "source": pl.String(),
        "state": pl.String(),
        "file": pl.String(),
        "file_time": pl.Datetime("us", "UTC"),
        "line": pl.Int64(),
        "failure": pl.String(),
        "reasons": pl.List(pl.String()),
        "raw": pl.String(),
    }
)
"""A quarantined row: where it stood, what stopped it, every rule it broke, and its values as they were read (JSON)."""


class Sorter:
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
        self._columns = [*contract.columns, *PROVENANCE, *contract.marks]
        self._fillings = judged.fillings
        self._place = [pl.col(SOURCE_FILE), pl.col(SOURCE_LINE), judged.raw.alias("raw")]
        self._shape = _quarantine_columns(judged, source)
        self._broken = broken_bits([_breaks(rule, judged.rules) for rule in judged.rules])
        self._warned = [(~total(r.holds) & IS_ROW).sum().alias(str(i)) for i, r in enumerate(judged.counted)]
        self._tally, self._totals = counting
        self._partitions = self._tally.partitions
        self._refused_in = refused_by(self._partitions.shares, judged.rules, self._breaks, _waits(judged.rules))
        per_rule = [share for share in self._partitions.shares if share.on != EVERYTHING]
        self._warned_in = refused_by(per_rule, judged.counted, lambda rule: ~total(rule.holds), pl.lit(value=False))
        filled = [share for share in self._partitions.shares if share.on.endswith(".filled")]
        self._filled_in = refused_by(filled, fill_rules(judged.fillings), lambda r: ~r.holds, pl.lit(value=False))
        self._quarantine = quarantine
        self._lock, self._settling = threading.Lock(), threading.Lock()
        self._refused: list[pl.DataFrame] = []

    @property
    def rules(self) -> list[Rule]:
        """Every rule that it counts."""
        return [*self._rules, *self._counted]

    def __call__(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Count the rows of a batch, keep the refused ones, give the accepted ones."""
        verdict = batch[OK]
        accepted = batch.select(self._columns)
        if not verdict.all():
            accepted = accepted.filter(verdict)
        warnings = batch.select(self._warned).row(0) if self._warned and batch.height else ()
        if self._partitions.columns:
            self._partitions.add_rows(batch.select(MALFORMED, *self._partitions.columns).filter(IS_ROW))
            if self._warned_in:
                self._partitions.add_refused(batch.filter(verdict), self._warned_in)
        if self._fillings and batch[FILLED].null_count() < batch.height:
            self._count_filled(batch.filter(verdict))
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

    def _count_filled(self, accepted: pl.DataFrame) -> None:
        """Count the filled cells of accepted rows, by column and by what filled them."""
        self._partitions.add_refused(accepted, self._filled_in)
        rows_filled = accepted.height - accepted[FILLED].null_count()
        counts = {f.column: (f.names, accepted[f.state].value_counts().rows()) for f in self._fillings}
        with self._lock:
            self._tally.rows_filled += rows_filled
            for column, (names, found) in counts.items():
                for state, count in found:
                    if state > 0:
                        self._tally.filled[column, names[state - 1]] += count

    def close(self) -> None:
        """Account for the refused rows that are still kept."""
        with self._lock:
            rest, self._refused = self._refused, []
        self._settle(rest)

    def _settle(self, refused: list[pl.DataFrame]) -> None:
        with self._settling:  # who closes waits for what another thread is settling
            if refused:
                self._account_for(pl.concat(refused))

    def _account_for(self, every: pl.DataFrame) -> None:
        rows = every.filter(IS_ROW).with_columns(self._broken)
        kinds = Kinds.of(rows, self._rules)
        self._partitions.add_refused(rows, self._refused_in)
        with self._lock:
            self._tally.blank += every.height - rows.height
            kinds.count(self._tally)
        for rule in kinds.broken:
            if self._tally.of(rule).wanted > 0:
                self._keep_examples(rows, rule)
        if rows.height and self._quarantine is not None:
            told = rows.join(kinds.reasons(), on=list(kinds.keys), how="left", maintain_order="left")
            self._quarantine(told.select(self._shape).cast(dict(QUARANTINE_SCHEMA)))  # type: ignore[arg-type]

    def _breaks(self, rule: Rule) -> pl.Expr:
        return _breaks(rule, self._rules)

    def _keep_examples(self, rows: pl.DataFrame, rule: Rule) -> None:
        found = rows.filter(_breaks(rule, self._rules)).head(self._tally.of(rule).wanted).select(self._place)
        names = looks_at(rule, self._contract.columns)
        examples = [Example(file, line, self._values(raw, names)) for file, line, raw in found.rows()]
        with self._lock:
            broken = self._tally.of(rule)
            broken.examples.extend(examples[: broken.wanted])

    def _values(self, raw: str | None, names: Sequence[str]) -> dict[str, str]:
        values = json.loads(raw or "{}")
        columns = self._contract.columns
        return {name: shown(values.get(name), is_sensitive=columns[name].is_sensitive) for name in names}


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
    return [
        pl.lit(source).alias("source"),
        pl.when(WAITS).then(pl.lit("waiting")).otherwise(pl.lit("open")).alias("state"),
        pl.col(SOURCE_FILE).alias("file"),
        pl.col(SOURCE_TIME).alias("file_time"),
        pl.col(SOURCE_LINE).alias("line"),
        pl.col(FAILURE).alias("failure"),
        pl.when(pl.col(MALFORMED).is_null())
        .then(REASONS)
        .otherwise(pl.concat_list(MALFORMED, REASONS))
        .alias("reasons"),
        judged.raw.alias("raw"),
    ]
