"""Which rules of a pipeline look at its rows a second time, and what rules across its tables look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.run.compiled import contracts

if TYPE_CHECKING:
    from framework.definition import Pipeline


@dataclass(frozen=True)
class SecondLook:
    """A rule over all rows of a source or step, for which some columns are set aside while the rows pass."""

    node: str
    rule: str
    columns: list[str]

    def __str__(self) -> str:
        return f"second look at {', '.join(self.columns)} of {self.node}: {self.rule}"


def second_looks(pipeline: Pipeline) -> list[SecondLook]:
    """List the second looks that a run of a pipeline takes."""
    return [
        SecondLook(node, rule.reason, rule.second_look)
        for node, contract in contracts(pipeline).items()
        if node not in pipeline.table_sources  # their rows were checked when they were written
        for rule in contract.dataset_rules
        if rule.second_look
    ]


@dataclass(frozen=True)
class AcrossLook:
    """What a rule across tables looks at: sources and steps, as tables or as the rows of one run."""

    rule: str
    asks: str
    over: str
    nodes: list[str]

    def __str__(self) -> str:
        how = (
            "second look at staged and published files" if self.over == "tables" else "summed up while rows are staged"
        )
        return f"rule {self.rule}: {self.asks} ({how})"


def across_looks(pipeline: Pipeline) -> list[AcrossLook]:
    """List the rules across tables that a run of a pipeline holds before it publishes."""
    return [AcrossLook(rule.name, rule.message, rule.over, list(rule.nodes)) for rule in pipeline.rules]
