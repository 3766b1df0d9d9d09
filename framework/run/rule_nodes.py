"""What rules across tables look at: the rows of a run, or tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.core.rule import Agreement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from framework.core.rule import AcrossRule
    from framework.definition import Output, Pipeline


def tables_of_rules(pipeline: Pipeline) -> set[str]:
    """The sources and steps whose rows are in a table."""
    return {*pipeline.table_sources, *(output.of for output in pipeline.outputs)}


def run_nodes(pipeline: Pipeline, rule: AcrossRule) -> set[str]:
    """The sources and steps of which a rule looks at the rows of a run, not at a table."""
    if rule.over != "run":
        return set()
    if isinstance(rule, Agreement):
        return set(rule.nodes)
    return {rule.of, *(set(rule.nodes) - tables_of_rules(pipeline))}


def wanted_nodes(pipeline: Pipeline, outputs: Iterable[Output]) -> set[str]:
    """What is looked at last of some outputs: their nodes, and those of rules on the rows that they are made of."""
    wanted = {output.of for output in outputs}
    made_of = [pipeline.upstream(node) for node in wanted]
    asked = [run_nodes(pipeline, rule) for rule in pipeline.rules]
    return wanted.union(*(nodes for nodes in asked if any(nodes <= every for every in made_of)))
