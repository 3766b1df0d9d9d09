"""Expressions taken apart and put together again: selectors spelled out, aggregates found.

Polars tells what an expression is made of (`meta.pop`, its JSON), in words that are private to a version; only this
module knows them (polars 2.1). Nothing is read back from JSON, which could bring code along: nodes are built anew by
public calls, and a node counts as known only if what is built of its own parts equals it.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from framework.errors import SchemaError

Tree = Any
"""JSON: a node is an object with one key, its kind, or a text when it has no parts."""
Replace = Callable[[pl.Expr, Tree], "list[pl.Expr] | None"]
"""Gives what a node stands for; None: nothing else."""
Build = Callable[..., pl.Expr]

MERGING = {"Sum", "Min", "Max", "Mean", "Std", "Var", "Count", "NUnique"}
MERGING_FUNCTIONS = {"NullCount", "Any", "All"}
KNOWN = "len, count, null_count, sum, mean, min, max, std, var, n_unique, any or all"
WORDS = {"NUnique": "n_unique", "NullCount": "null_count", "Len": "len"}
OPERATORS: Mapping[str, Build] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "EqValidity": pl.Expr.eq_missing,
    "NotEqValidity": pl.Expr.ne_missing,
    "Lt": operator.lt,
    "LtEq": operator.le,
    "Gt": operator.gt,
    "GtEq": operator.ge,
    "Plus": operator.add,
    "Minus": operator.sub,
    "Multiply": operator.mul,
    "TrueDivide": operator.truediv,
    "FloorDivide": operator.floordiv,
    "Modulus": operator.mod,
    "And": operator.and_,
    "Or": operator.or_,
    "Xor": operator.xor,
}
FUNCTIONS: Mapping[str, Build] = {
    "Not": pl.Expr.not_,
    "IsNull": pl.Expr.is_null,
    "IsNotNull": pl.Expr.is_not_null,
    "IsNan": pl.Expr.is_nan,
    "IsNotNan": pl.Expr.is_not_nan,
    "IsFinite": pl.Expr.is_finite,
    "IsInfinite": pl.Expr.is_infinite,
    "Abs": pl.Expr.abs,
    "FillNull": pl.Expr.fill_null,
    "IsIn": pl.Expr.is_in,
    "NullCount": pl.Expr.null_count,
    "Any": pl.Expr.any,
    "All": pl.Expr.all,
}
AGGREGATES: Mapping[str, Build] = {
    "Sum": pl.Expr.sum,
    "Min": pl.Expr.min,
    "Max": pl.Expr.max,
    "Mean": pl.Expr.mean,
    "Count": pl.Expr.count,
    "NUnique": pl.Expr.n_unique,
}
TAKES_MANY: Mapping[str, Build] = {
    "AllHorizontal": pl.all_horizontal,
    "AnyHorizontal": pl.any_horizontal,
    "SumHorizontal": pl.sum_horizontal,
    "MeanHorizontal": pl.mean_horizontal,
    "MinHorizontal": pl.min_horizontal,
    "MaxHorizontal": pl.max_horizontal,
    "AsStruct": pl.struct,
    "Coalesce": pl.coalesce,
}
"""Functions that take all columns of a selector as arguments, rather than being asked for each."""
CLOSED = ("both", "left", "right", "none")


def tree_of(expression: pl.Expr) -> Tree:
    """Give an expression as plain data.

    Raises:
        SchemaError: when a Python function stands in it, which no data can hold.
    """
    try:
        return json.loads(expression.meta.serialize(format="json"))
    except pl.exceptions.ComputeError as error:
        raise SchemaError("a Python function stands in it together with what only an expression can say") from error


def spell_out(expression: pl.Expr, schema: pl.Schema) -> list[pl.Expr]:
    """Give the expressions that one with selectors (`pl.all()`, `cs.numeric()`) stands for over a schema's columns.

    In the plan, where raw values and provenance stand beside the typed columns, selectors would stand for more.

    Raises:
        SchemaError: when it cannot be told for certain which columns are meant where.

    >>> rows = pl.LazyFrame({"a": [1], "b": [2]})
    >>> [str(one) for one in spell_out(pl.all() > 0, rows.collect_schema())]
    ['[(col("a")) > (dyn int: 0)]', '[(col("b")) > (dyn int: 0)]']
    """
    if not expression.meta.has_multiple_outputs():
        return [expression]
    rows = pl.LazyFrame(schema=schema)

    def columns(node: pl.Expr, tree: Tree) -> list[pl.Expr] | None:
        if not (isinstance(tree, dict) and "Selector" in tree):
            return None
        return [pl.col(name) for name in rows.select(node).collect_schema().names()]

    refusal = SchemaError("it selects columns in a way that cannot be spelled out; name them one by one")
    spelled = _rebuild(expression, columns, refusal)
    if rows.select(expression).collect_schema() != rows.select(spelled).collect_schema():
        raise refusal
    return spelled


@dataclass(frozen=True)
class Aggregate:
    """One aggregate of an expression: its kind, itself, what it aggregates (None: rows as such), and a word for it."""

    kind: str
    whole: pl.Expr
    of: pl.Expr | None
    ddof: int = 0

    @property
    def word(self) -> str:
        """The aggregate as an author writes it, such as `mean(price)`."""
        inside = ", ".join(dict.fromkeys(self.of.meta.root_names())) if self.of is not None else ""
        return f"{WORDS.get(self.kind, self.kind.lower())}({inside})"


def split(expression: pl.Expr, column: str) -> tuple[list[Aggregate], pl.Expr]:
    """Part an expression into its aggregates and what is said of them.

    The second is an expression over columns `<column>0`, `<column>1` ... that hold the aggregates' values.

    Raises:
        SchemaError: when it holds an aggregate that cannot be put together from those of batches.
    """
    found: list[Aggregate] = []

    def value(node: pl.Expr, tree: Tree) -> list[pl.Expr] | None:
        aggregate = _aggregate(node, tree)
        if aggregate is not None:
            found.append(aggregate)
            return [pl.col(f"{column}{len(found) - 1}")]
        if _function(tree) and _is_over_rows(node):
            raise _unmergeable(_function(tree))
        if isinstance(tree, dict) and set(tree) & {"Column", "Over", "Selector"}:
            raise _unmergeable("a mix of rows and aggregates")
        return None

    refusal = SchemaError("it says of its aggregates what no rule can; compare them, and combine with &, | and ~")
    said = _rebuild(expression, value, refusal)
    return found, said[0]


def _rebuild(expression: pl.Expr, replace: Replace, refusal: SchemaError) -> list[pl.Expr]:
    """Put an expression together again with some of its nodes replaced; several where a node stands for several."""
    tree = tree_of(expression)
    replaced = replace(expression, tree)
    if replaced is not None:
        return replaced
    own = expression.meta.pop()[::-1]
    parts = [_rebuild(part, replace, refusal) for part in own]
    if all(len(new) == 1 and new[0] is old for new, old in zip(parts, own, strict=True)):
        return [expression]
    build = _builder(tree)
    if build is None or not build(*own).meta.eq(expression):
        raise refusal
    if _function(tree) in TAKES_MANY:
        return [build(*(one for part in parts for one in part))]
    width = max(len(part) for part in parts)
    if any(len(part) not in {1, width} for part in parts):
        raise refusal
    return [build(*(part[n] if len(part) > 1 else part[0] for part in parts)) for n in range(width)]


def _builder(tree: Tree) -> Build | None:
    """What builds a node of a kind from its parts; None when it is not known."""
    if "BinaryExpr" in tree:
        return OPERATORS.get(tree["BinaryExpr"]["op"])
    if "Agg" in tree:
        return AGGREGATES.get(next(iter(tree["Agg"])))
    if "Ternary" in tree:
        return lambda truthy, falsy, predicate: pl.when(predicate).then(truthy).otherwise(falsy)
    return _function_builder(tree)


def _function_builder(tree: Tree) -> Build | None:
    name, said = _function(tree), _parameters(tree)
    if name == "IsBetween":
        closed = next((c for c in CLOSED if c == str(said.get("closed")).lower()), "both")
        return partial(pl.Expr.is_between, closed=closed)  # type: ignore[arg-type]
    if name == "Round":
        return partial(pl.Expr.round, decimals=said.get("decimals", 0))
    if name == "FieldByName":
        return lambda struct: struct.struct.field(said["FieldByName"])
    return FUNCTIONS.get(name) or TAKES_MANY.get(name)


def _parameters(tree: Tree) -> dict[str, Any]:
    called = tree.get("Function", {}).get("function", {}) if isinstance(tree, dict) else {}
    while isinstance(called, dict) and len(called) == 1 and isinstance(next(iter(called.values())), dict):
        called = next(iter(called.values()))
    return called if isinstance(called, dict) else {}


def _function(tree: Tree) -> str:
    """The name of the function that a node calls; empty when it calls none."""
    called = tree.get("Function", {}).get("function", "") if isinstance(tree, dict) else ""
    while isinstance(called, dict):
        name, inner = next(iter(called.items()))
        called = inner if name in {"Boolean", "StructExpr"} else name
    return str(called)


def _aggregate(node: pl.Expr, tree: Tree) -> Aggregate | None:
    if tree == "Len":
        return Aggregate("Len", node, None)
    if isinstance(tree, dict) and "Agg" in tree:
        return _plain_aggregate(node, tree["Agg"])
    return Aggregate(_function(tree), node, node.meta.pop()[0]) if _function(tree) in MERGING_FUNCTIONS else None


def _plain_aggregate(node: pl.Expr, tree: dict[str, Tree]) -> Aggregate:
    kind, said = next(iter(tree.items()))
    if kind not in MERGING:
        raise _unmergeable(kind)
    ddof = said[1] if kind in {"Std", "Var"} else 0
    counts_nulls = kind == "Count" and said["include_nulls"]
    return Aggregate("Len" if counts_nulls else kind, node, node.meta.pop()[0], ddof)


def _is_over_rows(node: pl.Expr) -> bool:
    """Whether a function is asked of rows themselves, not of aggregates."""
    parts: Sequence[pl.Expr] = node.meta.pop()
    return any(isinstance(tree, dict) and "Column" in tree for tree in map(tree_of, parts))


def _unmergeable(kind: str) -> SchemaError:
    return SchemaError(
        f"it judges the whole dataset by {kind.lower()}, which cannot be put together from batches; use {KNOWN}"
    )
