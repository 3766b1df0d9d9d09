"""Hold what a step gives against the schema it declares: names and types in the plan, rules while the rows pass."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.rule import Rule
from framework.core.frames import CARRIED
from framework.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from framework.boundary.contract import ColumnSpec, Contract


def conform(frame: pl.LazyFrame, contract: Contract, step: str) -> pl.LazyFrame:
    """Hold a step's output against the columns it declares, without reading: names and types, in the plan.

    Optional columns that are missing are added, with their default or null. Columns beyond the contract are kept,
    unless the schema is strict (an error, but for provenance) or filters (left out).

    Raises:
        SchemaError: at planning, naming every missing column and every type that differs.
    """
    found = frame.collect_schema()
    wrong = missing_columns(found, contract, lambda spec: spec.required)
    for name, spec in contract.columns.items():
        if name in found and found[name] != spec.dtype and not _same_family(found[name], spec.dtype):
            wrong.append(f"{name} is {found[name]}, declared {spec.dtype}")
    wrong.extend(misplaced(found, contract))
    if wrong:
        raise SchemaError(f"step '{step}' does not give what {contract.name} declares: {'; '.join(wrong)}")
    specs = contract.columns.values()
    foreign = foreign_columns(found, contract)
    kept = frame.select(n for n in found if n not in foreign) if contract.is_filter else frame
    added = [pl.lit(s.default, dtype=s.dtype).alias(s.name) for s in specs if s.name not in found]
    cast = [pl.col(s.name).cast(s.dtype) for s in specs if s.name in found and found[s.name] != s.dtype]
    return kept.with_columns(*added, *cast)


def foreign_columns(found: Iterable[str], contract: Contract) -> list[str]:
    """The columns that a contract does not have, but for provenance and the mark of filled cells."""
    return [name for name in found if name not in contract.columns and name not in CARRIED]


def missing_columns(found: Collection[str], contract: Contract, must: Callable[[ColumnSpec], bool]) -> list[str]:
    """Say which columns that must be there are not, and which are there that a strict schema does not have."""
    foreign = foreign_columns(found, contract)
    wrong = []
    for name, spec in contract.columns.items():
        if name not in found and must(spec):
            near = get_close_matches(name, foreign, n=1)
            wrong.append(f"{name} is missing" + (f" (is '{near[0]}' meant?)" if near else ""))
    if contract.is_strict and foreign:
        wrong.append(f"{', '.join(foreign)}: not declared")
    return wrong


def misplaced(names: Iterable[str], contract: Contract) -> list[str]:
    """Say which order columns should have, where the schema asks for one (`ordered`) and they have another."""
    found = [name for name in names if name in contract.columns]
    declared = [name for name in contract.columns if name in found]
    if not contract.is_ordered or found == declared:
        return []
    return [f"columns are in the order {', '.join(found)}, declared {', '.join(declared)}"]


def _same_family(found: pl.DataType, declared: pl.DataType) -> bool:
    """Types between which a strict cast either keeps the value or raises: integers, and decimals of one scale."""
    if isinstance(found, pl.Decimal) and isinstance(declared, pl.Decimal):
        return found.scale == declared.scale
    return found.is_integer() and declared.is_integer()


def passing(rows: pl.LazyFrame, function: Callable[[pl.DataFrame], pl.DataFrame], schema: pl.Schema) -> pl.LazyFrame:
    """Pass every batch of a plan through a function, once, without leaving the streaming engine.

    Nothing is pushed through it: the function sees all rows and columns. Several consumers share what it gives. It may
    be called by several threads at a time.
    """
    return rows.map_batches(
        function,
        schema=schema,
        streamable=True,
        predicate_pushdown=False,
        projection_pushdown=False,
        slice_pushdown=False,
        validate_output_schema=False,
    ).cache()


def is_there(spec: ColumnSpec) -> pl.Expr:
    """Whether a typed column has a value."""
    typed = pl.col(spec.name)
    # NOTE: polars orders NaN above every number, so a missing float would pass `gt`.
    return typed.is_not_null() & typed.is_not_nan() if spec.dtype.is_float() else typed.is_not_null()


def contract_rules(contract: Contract) -> list[Rule]:
    """The rules on typed rows: columns that must not be empty, and the checks of the schema."""
    missing = [
        Rule("not_null", spec.name, is_there(spec), "must not be empty")
        for spec in contract.columns.values()
        if not spec.nullable and (spec.required or spec.default is not None)  # one that is not delivered is null
    ]
    return [*missing, *contract.rules]


def settled_rules(contract: Contract, untouched: Collection[str]) -> list[Rule]:
    """The rules of a contract that still hold of rows whose `untouched` columns are as they were when checked.

    Rules with a budget are none of them: a step hands on the rows that break them within it.
    """
    return [
        rule
        for rule in contract_rules(contract)
        if rule.severity == "error"
        and not rule.limits
        and not rule.is_window
        and set(rule.holds.meta.root_names()) <= set(untouched)
    ]
