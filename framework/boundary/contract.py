"""A Pandera schema as a contract: typed columns and rules that are expressions of one plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from framework.boundary.trace import register_backends, tier, trace
from framework.errors import DefinitionError, Problem, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandera import Check
    from pandera.polars import DataFrameModel, DataFrameSchema

Severity = Literal["error", "warning", "waiting"]

_WORDS = {
    "greater_than": "must be > {min_value}",
    "greater_than_or_equal_to": "must be >= {min_value}",
    "less_than": "must be < {max_value}",
    "less_than_or_equal_to": "must be <= {max_value}",
    "in_range": "must be within {min_value} and {max_value}",
    "equal_to": "must be {value}",
    "not_equal_to": "must not be {value}",
    "isin": "must be one of {allowed_values}",
    "notin": "must be none of {forbidden_values}",
    "str_matches": "must match {pattern}",
    "str_contains": "must contain {pattern}",
    "str_startswith": "must start with {string}",
    "str_endswith": "must end with {string}",
    "str_length": "must have {length} characters",
}


@dataclass(frozen=True)
class Rule:
    """One rule: an expression that is true where it holds, and what to say where it does not."""

    name: str
    column: str | None
    holds: pl.Expr
    message: str
    severity: Severity = "error"
    is_window: bool = False

    @property
    def reason(self) -> str:
        """What a quarantined row carries, such as `quantity: must be > 0`."""
        return f"{self.column}: {self.message}" if self.column else self.message


@dataclass(frozen=True)
class ColumnSpec:
    """One column of a contract."""

    name: str
    dtype: pl.DataType
    nullable: bool
    required: bool
    default: Any
    formats: tuple[str, ...]
    is_sensitive: bool


@dataclass(frozen=True)
class Contract:
    """A compiled schema: its columns in order, and its rules over the typed columns."""

    name: str
    columns: dict[str, ColumnSpec]
    rules: tuple[Rule, ...]
    is_strict: bool

    @property
    def schema(self) -> pl.Schema:
        """The frame schema that rows have behind the boundary."""
        return pl.Schema({name: column.dtype for name, column in self.columns.items()})


def compile_contract(model: type[DataFrameModel]) -> Contract:
    """Compile a schema into the expressions that hold its rules.

    Lazy: no data is touched. Rules that use `run_time()` are fixed to the run in which they are compiled.

    Raises:
        DefinitionError: at definition, naming everything of the schema that cannot be compiled.
    """
    register_backends()
    declared = model.to_schema()
    problems = list(_unsupported(model.__name__, declared))
    columns = {name: _column(name, column) for name, column in declared.columns.items() if _is_typed(column)}
    schema = pl.Schema({name: spec.dtype for name, spec in columns.items()})
    rules: list[Rule] = []
    for where, column, check in _checks(declared):
        if check.groupby is not None or (len(columns) < len(declared.columns) and column not in columns):
            continue  # reported already
        try:
            rules.append(_rule(check, column, schema))
        except SchemaError as error:
            problems.append(Problem(f"{model.__name__}.{where}", str(error)))
    if problems:
        raise DefinitionError(problems)
    rules.extend(_unique_rules(declared))
    return Contract(model.__name__, columns, tuple(rules), declared.strict is True)


def _unsupported(name: str, declared: DataFrameSchema) -> Iterator[Problem]:
    if declared.ordered:
        yield Problem(name, "`ordered` is not supported", "the order of columns carries no meaning here; drop it")
    for column_name, column in declared.columns.items():
        where = f"{name}.{column_name}"
        if column.regex:
            yield Problem(where, "regex columns are not supported", "declare each column")
        if column.dtype is None:
            yield Problem(where, "the column has no type", "annotate it")
        elif not _is_typed(column):
            yield Problem(where, f"type {column.dtype} cannot be compiled", "use a Polars type")
    for where, _, check in _checks(declared):
        if check.groupby is not None:
            yield Problem(f"{name}.{where}", "`groupby` is ignored by Pandera on Polars", "use `.over()` in the check")


def _is_typed(column: Any) -> bool:
    return column.dtype is not None and isinstance(column.dtype.type, pl.DataType | type)


def _checks(declared: DataFrameSchema) -> Iterator[tuple[str, str | None, Check]]:
    for name, column in declared.columns.items():
        for check in column.checks:
            yield f"{name}.{check.name}", name, check
    for check in declared.checks:
        yield str(check.name), None, check


def _column(name: str, column: Any) -> ColumnSpec:
    dtype = column.dtype.type
    metadata = column.metadata or {}
    formats = metadata.get("formats", ())
    return ColumnSpec(
        name=name,
        dtype=dtype() if isinstance(dtype, type) else dtype,
        nullable=column.nullable,
        required=column.required,
        default=column.default,
        formats=(formats,) if isinstance(formats, str) else tuple(formats),
        is_sensitive=bool(metadata.get("sensitive", False)),
    )


def _rule(check: Check, column: str | None, schema: pl.Schema) -> Rule:
    expression = _built_in(check, column, schema) if column else None
    if expression is None:
        expression = trace(check, column, schema)
    reach = tier(expression, schema)
    if reach == "dataset":
        raise SchemaError("it judges the whole dataset, which a row rule cannot; compare row by row or use `.over()`")
    holds = expression if check.ignore_na else expression.fill_null(value=False)
    name = str(check.name or check.registry_name or "check")
    severity: Severity = "warning" if check.raise_warning else "error"
    return Rule(name, column, holds, _message(check, name), severity, is_window=reach == "window")


def _built_in(check: Check, column: str, schema: pl.Schema) -> pl.Expr | None:
    """The built-in checks whose Pandera form means something else on Polars 2.1."""
    statistics = check.statistics or {}
    if check.registry_name in {"str_matches", "str_contains"}:
        # NOTE: Pandera writes `^a|b`, which accepts any text with a b in it.
        pattern = getattr(statistics["pattern"], "pattern", statistics["pattern"])
        return pl.col(column).str.contains(
            _usable(f"^(?:{pattern})" if check.registry_name == "str_matches" else pattern)
        )
    if check.registry_name in {"isin", "notin"}:
        found = pl.col(column).is_in(_values(statistics, schema[column]).implode())
        return found if check.registry_name == "isin" else ~found
    return None


def _usable(pattern: str) -> str:
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        why = next((line for line in str(error).splitlines() if line.startswith("error: ")), str(error))
        raise SchemaError(f"pattern '{pattern}' cannot be used: {why.removeprefix('error: ')}") from error
    return pattern


def _values(statistics: dict[str, Any], dtype: pl.DataType) -> pl.Series:
    """The values of `isin` and `notin` in the column's type, which `is_in` would not give them, in an order."""
    values = statistics.get("allowed_values", statistics.get("forbidden_values"))
    try:
        return pl.Series(list(values or ()), dtype=dtype).sort()
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise SchemaError(f"its values are not of the column's type {dtype}") from error


