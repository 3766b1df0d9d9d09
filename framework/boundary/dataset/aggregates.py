"""Rules over all rows, parted into their aggregates: those of batches put together, and those of a second look.

`sum` of the whole is the sum of the sums of batches. The median is nothing of the kind: for such, the columns it looks
at are set aside while the batches pass. Batches pass in no order, so what depends on the order of rows has no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from framework.boundary.trace import is_row_wise
from framework.boundary.trees import Tree, builder_of, function_of, rebuild, tree_of
from framework.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polars._typing import QuantileMethod

Grain = Literal["one", "rows", "some"]
"""What an expression gives: one value for all rows, a value for each row, or values for some of them."""

MERGING = {"Sum", "Min", "Max", "Mean", "Std", "Var", "Count", "NUnique"}
MERGING_FUNCTIONS = {"NullCount", "Any", "All"}
NUMBERS_ONLY = {"Mean", "Std", "Var"}
IN_NO_ORDER = {"Sum", "Min", "Max", "Mean", "Std", "Var", "Count", "NUnique", "Median"}
IN_NO_ORDER_FUNCTIONS = {
    *("NullCount", "Any", "All", "HasNulls", "Quantile", "Skew", "Kurtosis", "Entropy", "Product"),
    *("ApproxNUnique", "Correlation"),
}
FOR_EACH_ROW = {"IsDuplicated", "IsUnique"}
FOR_SOME_ROWS = {"DropNulls", "DropNans", "Unique", "UniqueCounts", "ValueCounts", "Mode", "TopK"}
ANSWERED = "len, count, null_count, sum, mean, min, max, std, var, n_unique, any, all, "
ANSWERED += "median, quantile, mode, skew or kurtosis"
WORDS = {"NUnique": "n_unique", "NullCount": "null_count", "Len": "len", "ApproxNUnique": "approx_n_unique"}


@dataclass(frozen=True)
class Aggregate:
    """One aggregate of an expression: its kind, itself, what it aggregates (None: rows as such), and a word for it.

    The kinds `Quantile` (`of`, at `probability`, by `method`) and `Look` (`whole`, whatever it is) take a second look.
    """

    kind: str
    whole: pl.Expr
    of: pl.Expr | None
    ddof: int = 0
    probability: float = 0.5
    method: QuantileMethod = "linear"

    @property
    def takes_second_look(self) -> bool:
        """Whether its value cannot be put together from those of batches."""
        return self.kind in {"Quantile", "Look"}

    @property
    def columns(self) -> list[str]:
        """The columns it looks at."""
        return list(dict.fromkeys(self.whole.meta.root_names()))

    @property
    def word(self) -> str:
        """The aggregate as an author writes it, such as `mean(price)`."""
        if self.takes_second_look:
            return _said(self.whole)
        inside = ", ".join(dict.fromkeys(self.of.meta.root_names())) if self.of is not None else ""
        return f"{WORDS.get(self.kind, self.kind.lower())}({inside})"


def split(expression: pl.Expr, column: str, schema: pl.Schema) -> tuple[list[Aggregate], pl.Expr]:
    """Part an expression into its aggregates and what is said of them.

    The second is an expression over columns `<column>0`, `<column>1` ... that hold the aggregates' values.

    Raises:
        SchemaError: when it depends on the order of rows.
    """
    found: list[Aggregate] = []

    def value(node: pl.Expr, tree: Tree) -> list[pl.Expr] | None:
        if node.meta.is_literal():
            return [node]
        aggregate = _aggregate(node, tree, schema)
        if aggregate is None:
            return None
        found.append(aggregate)
        return [pl.col(f"{column}{len(found) - 1}")]

    refusal = SchemaError("it says of its aggregates what no rule can; compare them, and combine with &, | and ~")
    said = rebuild(expression, value, refusal)
    return found, said[0]


def _aggregate(node: pl.Expr, tree: Tree, schema: pl.Schema) -> Aggregate | None:
    """A node as an aggregate; None where it says something of aggregates below it."""
    merging = _merging(node, tree)
    if merging is not None and _is_put_together(merging, schema):
        return merging
    parts: Sequence[pl.Expr] = node.meta.pop()
    if merging is None and builder_of(node, tree) and all(_is_one(part) for part in parts):
        return None
    if _grain(node, tree, schema) != "one":
        raise SchemaError("it mixes a value for all rows with values of single rows")
    quantile = _quantile(node, tree)
    if quantile is None:
        _require_safe_quantiles(node, schema)
    return quantile or Aggregate("Look", node, None)


def _merging(node: pl.Expr, tree: Tree) -> Aggregate | None:
    """A node as an aggregate of a kind that can be put together from those of batches."""
    if tree == "Len":
        return Aggregate("Len", node, None)
    if isinstance(tree, dict) and "Agg" in tree:
        kind, said = next(iter(tree["Agg"].items()))
        if kind not in MERGING:
            return None
        ddof = said[1] if kind in {"Std", "Var"} else 0
        counts_nulls = kind == "Count" and said["include_nulls"]
        return Aggregate("Len" if counts_nulls else kind, node, node.meta.pop()[0], ddof)
    name = function_of(tree)
    return Aggregate(name, node, node.meta.pop()[0]) if name in MERGING_FUNCTIONS else None


def _is_put_together(aggregate: Aggregate, schema: pl.Schema) -> bool:
    """Whether an aggregate is of values that batches have, and of a type that can be added up."""
    inner = aggregate.of
    if inner is None:
        return True
    if not is_row_wise(inner, schema):
        return False
    dtype = pl.LazyFrame(schema=schema).select(inner).collect_schema().dtypes()[0]
    return aggregate.kind not in NUMBERS_ONLY or dtype.is_numeric() or dtype == pl.Boolean


def _quantile(node: pl.Expr, tree: Tree) -> Aggregate | None:
    """A node as a quantile."""
    parts = node.meta.pop()[::-1]
    if isinstance(tree, dict) and "Median" in tree.get("Agg", {}):
        return Aggregate("Quantile", node, parts[0])
    if function_of(tree) != "Quantile":
        return None
    probability = pl.select(parts[1]).item() if parts[1].meta.is_literal() else None
    if not isinstance(probability, int | float):
        raise SchemaError("it asks for a quantile at a share that is no number; give one, such as 0.9")
    method = tree["Function"]["function"]["Quantile"]["method"].lower()
    return Aggregate("Quantile", node, parts[0], probability=float(probability), method=method)


def _require_safe_quantiles(node: pl.Expr, schema: pl.Schema) -> None:
    """Refuse quantiles within other functions at which Polars would panic: of dates, where there are none (2.1)."""
    quantile = _quantile(node, tree_of(node))
    for part in node.meta.pop():
        _require_safe_quantiles(part, schema)
    if quantile is not None and quantile.of is not None and "Agg" not in tree_of(node):
        dtype = pl.LazyFrame(schema=schema).select(quantile.of).collect_schema().dtypes()[0]
        if dtype == pl.Date:
            raise SchemaError("it looks into a quantile of dates, which may be none; compare the quantile itself")


def _is_one(part: pl.Expr) -> bool:
    try:
        return bool(part.meta.is_literal() or part.meta.is_scalar())
    except pl.exceptions.ColumnNotFoundError:
        return False  # a Python function per element


def _grain(node: pl.Expr, tree: Tree, schema: pl.Schema) -> Grain:
    """What a node gives, in whatever order the rows come.

    Raises:
        SchemaError: when that depends on their order, or rows of different parts are put side by side.
    """
    if node.meta.is_literal() or tree == "Len":
        return "one"
    if "Column" in tree:
        return "rows"
    parts = [_grain(part, tree_of(part), schema) for part in node.meta.pop(schema=schema)]
    below = set(parts) - {"one"}
    if len(below) > 1 or parts.count("some") > 1:
        raise SchemaError("it puts values of some rows beside those of others; filter all of them alike")
    own: Grain = parts[0] if not below else next(iter(below))
    return _own_grain(node, tree, "one" if not below else own)


def _own_grain(node: pl.Expr, tree: dict[str, Any], below: Grain) -> Grain:
    """What a node makes of parts of a grain."""
    name = function_of(tree)
    if name in IN_NO_ORDER_FUNCTIONS or next(iter(tree.get("Agg", {"": None}))) in IN_NO_ORDER:
        return "one"
    if "Filter" in tree or "Explode" in tree or name in FOR_SOME_ROWS:
        return "some"
    if name in FOR_EACH_ROW or ("Over" in tree and tree["Over"]["order_by"] is None and below == "rows"):
        return below
    if node.meta.is_row_separable():
        return below
    raise SchemaError(f"it judges the whole dataset by {_name(tree)}, and batches come in no order; use {ANSWERED}")


def _said(node: pl.Expr) -> str:
    """An expression in few words: its functions, and the columns they look at."""
    tree = tree_of(node)
    if not isinstance(tree, dict):
        return f"{_name(tree)}()"
    if "Column" in tree:
        return str(tree["Column"])
    if "Agg" not in tree and "Function" not in tree:
        return ", ".join(dict.fromkeys(node.meta.root_names()))
    parts = [_said(part) for part in node.meta.pop()[::-1] if not part.meta.is_literal()]
    literals = [str(pl.select(part).item()) for part in node.meta.pop()[::-1] if _is_number(part)]
    return f"{_name(tree)}({', '.join([*dict.fromkeys(parts), *literals])})"


def _is_number(part: pl.Expr) -> bool:
    literal = tree_of(part).get("Literal") if part.meta.is_literal() else None
    return isinstance(literal, dict) and "Dyn" in literal


def _name(tree: Tree) -> str:
    """What a node does, as an author calls it."""
    if isinstance(tree, str):
        kind = tree
    elif "Agg" in tree:
        kind, said = next(iter(tree["Agg"].items()))
        kind = "Len" if kind == "Count" and said["include_nulls"] else kind
    else:
        kind = function_of(tree) or next(iter(tree))
    return WORDS.get(kind) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
