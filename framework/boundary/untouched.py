"""Which columns a plan hands through unchanged, read off the plan itself.

What holds of an input's rows still holds of those columns, so it need not be checked again. Nodes that are not known
here end the search: then nothing counts as untouched, and everything is checked. The one place that walks Polars'
plan (polars 2.1, node traverser 16, private).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TRAVERSER = 16
HANDS_ON = {"Filter", "Sort", "Slice", "Cache", "Distinct", "SimpleProjection"}
LEFT_STAYS = {"Inner", "Left", "Semi", "Anti"}


def untouched_columns(
    function: Callable[[dict[str, pl.LazyFrame]], pl.LazyFrame], inputs: Mapping[str, pl.Schema]
) -> tuple[str, frozenset[str]] | None:
    """Find the input from which a plan's rows come, and the columns that are as they were there.

    Args:
        function: Builds the plan from lazy inputs. It is given inputs of a few null rows each; none is read.
        inputs: The schemas of the inputs, by name.

    Returns:
        The input's name and its untouched columns; None when the plan mixes rows or cannot be followed.
    """
    names = list(inputs)
    # The number of rows tells the inputs apart when the search has come to one of them.
    frames = {name: pl.DataFrame(schema=inputs[name]).clear(n).lazy() for n, name in enumerate(names, 1)}
    plan = function(frames)
    try:
        traverser = plan._ldf.visit()  # noqa: SLF001
        if traverser.version()[0] != TRAVERSER:
            return None
        found = _follow(traverser, set(plan.collect_schema().names()))
    except NotImplementedError:  # a Python function stands in the plan
        return None
    return (names[found[0] - 1], frozenset(found[1])) if found else None


def _follow(traverser: Any, columns: set[str]) -> tuple[int, set[str]] | None:
    """Go down from a node to the input its rows come from; gives the number of rows there and the columns left."""
    node = traverser.view_current_node()
    kind = type(node).__name__
    if kind == "DataFrameScan":
        return node.df.height(), columns
    if kind in {"HStack", "Select"}:
        return _step(traverser, node.input, columns - _changed(traverser, node, kind))
    if kind == "Join":
        if str(node.options[0]) not in LEFT_STAYS:
            return None
        traverser.set_node(node.input_left)
        return _follow(traverser, columns & set(traverser.get_schema()))
    return _step(traverser, node.input, columns) if kind in HANDS_ON else None


def _step(traverser: Any, node: int, columns: set[str]) -> tuple[int, set[str]] | None:
    traverser.set_node(node)
    return _follow(traverser, columns)


def _changed(traverser: Any, node: Any, kind: str) -> set[str]:
    """The columns that a node computes, other than by taking the column of the same name."""
    expressions = node.exprs if kind == "HStack" else node.expr
    changed = set()
    for one in expressions:
        view = traverser.view_expression(one.node)
        if type(view).__name__ != "Column" or view.name != one.output_name:
            changed.add(one.output_name)
    return changed