def _message(check: Check, name: str) -> str:
    given = str(check.error or "")
    words = _WORDS.get(str(check.registry_name))
    if given and not (words and given.startswith(f"{check.registry_name}(")):
        return given
    if words is None:
        return f"breaks rule {name}"
    statistics = {k: sorted(v) if isinstance(v, set | frozenset) else v for k, v in (check.statistics or {}).items()}
    return words.format(**statistics, length=_length(statistics))


def _length(statistics: dict[str, Any]) -> str:
    if statistics.get("exact_value") is not None:
        return f"exactly {statistics['exact_value']}"
    least, most = statistics.get("min_value"), statistics.get("max_value")
    if least is None or most is None:
        return f"at most {most}" if least is None else f"at least {least}"
    return f"{least} to {most}"


def _unique_rules(declared: DataFrameSchema) -> Iterator[Rule]:
    # NOTE: `is_duplicated` leaves the streaming engine (polars 2.1); a window over the key does not.
    for name, column in declared.columns.items():
        if column.unique:
            yield Rule("unique", name, pl.len().over(name) == 1, "must be unique", is_window=True)
    keys = declared.unique
    if keys:
        names = [keys] if isinstance(keys, str) else list(keys)
        yield Rule(
            "unique", None, pl.len().over(names) == 1, f"{', '.join(names)}: must be unique together", is_window=True
        )
