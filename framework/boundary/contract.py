"""A Pandera schema as a contract: typed columns and rules that are expressions of one plan."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.casts.metadata import older_names, read_metadata
from framework.boundary.casts.reading import STRICT, Reading
from framework.boundary.dataset.rule import DatasetRule
from framework.boundary.pandera_checks import Declared, compile_check, unique_rules
from framework.boundary.refused import is_typed, refuse, refuse_model
from framework.boundary.rule import Rule, Severity
from framework.boundary.terms import is_agreed
from framework.boundary.trace import register_backends, schema_of
from framework.core.frames import FILLED
from framework.errors import DefinitionError, Problem, SchemaError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pandera import Check
    from pandera.polars import DataFrameModel, DataFrameSchema

    from framework.core.fallback import Fallback

__all__ = ["ColumnSpec", "Contract", "DatasetRule", "Rule", "Severity", "compile_contract"]


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
    reading: Reading = STRICT
    aliases: tuple[str, ...] = ()
    fallback: tuple[Fallback, ...] = ()

    @property
    def is_filled_when_absent(self) -> bool:
        """Whether something stands in for the column where it was not delivered."""
        return self.default is not None or any("null" in one.covers for one in self.fallback)


@dataclass(frozen=True)
class Contract:
    """A compiled schema: its columns in order, its rules over the typed columns, and those over the whole batch."""

    name: str
    columns: dict[str, ColumnSpec]
    rules: tuple[Rule, ...]
    is_strict: bool
    dataset_rules: tuple[DatasetRule, ...] = ()
    is_ordered: bool = False
    is_filter: bool = False
    is_marked: bool = False

    @property
    def schema(self) -> pl.Schema:
        """The frame schema that rows have behind the boundary."""
        return pl.Schema({name: column.dtype for name, column in self.columns.items()})

    @property
    def marks(self) -> dict[str, pl.DataType]:
        """What rows carry beside their columns to say which cells were filled: nothing where there is no fallback."""
        return {FILLED: pl.String()} if self.is_marked else {}


def compile_contract(
    model: type[DataFrameModel] | DataFrameSchema,
    *,
    columns: Collection[str] | None = None,
    checks: Sequence[Check] = (),
) -> Contract:
    """Compile a schema into the expressions that hold its rules.

    Lazy: no data is touched. Rules that use `run_time()` are fixed to the run in which they are compiled.

    Args:
        model: The schema, as a model or as an object.
        columns: The names of a frame that is known, for which regex columns are spelled out. Without them, as in a
            pipeline, such columns are refused.
        checks: Checks over rows beside those of the schema.

    Raises:
        DefinitionError: at definition, naming everything of the schema that cannot be compiled.
    """
    register_backends()
    name = str(getattr(model, "__name__", None) or getattr(model, "name", None) or "schema")
    problems = list(refuse_model(model)) if isinstance(model, type) else []
    declared = schema_of(model, name, columns)
    problems.extend(refuse(name, declared))
    specs = {name: _column(name, column) for name, column in declared.columns.items() if is_typed(column)}
    problems.extend(_misdeclared(name, declared))
    problems.extend(_ambiguous(name, specs))
    schema = pl.Schema({name: spec.dtype for name, spec in specs.items()})
    rules: list[Rule | DatasetRule] = []
    problems.extend(_given_twice(name, [*declared.checks, *checks]))
    for one in [*_checks(declared), *(Declared(None, check) for check in checks)]:
        if len(specs) < len(declared.columns) and one.column not in specs:
            continue  # reported already
        try:
            rules.append(compile_check(one, schema))
        except SchemaError as error:
            problems.append(Problem(f"{name}.{one.where}", str(error)))
    if problems:
        raise DefinitionError(problems)
    return Contract(
        name=name,
        columns={n: _settled(spec, fills=declared.add_missing_columns) for n, spec in specs.items()},
        rules=(*(rule for rule in rules if isinstance(rule, Rule)), *unique_rules(declared)),
        is_strict=declared.strict is True,
        dataset_rules=tuple(rule for rule in rules if isinstance(rule, DatasetRule)),
        is_ordered=declared.ordered,
        is_filter=declared.strict == "filter",
    )


def _settled(spec: ColumnSpec, *, fills: bool) -> ColumnSpec:
    """A column that `add_missing_columns` may add need not be there."""
    return replace(spec, required=False) if fills and spec.nullable else spec


def _misdeclared(name: str, declared: DataFrameSchema) -> Iterator[Problem]:
    for column_name, column in declared.columns.items():
        if is_typed(column):
            for what, fix in read_metadata(_dtype(column), column.metadata or {})[1]:
                yield Problem(f"{name}.{column_name}", what, fix)


def _ambiguous(name: str, specs: dict[str, ColumnSpec]) -> Iterator[Problem]:
    """Find older names that could mean two columns."""
    meant: dict[str, str] = dict.fromkeys(specs, "")
    for spec in specs.values():
        for alias in spec.aliases:
            other = meant.setdefault(alias, spec.name)
            if other != spec.name:
                what = "is a column itself" if not other else f"is one of {other} too"
                yield Problem(f"{name}.{spec.name}", f"older name '{alias}' {what}", "a name can mean one column")


def _dtype(column: Any) -> pl.DataType:
    dtype = column.dtype.type
    found: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    return found


def _checks(declared: DataFrameSchema) -> Iterator[Declared]:
    for name, column in declared.columns.items():
        for check in column.checks:
            yield Declared(name, check)
    for check in declared.checks:
        yield Declared(None, check)


def _given_twice(name: str, checks: Sequence[Check]) -> Iterator[Problem]:
    """Find business rules whose name another check of the rows has: budgets and listings could not tell them apart."""
    counts = Counter(str(check.name) for check in checks)
    for rule in dict.fromkeys(str(check.name) for check in checks if is_agreed(check)):
        if counts[rule] > 1:
            yield Problem(f"{name}.{rule}", f"{counts[rule]} rules have this name", "rename one, or leave one out")


def _column(name: str, column: Any) -> ColumnSpec:
    metadata = column.metadata or {}
    reading, _ = read_metadata(_dtype(column), metadata)
    return ColumnSpec(
        name=name,
        dtype=_dtype(column),
        nullable=column.nullable,
        required=column.required,
        default=column.default,
        formats=reading.formats,
        is_sensitive=bool(metadata.get("sensitive", False)),
        reading=reading,
        aliases=older_names(metadata),
    )
