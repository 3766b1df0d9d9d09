"""From a Pandera check to a rule: traced, spelled out, and told apart by how much of the data it looks at."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.dataset.aggregates import Aggregate, split
from framework.boundary.dataset.rule import DatasetRule
from framework.boundary.rule import Rule, Severity
from framework.boundary.terms import terms_of
from framework.boundary.trace import answers_every_row, tier, trace
from framework.boundary.trees import function_of, spell_out, tree_of
from framework.boundary.wording import message_of, rule_name
from framework.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandera import Check
    from pandera.polars import DataFrameSchema


@dataclass(frozen=True)
class Declared:
    """A check as it is declared: on a column, or on the frame."""

    column: str | None
    check: Check

    @property
    def where(self) -> str:
        """Where the check stands in its schema."""
        name = self.check.name
        return f"{self.column}.{name}" if self.column else str(name)


def compile_check(declared: Declared, schema: pl.Schema) -> Rule | DatasetRule:
    """Compile one check over columns of a schema.

    Raises:
        SchemaError: when the check is no expression, or one that no plan can answer row by row or batch by batch.
    """
    check, column = declared.check, declared.column
    _require_meaning(check)
    expression = _built_in(check, column, schema) if column else None
    if isinstance(expression, DatasetRule):
        return _without_budget(expression)
    if expression is None:
        traced = trace(check, column, schema)
        every = [one for said in traced for one in spell_out(said, schema)]
        expression = every[0] if len(every) == 1 else pl.all_horizontal(every)
    _require_answer(expression, schema)
    reach = tier(expression, schema)
    if reach == "dataset":
        return _without_budget(_dataset_rule(check, column, expression, schema))
    holds = expression if check.ignore_na else expression.fill_null(value=False)
    # Without `ignore_na` a built-in check also asks for a value, which what it is called by does not say.
    kind = str(check.registry_name or "") if check.ignore_na and column else ""
    values = dict(check.statistics or {}) if kind else {}
    is_window = reach == "window"
    words = message_of(check)
    told: dict[str, Any] = {"severity": _severity(check), "description": _description(check), "terms": terms_of(check)}
    return Rule(rule_name(check), column, holds, words, is_window=is_window, kind=kind, values=values, **told)


def _description(check: Check) -> str:
    return inspect.cleandoc(str(check.description)) if check.description else ""


def _without_budget(rule: DatasetRule) -> DatasetRule:
    if rule.terms.budget is not None:
        raise SchemaError("it judges all rows at once, so no rows can be counted for its budget; leave budget out")
    return rule


def _severity(check: Check) -> Severity:
    return "warning" if check.raise_warning else "error"


def _require_meaning(check: Check) -> None:
    if check.groupby is not None or check.groups is not None:
        raise SchemaError("`groupby` is ignored by Pandera on Polars; use `.over()` in the check")
    if type(check).__name__ == "Hypothesis":
        raise SchemaError("a hypothesis test is not supported by Pandera on Polars; test in a step")


def _require_answer(expression: pl.Expr, schema: pl.Schema) -> None:
    """Ask the expression about no rows: it must know its columns and their types, and answer with true or false."""
    try:
        dtype = _type_of(expression, schema)
    except pl.exceptions.ColumnNotFoundError as error:
        name = next((n for n in expression.meta.root_names() if n not in schema), "")
        near = did_you_mean(name, schema.names()) if name else str(error).splitlines()[0]
        raise SchemaError(f"it looks at column '{name}', which the schema does not have; {near}") from error
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise SchemaError(f"it does not fit the column's type: {str(error).splitlines()[0]}") from error
    if dtype not in {pl.Boolean, pl.Null}:
        raise SchemaError(f"it answers with {dtype}, not with true or false")
    if not answers_every_row(expression):
        raise SchemaError("it does not answer for every row, as it drops or adds some; use when/then to leave rows out")


def _type_of(expression: pl.Expr, schema: pl.Schema) -> pl.DataType:
    if not _asks_quantile(expression):
        return pl.DataFrame(schema=schema).select(expression).to_series().dtype
    # NOTE: Polars panics at a quantile of no dates (polars 2.1), so the plan is asked, which knows less.
    return pl.LazyFrame(schema=schema).select(expression).collect_schema().dtypes()[0]


def _asks_quantile(expression: pl.Expr) -> bool:
    try:
        return function_of(tree_of(expression)) == "Quantile" or any(map(_asks_quantile, expression.meta.pop()))
    except (SchemaError, pl.exceptions.ColumnNotFoundError):  # a Python function
        return False


def _dataset_rule(check: Check, column: str | None, expression: pl.Expr, schema: pl.Schema) -> DatasetRule:
    aggregates, said = split(expression, DatasetRule.COLUMN, schema)
    if any(aggregate.whole.meta.has_multiple_outputs() for aggregate in aggregates):
        raise SchemaError("it aggregates several columns at once; name them one by one")
    holds = said if check.ignore_na else said.fill_null(value=False)
    return _over_all(check, column, tuple(aggregates), holds)


def _over_all(check: Check, column: str | None, aggregates: tuple[Aggregate, ...], holds: pl.Expr) -> DatasetRule:
    words, why, terms = message_of(check), _description(check), terms_of(check)
    return DatasetRule(rule_name(check), column, aggregates, holds, words, _severity(check), why, terms)


def _built_in(check: Check, column: str, schema: pl.Schema) -> pl.Expr | DatasetRule | None:
    """The built-in checks whose Pandera form means something else on Polars 2.1, or is no expression."""
    statistics = check.statistics or {}
    if check.registry_name in {"str_matches", "str_contains"}:
        if schema[column] != pl.String:
            raise SchemaError(f"it is for text, and the column is {schema[column]}")
        # NOTE: Pandera writes `^a|b`, which accepts any text with a b in it.
        pattern = getattr(statistics["pattern"], "pattern", statistics["pattern"])
        bound = pattern if check.registry_name == "str_contains" else f"^(?:{pattern})"
        return pl.col(column).str.contains(_usable(bound))
    if check.registry_name in {"isin", "notin"}:
        values = _values(statistics.get("allowed_values", statistics.get("forbidden_values")), schema[column])
        found = pl.col(column).is_in(values.implode())
        return found if check.registry_name == "isin" else ~found
    if check.registry_name == "unique_values_eq":
        values = _values(statistics["values"], schema[column]).drop_nulls().unique().sort()
        distinct = Aggregate("Distinct", pl.col(column), pl.col(column))
        said = pl.col(f"{DatasetRule.COLUMN}0") == pl.lit(values).implode()
        return _over_all(check, column, (distinct,), said)
    return None


def _usable(pattern: str) -> str:
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        why = next((line for line in str(error).splitlines() if line.startswith("error: ")), str(error))
        raise SchemaError(f"pattern '{pattern}' cannot be used: {why.removeprefix('error: ')}") from error
    return pattern


def _values(values: Any, dtype: pl.DataType) -> pl.Series:
    """The values of `isin` and `notin` in the column's type, which `is_in` would not give them, in an order."""
    if dtype.is_nested():
        raise SchemaError(f"values of type {dtype} cannot be looked up; write the comparison as an expression")
    try:
        return pl.Series(list(values or ()), dtype=dtype).sort()
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise SchemaError(f"its values are not of the column's type {dtype}") from error


def unique_rules(declared: DataFrameSchema) -> Iterator[Rule]:
    """The rules behind `unique`, of columns and of the frame: every row of a duplicate breaks them, nulls are equal."""
    # NOTE: `is_duplicated` leaves the streaming engine (polars 2.1); a window over the key does not.
    for name, column in declared.columns.items():
        if column.unique:
            holds = pl.len().over(name) == 1
            yield Rule("unique", name, holds, "must be unique", is_window=True, keys=(name,))
    keys = (declared.unique,) if isinstance(declared.unique, str) else tuple(declared.unique or ())
    if keys:
        words = f"{', '.join(keys)}: must be unique together"
        yield Rule("unique", None, pl.len().over(keys) == 1, words, is_window=True, keys=keys)
