"""The identity of a pipeline: of its nodes, its outputs and its rules across tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.core.rule import TableReference
from framework.errors import DefinitionError, Problem
from framework.run.fingerprints.forms import digest
from framework.run.fingerprints.nodes import node_fingerprints
from framework.run.fingerprints.plans import expression_form
from framework.run.fingerprints.values import Describing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.core.rule import AcrossRule, Agreement
    from framework.definition import Output, Pipeline


def fingerprint(pipeline: Pipeline, parameters: Mapping[str, Any] | None = None) -> str:
    """The identity of a pipeline's logic: of its sources, steps and rules, and of its outputs.

    Renaming a variable changes nothing, changing a filter does. It holds for one version of Polars and Python. See
    `node_fingerprints` for the parameters and for what it raises.
    """
    return pipeline_fingerprint(pipeline, node_fingerprints(pipeline, parameters))


def find_unknowable(pipeline: Pipeline) -> list[Problem]:
    """Find the Python functions of a pipeline of which cannot be told whether they are the same in another run."""
    try:
        node_fingerprints(pipeline)
    except DefinitionError as error:
        return [Problem(f"{pipeline.name}, {one.where}", one.what, one.fix) for one in error.problems]
    return []


def pipeline_fingerprint(pipeline: Pipeline, nodes: Mapping[str, str]) -> str:
    """The identity of a pipeline whose nodes are known."""
    describing = Describing(pipeline.name)
    outputs = sorted([one.table, output_fingerprint(one, nodes)] for one in pipeline.outputs)
    exports = describing.form(sorted(pipeline.exports, key=lambda one: one.path))
    across = sorted((_across_form(rule, describing) for rule in pipeline.rules), key=digest)
    return digest([dict(nodes), outputs, exports, across])


def output_fingerprint(output: Output, nodes: Mapping[str, str]) -> str:
    """The identity of a table: of its rows, and of how they meet those that are there."""
    options = (output.mode, output.key, output.partition_by, output.newest_by, output.recompute_by)
    return digest([nodes.get(output.of), [list(one) if isinstance(one, tuple) else one for one in options]])


def _across_form(rule: AcrossRule, describing: Describing) -> Any:
    """What a rule across tables asks, and whether that can fail a run; not who answers for it, or its examples."""
    asked = (
        (rule.of, rule.columns, rule.to, rule.keys) if isinstance(rule, TableReference) else _sides(rule, describing)
    )
    return describing.form([rule.name, rule.over, rule.severity, rule.terms.budget, asked])


def _sides(rule: Agreement, describing: Describing) -> list[Any]:
    sides = [(side.node, side.by, side.value) for side in (rule.left, rule.right)]
    return [
        rule.within,
        *([n, b, v if isinstance(v, str) else expression_form(v, describing.form)] for n, b, v in sides),
    ]
