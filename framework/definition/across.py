"""Rules across the tables of a pipeline: what can be seen to be wrong with them as long as no column is known."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from framework.core.rule import OVER, Agreement, BusinessRule, TableReference, read_tolerance, term_mistakes
from framework.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from framework.core.rule import AcrossRule


def across_problems(
    rules: Sequence[Any], nodes: Sequence[str], tables: set[str], together: Callable[[set[str]], bool]
) -> Iterator[Problem]:
    """Find what is wrong with rules across tables as far as no column is needed for it.

    Args:
        rules: What was given as rules.
        nodes: The sources and steps of the pipeline.
        tables: Those of them that are tables: sources of the lake, and the rows of outputs.
        together: Whether some output is made of all of these nodes.
    """
    for name, count in Counter(str(getattr(rule, "name", "")) for rule in rules).items():
        if count > 1:
            yield Problem(f"rule '{name}'", f"is given {count} times", "rename one, or leave one out")
    for rule in rules:
        where = f"rule '{getattr(rule, 'name', rule)}'"
        if isinstance(rule, Agreement | TableReference):
            mistakes = (*term_mistakes(rule), *_shape_mistakes(rule), *_node_mistakes(rule, nodes, tables, together))
            yield from (Problem(where, what, fix) for what, fix in mistakes)
        elif isinstance(rule, BusinessRule):
            yield Problem(
                where, "looks at rows of one table", "give it to a schema, or to a source or step: rules=[...]"
            )
        else:
            yield Problem(where, "is no rule across tables", "make one with agree(...) or references(...)")


def _shape_mistakes(rule: AcrossRule) -> Iterator[tuple[str, str]]:
    if rule.over not in OVER:
        yield f"over='{rule.over}' is unknown", did_you_mean(str(rule.over), OVER)
    if isinstance(rule, TableReference) and len(rule.columns) != len(rule.keys):
        yield f"has {len(rule.columns)} columns and {len(rule.keys)} keys", "give a key for each column"
    if isinstance(rule, TableReference) and not rule.columns:
        yield "names no column", "give column="
    if isinstance(rule, Agreement) and rule.left.node == rule.right.node:
        yield f"compares '{rule.left.node}' with itself", "say it with rule(...) in the schema of its rows"
    if isinstance(rule, Agreement) and read_tolerance(rule.within) is None:
        yield f"within='{rule.within}' is no tolerance", "give a number such as '0.01', or a share such as '0.5%'"


def _node_mistakes(
    rule: AcrossRule, nodes: Sequence[str], tables: set[str], together: Callable[[set[str]], bool]
) -> Iterator[tuple[str, str]]:
    unknown = [node for node in dict.fromkeys(rule.nodes) if node not in nodes]
    for node in unknown:
        yield f"names '{node}', which is no source or step", did_you_mean(node, nodes)
    if unknown or rule.over not in OVER:
        return
    loose = [node for node in rule.nodes if node not in tables]
    if rule.over == "tables" and loose:
        yield (
            f"is over tables, but '{loose[0]}' is none",
            "add table(..., of=...) for it, or say over='run': the rows of one run",
        )
    needed = set(rule.nodes) if isinstance(rule, Agreement) else {rule.of, *loose}
    if rule.over == "run" and not together(needed):
        what = f"looks at rows of {' and '.join(sorted(needed))} in one run, but no output is made of"
        yield f"{what} {'both' if len(needed) > 1 else 'it'}", "add an output that is, or compare tables"
