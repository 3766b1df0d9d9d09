"""Which part of a plan gives the columns that are asked for: the rest is no part of what is made of them.

Polars' optimiser knows this too, but its plan cannot be written down. Here only what is certain is left out: columns
that are computed and not read, in nodes that are known. Where a node or an expression is not, all below it counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.run.fingerprints.plans import input_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Need = frozenset[str] | None
"""The columns that are asked for; None: all of them, in their order."""
RIGHT_ONLY_FILTERS = {"Semi", "Anti"}
FIRST_OPERAND = {"Cast": "expr", "BinaryExpr": "left", "Over": "function", "SortBy": "expr", "Filter": "input"}
"""Expressions that are called like one of their parts."""


def pruned(form: Any, need: Need, give: Callable[[str, Need], Any]) -> Any:
    """The part of a plan that gives the columns `need`.

    Args:
        form: The plan as plain data.
        need: The columns that are asked for.
        give: Gives what stands for an input of which the given columns are read.
    """
    name = input_of(form)
    if name is not None:
        return {"input": give(name, need)}
    kind = next(iter(form)) if isinstance(form, dict) and len(form) == 1 else None
    known = NODES.get(str(kind)) if isinstance(form, dict) else None
    return known(form[kind], need, give) if known is not None else _whole(form, give)


def _whole(form: Any, give: Callable[[str, Need], Any]) -> Any:
    """All of a plan: every column of each input counts."""
    name = input_of(form)
    if name is not None:
        return {"input": give(name, None)}
    if isinstance(form, dict):
        return {key: _whole(value, give) for key, value in form.items()}
    return [_whole(one, give) for one in form] if isinstance(form, list) else form


def _rest(node: dict[str, Any], give: Callable[[str, Need], Any], *without: str) -> dict[str, Any]:
    """What a node says beside its inputs."""
    return {key: _whole(value, give) for key, value in node.items() if key not in without}


def _hstack(node: dict[str, Any], need: Need, give: Callable[[str, Need], Any]) -> Any:
    """Columns that are added: those that are not asked for make no difference, and neither does their order."""
    named = [(output_name(one), one) for one in node["exprs"]]
    if need is not None:
        named = [(name, one) for name, one in named if name is None or name in need]
        if all(name is not None for name, _ in named):
            named.sort(key=lambda pair: str(pair[0]))
    if not named:
        return pruned(node["input"], need, give)
    made = {name for name, _ in named if name is not None}
    below = _more(None if need is None else need - made, [one for _, one in named])
    kept = [_whole(one, give) for _, one in named]
    return {"HStack": {"exprs": kept, "input": pruned(node["input"], below, give)}}


def _select(node: dict[str, Any], need: Need, give: Callable[[str, Need], Any]) -> Any:
    """Columns that are selected. They may be left out where another one has as many rows as the frame."""
    named: list[tuple[str | None, Any]] = [(output_name(one), one) for one in node["expr"]]
    dropped = _dropped(node["expr"])
    if need is not None and dropped is not None:
        below = need - dropped
        return {"Select": {"without": sorted(dropped & need), "input": pruned(node["input"], below, give)}}
    if need is not None and all(name is not None for name, _ in named):
        wanted = [pair for pair in named if pair[0] in need]
        if not wanted and any(_keeps_height(one) for _, one in named):
            return pruned(node["input"], frozenset(), give)  # only the number of rows is asked for
        named = wanted if any(_keeps_height(one) for _, one in wanted) else named
        named.sort(key=lambda pair: str(pair[0]))
    expressions = [one for _, one in named]
    kept = [_whole(one, give) for one in expressions]
    return {"Select": {"expr": kept, "input": pruned(node["input"], _more(frozenset(), expressions), give)}}


def _dropped(expressions: list[Any]) -> frozenset[str] | None:
    """The columns that `drop` leaves out; None where it is another selection."""
    selector = expressions[0].get("Selector") if len(expressions) == 1 and isinstance(expressions[0], dict) else None
    parts = selector.get("Difference") if isinstance(selector, dict) else None
    if parts is None or parts[0] != "Wildcard" or set(parts[1]) != {"ByName"}:
        return None
    return frozenset(parts[1]["ByName"]["names"])


def _filter(node: dict[str, Any], need: Need, give: Callable[[str, Need], Any]) -> Any:
    below = _more(need, [node["predicate"]])
    return {"Filter": {**_rest(node, give, "input"), "input": pruned(node["input"], below, give)}}


def _sort(node: dict[str, Any], need: Need, give: Callable[[str, Need], Any]) -> Any:
    below = _more(need, node["by_column"])
    return {"Sort": {**_rest(node, give, "input"), "input": pruned(node["input"], below, give)}}


def _slice(node: dict[str, Any], need: Need, give: Callable[[str, Need], Any]) -> Any:
    return {"Slice": {**_rest(node, give, "input"), "input": pruned(node["input"], need, give)}}


def _distinct(node: dict[str, Any], need: Need, give: Callable[[str, Need], Any]) -> Any:
    subset = node["options"]["subset"]
    below = None if subset is None else _more(need, subset)
    return {"Distinct": {**_rest(node, give, "input"), "input": pruned(node["input"], below, give)}}


def _group_by(node: dict[str, Any], need: Need, give: Callable[[str, Need], Any]) -> Any:
    aggregates = node["aggs"]
    if need is not None:
        aggregates = [one for one in aggregates if (name := output_name(one)) is None or name in need]
        if all(output_name(one) is not None for one in aggregates):
            aggregates = sorted(aggregates, key=lambda one: str(output_name(one)))
    options = [node["options"]["dynamic"], node["options"]["rolling"]]
    indexes = frozenset(one["index_column"] for one in options if one)
    below = _more(indexes, [*node["keys"], *aggregates])
    is_known = node["apply"] is None and not node["predicates"]
    told = {**_rest(node, give, "input", "aggs"), "aggs": [_whole(one, give) for one in aggregates]}
    return {"GroupBy": {**told, "input": pruned(node["input"], below if is_known else None, give)}}


def _join(node: dict[str, Any], need: Need, give: Callable[[str, Need], Any]) -> Any:
    """A join: what is asked for may come from either side, so it is asked of both."""
    condition, how = node["condition"].get("Equi"), node["options"]["args"]["how"]
    told = _rest(node, give, "input_left", "input_right")
    if condition is None or need is None:
        left = right = None
    else:
        by = how.get("AsOf", {}) if isinstance(how, dict) else {}
        suffix = node["options"]["args"]["suffix"] or "_right"
        other = {name.removesuffix(suffix) for name in need}
        left = _more(need | other | {*(by.get("left_by") or ())}, condition["left_on"])
        wanted = frozenset() if isinstance(how, str) and how in RIGHT_ONLY_FILTERS else need | other
        right = _more(frozenset(wanted) | {*(by.get("right_by") or ())}, condition["right_on"])
    sides = {"left": pruned(node["input_left"], left, give), "right": pruned(node["input_right"], right, give)}
    return {"Join": {**told, **sides}}


def _map(node: dict[str, Any], need: Need, give: Callable[[str, Need], Any]) -> Any:
    function = node["function"]
    renamed = function.get("Rename") if isinstance(function, dict) else None
    if renamed is None or need is None:
        return {"MapFunction": {"function": _whole(function, give), "input": pruned(node["input"], None, give)}}
    before = dict(zip(renamed["new"], renamed["existing"], strict=True))
    read = frozenset(before.get(name, name) for name in need)
    told = {new: old for new, old in before.items() if new in need}
    return {"MapFunction": {"Rename": told, "input": pruned(node["input"], read, give)}}


def _union(node: dict[str, Any], need: Need, give: Callable[[str, Need], Any]) -> Any:
    return {"Union": {**_rest(node, give, "inputs"), "inputs": [pruned(one, need, give) for one in node["inputs"]]}}


NODES: dict[str, Callable[[dict[str, Any], Need, Callable[[str, Need], Any]], Any]] = {
    "HStack": _hstack,
    "Select": _select,
    "Filter": _filter,
    "Sort": _sort,
    "Slice": _slice,
    "Distinct": _distinct,
    "GroupBy": _group_by,
    "Join": _join,
    "MapFunction": _map,
    "Union": _union,
}


def _more(need: Need, expressions: Iterable[Any]) -> Need:
    """The columns that are needed once expressions are, too."""
    found = need
    for one in expressions:
        roots = root_names(one)
        found = None if roots is None or found is None else found | roots
    return found


def root_names(expression: Any) -> Need:
    """The columns that an expression reads; None where that cannot be told."""
    if isinstance(expression, list):
        return _more(frozenset(), expression)
    if not isinstance(expression, dict):
        return frozenset()
    if set(expression) == {"Column"}:
        return frozenset([str(expression["Column"])])
    if set(expression) == {"Literal"}:
        return frozenset()
    if set(expression) == {"Selector"}:
        named = expression["Selector"].get("ByName") if isinstance(expression["Selector"], dict) else None
        return frozenset(named["names"]) if named else None
    return None if "SubPlan" in expression else _more(frozenset(), expression.values())


def output_name(expression: Any) -> str | None:
    """The column that an expression gives; None where that cannot be told."""
    if expression == "Len":
        return "len"
    if not isinstance(expression, dict) or len(expression) != 1:
        return None
    ((kind, inner),) = expression.items()
    if kind in {"Column", "Alias"}:
        return str(inner if kind == "Column" else inner[1])
    if kind in FIRST_OPERAND:
        return output_name(inner[FIRST_OPERAND[kind]])
    if kind == "Agg":
        return _aggregate_name(inner)
    is_field = kind == "Function" and "StructExpr" in inner["function"]
    return output_name(inner["input"][0]) if kind in {"Function", "AnonymousFunction"} and not is_field else None


def _aggregate_name(aggregate: Any) -> str | None:
    inner = next(iter(aggregate.values())) if isinstance(aggregate, dict) else None
    if isinstance(inner, dict) and not {"input", "expr"}.isdisjoint(inner):
        return output_name(inner.get("input", inner.get("expr")))
    return output_name(inner)


def _keeps_height(expression: Any) -> bool:
    """Whether an expression surely has as many rows as its frame: a column, or what is computed by row."""
    if not isinstance(expression, dict) or len(expression) != 1:
        return False
    ((kind, inner),) = expression.items()
    if kind == "Column":
        return True
    if kind in {"BinaryExpr", "Ternary"}:
        return any(_keeps_height(part) for part in inner.values())
    return kind in {"Alias", "Cast"} and _keeps_height(inner[0] if kind == "Alias" else inner["expr"])
