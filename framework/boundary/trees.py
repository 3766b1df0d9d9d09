"""Expressions taken apart and put together again, such as selectors spelled out.

Polars tells what an expression is made of (`meta.pop`, its JSON), in words that are private to a version; only this
module and `aggregates` know them (polars 2.1). Nothing is read back from JSON, which could bring code along: nodes are
built anew by public calls, and a node counts as known only if what is built of its own parts equals it.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import polars as pl

from framework.errors import SchemaError

Tree = Any
"""JSON: a node is an object with one key, its kind, or a text when it has no parts."""
Replace = Callable[[pl.Expr, Tree], "list[pl.Expr] | None"]
"""Gives what a node stands for; None: nothing else."""
Build = Callable[..., pl.Expr]

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
    spelled = rebuild(expression, columns, refusal)
    try:
        is_same = rows.select(expression).collect_schema() == rows.select(spelled).collect_schema()
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"it does not fit the columns' types: {str(error).splitlines()[0]}") from error
    if not is_same:
        raise refusal
    return spelled


def rebuild(expression: pl.Expr, replace: Replace, refusal: SchemaError) -> list[pl.Expr]:
    """Put an expression together again with some of its nodes replaced; several where a node stands for several."""
    tree = tree_of(expression)
    replaced = replace(expression, tree)
    if replaced is not None:
        return replaced
    own = expression.meta.pop()[::-1]
    parts = [rebuild(part, replace, refusal) for part in own]
    if all(len(new) == 1 and new[0] is old for new, old in zip(parts, own, strict=True)):
        return [expression]
    build = builder_of(expression, tree)
    if build is None:
        raise refusal
    if function_of(tree) in TAKES_MANY:
        return [build(*(one for part in parts for one in part))]
    width = max(len(part) for part in parts)
    if any(len(part) not in {1, width} for part in parts):
        raise refusal
    return [build(*(part[n] if len(part) > 1 else part[0] for part in parts)) for n in range(width)]


def builder_of(expression: pl.Expr, tree: Tree) -> Build | None:
    """What builds an expression's root from its parts; None when that is not known for certain."""
    build = _builder(tree) if isinstance(tree, dict) else None
    return build if build is not None and build(*expression.meta.pop()[::-1]).meta.eq(expression) else None


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
    name, said = function_of(tree), _parameters(tree)
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


def function_of(tree: Tree) -> str:
    """The name of the function that a node calls; empty when it calls none."""
    called = tree.get("Function", {}).get("function", "") if isinstance(tree, dict) else ""
    while isinstance(called, dict):
        name, inner = next(iter(called.items()))
        called = inner if name in {"Boolean", "StructExpr"} else name
    return str(called)
