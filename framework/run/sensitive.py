"""Which columns of a table are sensitive: those that a schema on the way to its rows marks so, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.boundary import Contract
    from framework.definition import Output, Pipeline


def sensitive_columns(pipeline: Pipeline, output: Output, known: Mapping[str, Contract]) -> frozenset[str]:
    """The names that the schema of an output's rows, or of anything that they are made of, marks as sensitive.

    A column that a step renames must be marked again in the schema that the step declares. `known`: the contracts.
    """
    nodes = pipeline.upstream(output.of) & known.keys()
    return frozenset(name for node in nodes for name, spec in known[node].columns.items() if spec.is_sensitive)
