"""The one-pass boundary: casts, rules, the split into accepted and rejected rows, and the counts, in one plan."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.conform import passing
from framework.boundary.judge import OK, Judged, judge
from framework.boundary.kinds import FAILURE, REASONS, WAITS, Kinds, broken_bits
from framework.boundary.known import NOTHING, Known
from framework.boundary.partitions import refused_by
from framework.boundary.retaken import judge_both
from framework.boundary.rule import looks_at, total
from framework.boundary.tally import Example, Tally, shown
from framework.boundary.totals import Totals
from framework.core.budget import EVERYTHING
from framework.core.frames import BLANK, MALFORMED, PROVENANCE, SOURCE_FILE, SOURCE_LINE, SOURCE_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framework.boundary.contract import Contract, Rule
    from framework.boundary.partitions import Share
    from framework.core.source import OnInvalid

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

    @property
    def has_refused(self) -> bool:
        """Whether any row has been refused so far."""
        return self.counts.refused > 0 or any(sorter.is_holding for sorter in self.sorters)


def check(
    parts: Sequence[pl.LazyFrame],
    contract: Contract,
    *,
    source: str,
    quarantine: Callable[[pl.DataFrame], None],
    known: Known = NOTHING,
    on_invalid: OnInvalid = "quarantine",
    shares: Sequence[Share] = (),
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
        known: The values of foreign keys, and of unique keys those that a look ahead found more than once.
        on_invalid: `warn` accepts rows that break rules as long as their values can be typed; `drop` only counts.
        shares: What is to be counted within each value of a column.

    Lazy: nothing is read. The order of rows is kept unless there are foreign keys.

    Raises:
        SchemaError: at planning, when a raw type cannot become the declared one without loss.
    """
    hold = None if on_invalid == "drop" else quarantine
    judged = judge(parts, contract, known, on_invalid)
    return _sorted(judged, contract, source, Tally(shares), hold)


def check_both(
    batches: tuple[Sequence[pl.LazyFrame], pl.LazyFrame],
    contract: Contract,
    *,
    source: str,
    quarantine: Callable[[pl.DataFrame], None],
    known: Known,
    on_invalid: OnInvalid,
    shares: Sequence[Share] = (),
) -> tuple[Checked, Checked]:
    """Hold fresh parts and rows that waited against a contract, as `check` does each; uniqueness is over both together.

    The counts are kept apart. `shares` are counted of the fresh rows. Lazy: nothing is read.
    """
    fresh, retaken = judge_both(*batches, contract, known, on_invalid)
    new = _sorted(fresh, contract, source, Tally(shares), None if on_invalid == "drop" else quarantine)
    # What is in quarantine stays there until it is accepted, whatever becomes of new rows.
    return new, _sorted(retaken, contract, source, Tally(), quarantine)


def _sorted(
    parts: Sequence[Judged],
    contract: Contract,
    source: str,
    tally: Tally,
    quarantine: Callable[[pl.DataFrame], None] | None,
) -> Checked:
    """Let judged rows pass through sorters that share their counts."""
    totals = Totals(contract.dataset_rules, contract.schema)
    accepted, sorters = [], []
    columns = [*contract.columns, *PROVENANCE]
    for judged in parts:
        sorter = _Sorter(judged, contract, source, (tally, totals), quarantine)
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
        self._shape = _quarantine_columns(judged, source)
        self._broken = broken_bits([_breaks(rule, judged.rules) for rule in judged.rules])
        self._warned = [(~total(r.holds) & IS_ROW).sum().alias(str(i)) for i, r in enumerate(judged.counted)]
        self._tally, self._totals = counting
        self._partitions = self._tally.partitions
        self._refused_in = refused_by(self._partitions.shares, judged.rules, self._breaks, _waits(judged.rules))
        per_rule = [share for share in self._partitions.shares if share.on != EVERYTHING]
        self._warned_in = refused_by(per_rule, judged.counted, lambda rule: ~total(rule.holds), pl.lit(value=False))
        self._quarantine = quarantine
        self._lock, self._settling = threading.Lock(), threading.Lock()
        self._refused: list[pl.DataFrame] = []

    def __call__(self, batch: pl.DataFrame) -> pl.DataFrame:
        verdict = batch[OK]
        accepted = batch.select(self._columns)
        if not verdict.all():
            accepted = accepted.filter(verdict)
        warnings = batch.select(self._warned).row(0) if self._warned and batch.height else ()
        if self._partitions.columns:
            self._partitions.add_rows(batch.select(MALFORMED, *self._partitions.columns).filter(IS_ROW))
            self._partitions.add_refused(batch.filter(verdict), self._warned_in)
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

    @property
    def is_holding(self) -> bool:
        """Whether refused rows are kept that are not accounted for yet."""
        return bool(self._refused)

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
