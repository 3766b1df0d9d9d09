"""The one-pass boundary: casts, rules, the split into accepted and rejected rows, and the counts, in one plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.conform import passing
from framework.boundary.dataset.totals import Totals
from framework.boundary.judge import Judged, judge
from framework.boundary.known import NOTHING, Known
from framework.boundary.retaken import judge_both
from framework.boundary.sorter import Sorter
from framework.boundary.tally import Tally
from framework.core.frames import PROVENANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framework.boundary.contract import Contract
    from framework.boundary.partitions import Share
    from framework.core.source import OnInvalid


@dataclass(frozen=True)
class Checked:
    """What a boundary gives: the accepted rows, typed, with their provenance, lazy; and the counts of what passed.

    `totals`: what dataset rules look at, complete once the plan has run to its end.
    """

    accepted: pl.LazyFrame
    counts: Tally
    sorters: tuple[Sorter, ...] = ()
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


def sift(rows: pl.LazyFrame, contract: Contract, refuse: Callable[[pl.DataFrame, Tally], None]) -> pl.LazyFrame:
    """Hold raw rows against a contract as `check` does, and keep nothing: the plan may be run any number of times.

    Each batch is accounted for by itself. Rules over all rows are not looked at. Lazy; the order of rows is kept.

    Args:
        rows: The raw rows, with provenance.
        contract: The compiled schema.
        refuse: Takes the refused rows of a batch, in `QUARANTINE_SCHEMA`, and its counts; from several threads.
    """
    (judged,) = judge([rows], contract, NOTHING, "quarantine")
    columns = [*contract.columns, *PROVENANCE, *contract.marks]
    nothing = Totals((), contract.schema)

    def pick(batch: pl.DataFrame) -> pl.DataFrame:
        refused: list[pl.DataFrame] = []
        tally = Tally()
        sorter = Sorter(judged, contract, "", (tally, nothing), refused.append)
        accepted = sorter(batch)
        sorter.close()
        for frame in refused:
            refuse(frame, tally)
        return accepted

    return passing(judged.rows, pick, judged.rows.select(columns).collect_schema())


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
    columns = [*contract.columns, *PROVENANCE, *contract.marks]
    for judged in parts:
        sorter = Sorter(judged, contract, source, (tally, totals), quarantine)
        schema = judged.rows.select(columns).collect_schema()
        accepted.append(passing(judged.rows, sorter, schema))
        sorters.append(sorter)
    return Checked(pl.concat(accepted), tally, tuple(sorters), totals)
