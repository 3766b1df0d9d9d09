"""Rules in SQL: one expression over columns, made into an expression of the plan.

NOTE: Polars (2.1) reads `price < 0.5` as a function of SQL's own, whose type it cannot tell without columns, so that
nobody can say how much of the data such an expression looks at. Where it stands beside an aggregate or a window, it is
written with the operators of Polars instead; over single rows it is left as it is.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.trees import AGGREGATES, OPERATORS, tree_of
from framework.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOMENTS = ("now", "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "today")
SKIPPED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*""")
"""Texts, names in quotes and comments: words in them mean nothing."""
ACROSS = {"Agg", "Over", "Window", "Rolling", "AnonymousFunction", "Gather", "Sort", "SortBy", "Filter", "Slice"}
COUNTS = {"Count", "NUnique"}
COMPARISONS: dict[str, Callable[[Any, Any], pl.Expr]] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtEq": operator.le,
    "Gt": operator.gt,
    "GtEq": operator.ge,
}
ARITHMETIC: dict[str, Callable[[Any, Any], pl.Expr]] = {
    "Plus": operator.add,
    "Minus": operator.sub,
    "Mul": operator.mul,
    "Multiply": operator.mul,
    "Div": operator.truediv,
    "Divide": operator.truediv,
}


def read_sql(text: str, schema: pl.Schema) -> pl.Expr:
    """Give the expression that a rule in SQL stands for, over columns of a schema.

    Raises:
        SchemaError: when it is none, or one that means something else at every look.

    >>> rows = pl.Schema({"net": pl.Decimal(9, 2), "gross": pl.Decimal(9, 2)})
    >>> print(read_sql("net <= gross", rows))
    [(col("net")) <= (col("gross"))]
    """
    words = {word.lower() for word in re.findall(r"\w+", SKIPPED.sub(" ", text))}
    moment = next((word for word in MOMENTS if word in words and word not in schema), None)
    if moment:
        fix = "compare with run_time() in Python and refer to that by `python:`"
        raise SchemaError(f"{moment.upper()} is another time at every look; {fix}")
    expression = parse_sql(text)
    if not _looks_across(tree_of(expression)) or not set(expression.meta.root_names()) <= set(schema):
        return expression  # columns that are not there are named when the rule is compiled
    try:
        spelled = _Spelling(schema).spell(expression)
        return _Spelling(schema, is_total=True).spell(expression) if spelled.meta.is_scalar() else spelled
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"does not fit the types of its columns: {str(error).splitlines()[0]}") from error


def parse_sql(text: str) -> pl.Expr:
    """Give an expression in SQL as Polars reads it.

    Raises:
        SchemaError: when it is none.
    """
    try:
        return pl.sql_expr(text).meta.undo_aliases()
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise SchemaError(f"is no expression in SQL: {str(error).splitlines()[0]}") from error


@dataclass(frozen=True)
class _Spelling:
    """Writes what SQL has of its own with operators of Polars, over columns of a schema.

    `is_total`: the expression gives one answer for all rows, whose counts are signed wherever they stand.
    """

    schema: pl.Schema
    is_total: bool = False

    def spell(self, expression: pl.Expr) -> pl.Expr:
        tree = tree_of(expression)
        if not (isinstance(tree, dict) and (_has(tree, "Sql") or _has(tree, "Cast"))):
            return expression
        kind = next(iter(tree))
        parts = expression.meta.pop(schema=self.schema)[::-1]
        if kind == "Function":
            return self._function(tree[kind]["function"], [self.spell(part) for part in parts])
        if kind == "Cast":
            return self._cast(expression, self.spell(parts[0]), tree[kind])
        build = self._builder(kind, tree)
        if build is not None:
            return build(*map(self.spell, parts))
        if not _has(tree, "Sql"):
            return expression
        raise _unclear()

    @staticmethod
    def _builder(kind: str, tree: Any) -> Callable[..., pl.Expr] | None:
        """What builds a node again from its parts; None where that is not known."""
        if kind == "BinaryExpr":
            return OPERATORS[tree[kind]["op"]]
        if kind == "Ternary":
            return lambda truthy, falsy, predicate: pl.when(predicate).then(truthy).otherwise(falsy)
        return AGGREGATES.get(next(iter(tree[kind]))) if kind == "Agg" else None

    def _cast(self, whole: pl.Expr, inner: pl.Expr, said: Any) -> pl.Expr:
        own = said["expr"]
        is_count = own == "Len" or (isinstance(own, dict) and set(own.get("Agg", ())) & COUNTS)
        if is_count and self.is_total:
            return inner
        dtype = self._type(whole)
        if dtype == pl.Boolean and self._type(inner) == pl.Boolean:
            return inner
        return inner.cast(dtype, strict=said["options"] != "NonStrict")

    def _function(self, called: Any, parts: list[pl.Expr]) -> pl.Expr:
        if called == {"Boolean": "Not"}:
            return ~parts[0]
        word = called["Sql"].get("Binary") if isinstance(called, dict) and isinstance(called.get("Sql"), dict) else None
        if word in COMPARISONS:
            return COMPARISONS[word](*self._alike(*parts))
        if word in ARITHMETIC and not (word.startswith("Div") and all(self._type(p).is_integer() for p in parts)):
            return ARITHMETIC[word](*self._alike(*parts))
        raise _unclear()

    def _alike(self, left: pl.Expr, right: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
        """Numbers with a point are decimals in SQL; beside floats they are floats of the same width."""
        types = self._type(left), self._type(right)
        wide = next((dtype for dtype in types if dtype.is_float()), None)
        if wide is None:
            return left, right
        alike = [
            side.cast(wide) if side.meta.is_literal() and dtype.is_decimal() else side
            for side, dtype in zip((left, right), types, strict=True)
        ]
        return alike[0], alike[1]

    def _type(self, expression: pl.Expr) -> pl.DataType:
        return pl.LazyFrame(schema=self.schema).select(expression.alias("_")).collect_schema()["_"]


def _has(tree: Any, kind: str) -> bool:
    return any(kind in node for node in _nodes(tree) if isinstance(node, dict))


def _looks_across(tree: Any) -> bool:
    """Whether some part of a tree looks at more than one row."""
    return any(node == "Len" or (isinstance(node, dict) and ACROSS & set(node)) for node in _nodes(tree))


def _nodes(tree: Any) -> Iterator[Any]:
    yield tree
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for part in inner:
        if not isinstance(part, int):
            yield from _nodes(part)


def _unclear() -> SchemaError:
    return SchemaError(
        "mixes aggregates or windows with functions of SQL in a way that cannot be spelled out; "
        "say it in Python and refer to that by `python:`"
    )
