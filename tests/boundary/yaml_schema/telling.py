"""What a schema demands, told in full, so that two can be held against each other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from framework.boundary import compile_contract
from framework.boundary.yaml_schema import read_yaml_schema
from framework.core.clock import at_run_time

MOMENT = datetime(2024, 5, 1, tzinfo=UTC)


def told(expression: pl.Expr) -> str:
    """An expression with all its literals."""
    try:
        return expression.meta.serialize(format="json")
    except pl.exceptions.ComputeError:  # a Python function stands in it
        return str(expression)


def demands(schema: Any) -> dict[str, Any]:
    """Everything that a contract holds: columns, rules, messages, severities, settings."""
    with at_run_time(MOMENT):
        contract = compile_contract(schema)
    return {
        "name": contract.name,
        "columns": {name: repr(spec) for name, spec in contract.columns.items()},
        "settings": (contract.is_strict, contract.is_ordered, contract.is_filter),
        "rules": [
            (r.name, r.column, told(r.holds), r.message, r.severity, r.is_window, r.keys) for r in contract.rules
        ],
        "over all": [
            (r.name, r.column, told(r.holds), r.message, r.severity, [(a.kind, told(a.whole)) for a in r.aggregates])
            for r in contract.dataset_rules
        ],
    }


def read(text: str, file: str = "schemas/sale.yaml") -> Any:
    """The schema of a text."""
    return read_yaml_schema(text.encode(), file)
