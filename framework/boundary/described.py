"""A schema in plain words: its columns and rules, as a document for people and programs."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from framework.boundary.casts.metadata import KEYS
from framework.boundary.contract import DatasetRule, compile_contract
from framework.boundary.terms import owner_of
from framework.boundary.trace import schema_of
from framework.boundary.wording import rule_name
from framework.boundary.yaml_schema.types import write_type
from framework.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from pandera.polars import Check, DataFrameModel, DataFrameSchema

    from framework.boundary.contract import ColumnSpec, Contract, Rule


def describe_schema(model: type[DataFrameModel] | DataFrameSchema) -> dict[str, Any]:
    """Give a schema as a document: what it is called, its settings, its columns and its rules, in order.

    Raises:
        DefinitionError: naming everything of the schema that cannot be compiled.

    >>> import pandera.polars as pa
    >>> class Price(pa.DataFrameModel):
    ...     price: float = pa.Field(ge=0)
    >>> describe_schema(Price)["rules"]
    [{'rule': 'greater_than_or_equal_to', 'column': 'price', 'message': 'must be >= 0', 'severity': 'error', 'judges': \
'row', 'owner': None, 'description': None}]
    """
    contract = compile_contract(model)
    declared = schema_of(model, contract.name, None)
    return {
        "schema": contract.name,
        "description": _text(declared.description),
        "settings": _settings(contract),
        "columns": [_column(spec, declared.columns[name]) for name, spec in contract.columns.items()],
        "rules": list(_rules(contract, declared)),
    }


def _settings(contract: Contract) -> list[str]:
    said = {"strict": contract.is_strict, "filter": contract.is_filter, "ordered": contract.is_ordered}
    return [name for name, holds in said.items() if holds]


def _column(spec: ColumnSpec, declared: Any) -> dict[str, Any]:
    metadata = declared.metadata or {}
    reading = [f"{key}: {_told(value)}" for key, value in metadata.items() if key in KEYS]
    return {
        "column": spec.name,
        "type": _type(spec.dtype),
        "empty": "allowed" if spec.nullable else "no",
        "required": spec.required,
        "default": spec.default,
        "sensitive": spec.is_sensitive,
        "read_as": reading,
        "description": _text(declared.description) or _text(declared.title),
    }


def _type(dtype: pl.DataType) -> str:
    try:
        return write_type(dtype)
    except SchemaError:
        return str(dtype)


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple | set | frozenset) else str(value)


def _text(given: Any) -> str | None:
    return inspect.cleandoc(str(given)) if given else None


def _rules(contract: Contract, declared: DataFrameSchema) -> Iterator[dict[str, Any]]:
    checks = [(name, check) for name, column in declared.columns.items() for check in column.checks]
    checks += [(None, check) for check in declared.checks]
    rules: list[Rule | DatasetRule] = [*contract.rules, *contract.dataset_rules]
    for rule in rules:
        behind = next((one for one in checks if (one[0], rule_name(one[1])) == (rule.column, rule.name)), None)
        if behind is not None:
            checks.remove(behind)
        yield _rule(rule, behind[1] if behind else None)


def _rule(rule: Rule | DatasetRule, check: Check | None) -> dict[str, Any]:
    judges = "batch" if isinstance(rule, DatasetRule) else "rows together" if rule.is_window else "row"
    return {
        "rule": rule.name,
        "column": rule.column,
        "message": rule.message,
        "severity": rule.severity,
        "judges": judges,
        "owner": owner_of(check) if check is not None else None,
        "description": _text(check.description) if check is not None else None,
    }
