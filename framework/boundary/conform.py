"""Hold what a step gives against the schema it declares: names and types in the plan, rules while the rows pass."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.contract import ColumnSpec, Contract, Rule
from framework.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


def conform(frame: pl.LazyFrame, contract: Contract, step: str) -> pl.LazyFrame:
    """Hold a step's output against the columns it declares, without reading: names and types, in the plan.

    Columns beyond the contract (provenance) are kept.

    Raises:
        SchemaError: at planning, naming every missing column and every type that differs.
    """
    found = frame.collect_schema()
    wrong = []
    for name, spec in contract.columns.items():
        if name not in found:
            wrong.append(f"{name} is missing")
        elif found[name] != spec.dtype and not _same_family(found[name], spec.dtype):
            wrong.append(f"{name} is {found[name]}, declared {spec.dtype}")
    if wrong:
        raise SchemaError(f"step '{step}' does not give what {contract.name} declares: {'; '.join(wrong)}")
    return frame.with_columns(
        pl.col(name).cast(spec.dtype) for name, spec in contract.columns.items() if found[name] != spec.dtype
    )


def _same_family(found: pl.DataType, declared: pl.DataType) -> bool:
    """Types between which a strict cast either keeps the value or raises: integers, and decimals of one scale."""
    if isinstance(found, pl.Decimal) and isinstance(declared, pl.Decimal):
        return found.scale == declared.scale
    return found.is_integer() and declared.is_integer()


class Violations:
    """Counts, per rule, the rows of a step's output that break the contract it declares. Safe to share by threads."""

    def __init__(self, contract: Contract, *, settled: Collection[Rule] = ()) -> None:
        """Count the rules of a contract, but for those known to hold already (`settled`)."""
        done = {_identity(rule) for rule in settled}
        self.rules = [rule for rule in contract_rules(contract) if _identity(rule) not in done]
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def watch(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Give the same rows, lazy; as they pass, in one execution, what they break is counted."""
        if not self.rules:
            return rows
        holds = pl.all_horizontal([total(rule.holds) for rule in self.rules])
        broken = [(~total(rule.holds)).sum().alias(str(i)) for i, rule in enumerate(self.rules)]

        def count(batch: pl.DataFrame) -> pl.DataFrame:
            if not batch.select(holds.all()).item():
                found = batch.select(broken).row(0)
                with self._lock:
                    for rule, rows_broken in zip(self.rules, found, strict=True):
                        self.counts[rule.reason] += rows_broken
            return batch

        return passing(rows, count, rows.collect_schema())


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


def total(holds: pl.Expr) -> pl.Expr:
    """A rule that has no answer for a row (a null in it) holds."""
    return holds.fill_null(value=True)


def is_there(spec: ColumnSpec) -> pl.Expr:
    """Whether a typed column has a value."""
    typed = pl.col(spec.name)
    # NOTE: polars orders NaN above every number, so a missing float would pass `gt`.
    return typed.is_not_null() & typed.is_not_nan() if spec.dtype.is_float() else typed.is_not_null()


def contract_rules(contract: Contract) -> list[Rule]:
    """The rules on typed rows: columns that must not be empty, and the rules that are errors."""
    missing = [
        Rule("not_null", spec.name, is_there(spec), "must not be empty")
        for spec in contract.columns.values()
        if not spec.nullable
    ]
    return [*missing, *(rule for rule in contract.rules if rule.severity == "error")]


def settled_rules(contract: Contract, untouched: Collection[str]) -> list[Rule]:
    """The rules of a contract that still hold of rows whose `untouched` columns are as they were when checked."""
    return [
        rule
        for rule in contract_rules(contract)
        if not rule.is_window and set(rule.holds.meta.root_names()) <= set(untouched)
    ]


def _identity(rule: Rule) -> tuple[str | None, str, str]:
    try:
        expression = str(rule.holds.meta.serialize(format="json"))
    except pl.exceptions.ComputeError:  # a Python function per element: equal only to itself
        expression = str(id(rule.holds))
    return rule.column, rule.name, expression
