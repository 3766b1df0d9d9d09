"""Which rules of a pipeline look at its rows a second time."""

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
