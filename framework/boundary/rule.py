"""What a rule is: a sentence over one row, a window of rows or the whole batch, with what to say where it is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

    from framework.boundary.trees import Aggregate

Severity = Literal["error", "warning", "waiting"]


@dataclass(frozen=True)
class Rule:
    """One rule: an expression that is true where it holds, and what to say where it does not.

    `keys`: the columns over which a uniqueness rule counts; empty for other rules.
    """

    name: str
    column: str | None
    holds: pl.Expr
    message: str
    severity: Severity = "error"
    is_window: bool = False
    keys: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """What a quarantined row carries, such as `quantity: must be > 0`."""
        return f"{self.column}: {self.message}" if self.column else self.message


@dataclass(frozen=True)
class DatasetRule:
    """One rule over all accepted rows of a batch: it passes or fails the batch, and quarantines no row.

    `holds` is said of `aggregates`, whose values stand in the columns `DatasetRule.COLUMN` + number. They are put
    together from the batches that pass, so the rows need not be held.
    """

    COLUMN = "_aggregate_"

    name: str
    column: str | None
    aggregates: tuple[Aggregate, ...]
    holds: pl.Expr
    message: str
    severity: Severity = "error"

    @property
    def reason(self) -> str:
        """What a failed run says, such as `price: breaks rule mean_below_nine`."""
        return f"{self.column}: {self.message}" if self.column else self.message


def total(holds: pl.Expr) -> pl.Expr:
    """A rule that has no answer for a row (a null in it) holds."""
    return holds.fill_null(value=True)
