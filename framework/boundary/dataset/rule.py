"""What a rule over all rows is: a sentence over their aggregates, with what to say where it does not hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.boundary.rule import Severity, rule_key
from framework.core.rule import NO_TERMS, Terms

if TYPE_CHECKING:
    import polars as pl

    from framework.boundary.dataset.aggregates import Aggregate


@dataclass(frozen=True)
class DatasetRule:
    """One rule over all accepted rows of a batch: it passes or fails the batch, and quarantines no row.

    `holds` is said of `aggregates`, whose values stand in the columns `DatasetRule.COLUMN` + number. Most are put
    together from the batches that pass, so the rows need not be held; of others the columns are set aside.
    """

    COLUMN = "_aggregate_"

    name: str
    column: str | None
    aggregates: tuple[Aggregate, ...]
    holds: pl.Expr
    message: str
    severity: Severity = "error"
    description: str = ""
    terms: Terms = NO_TERMS

    @property
    def expression(self) -> str:
        """What is said of the aggregates, in words of Polars."""
        text = str(self.holds)
        for number, aggregate in enumerate(self.aggregates):
            text = text.replace(f'col("{self.COLUMN}{number}")', str(aggregate.whole))
        return text

    @property
    def key(self) -> str:
        """What it is called, such as `price.mean_below_nine`."""
        return rule_key(self.column, self.name)

    @property
    def second_look(self) -> list[str]:
        """The columns that are set aside for a second look at them; empty where none is taken."""
        return list(dict.fromkeys(name for one in self.aggregates if one.takes_second_look for name in one.columns))

    @property
    def reason(self) -> str:
        """What a failed run says, such as `price: breaks rule mean_below_nine`."""
        return f"{self.column}: {self.message}" if self.column else self.message
