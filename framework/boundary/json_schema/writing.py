"""A Pandera schema as a JSON Schema of one row; what JSON Schema has no words for is named in it."""

from __future__ import annotations

import json
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.contract import compile_contract
from framework.boundary.json_schema.keywords import DIALECT, NOTES
from framework.boundary.json_schema.node import SAID, as_number
from framework.boundary.json_schema.texts import MOMENTS, TIMES_OF_DAY
from framework.boundary.json_schema.written_checks import refine, said_of_check
from framework.boundary.json_schema.written_types import or_null, said_of_type
from framework.boundary.rule import total
from framework.boundary.trace import schema_of
from framework.boundary.wording import message_of, rule_name
from framework.errors import DefinitionError, Problem, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from pandera import Check
    from pandera.polars import DataFrameModel, DataFrameSchema

    from framework.boundary.contract import ColumnSpec, Contract
    from framework.boundary.json_schema.written_types import Said

PLAIN: tuple[tuple[str, Any], ...] = (
    ("units", {"": 1}),
    ("nan", "refuse"),
    ("true_words", ["true"]),
    ("false_words", ["false"]),
    ("formats", list(MOMENTS)),
    ("formats", list(TIMES_OF_DAY)),
)
"""Metadata that says no more than JSON Schema does by itself."""
LAYOUTS = {"Date": "%Y-%m-%d", "Time": "%H:%M:%S%.f", "Datetime": "%Y-%m-%dT%H:%M:%S%.fZ", "Duration": "iso"}
"""How defaults are written."""


def write_json_schema(model: type[DataFrameModel] | DataFrameSchema) -> dict[str, Any]:
    """Write a schema as a JSON Schema (draft 2020-12) of one row, as JSON that a boundary takes.

    What JSON Schema cannot say of a row (uniqueness, rules over several columns or the batch, custom checks, how texts
    are read) stands in keywords that begin with `x-sluice-`.

    Raises:
        DefinitionError: naming everything of the schema that cannot be compiled, or has no form in JSON.

    >>> import pandera.polars as pa
    >>> class Order(pa.DataFrameModel):
    ...     order_id: str = pa.Field(str_matches="ORD[0-9]+$")
    ...     quantity: int = pa.Field(gt=0, nullable=True)
    >>> write_json_schema(Order)["properties"]["quantity"]
    {'type': ['integer', 'null'], 'exclusiveMinimum': 0}
    """
    contract = compile_contract(model)
    declared = schema_of(model, contract.name, None)
    properties: dict[str, Said] = {}
    problems = []
    for name, spec in contract.columns.items():
        try:
            properties[name] = _property(spec, declared.columns[name], contract)
        except SchemaError as error:
            problems.append(Problem(f"{contract.name}.{name}", str(error)))
    if problems:
        raise DefinitionError(problems)
    told = {"title": declared.title or contract.name, "description": cleandoc(declared.description or "")}
    return {
        "$schema": DIALECT,
        **{keyword: text for keyword, text in told.items() if text},
        **_notes(declared.metadata or {}),
        "type": "object",
        "properties": properties,
        "required": [name for name, spec in contract.columns.items() if _must_be_given(spec, contract)],
        "additionalProperties": not contract.is_strict,
        **_beyond(declared, contract),
    }


def _property(spec: ColumnSpec, column: Any, contract: Contract) -> Said:
    """Say everything of a column.

    Raises:
        SchemaError: when no JSON value can become one of its type.
    """
    said = said_of_type(spec.dtype, spec.reading)
    is_nullable, is_filled = spec.nullable and spec.default is None, _fills(spec, contract)
    unsaid: list[Check] = []
    for check in column.checks:
        more = said_of_check(check, spec.dtype, said)
        if more is None:
            unsaid.append(check)
        else:
            said = refine(said, more)
            is_nullable = is_nullable and bool(check.ignore_na)
    metadata = dict(column.metadata or {})
    said = refine(said, metadata.pop(SAID, {}))
    told = {"title": column.title, "description": column.description}
    return {
        **{keyword: text for keyword, text in told.items() if text},
        **_tight(or_null(said) if is_nullable or is_filled else said),
        **({} if spec.default is None else {"default": _default(spec)}),
        **_notes(metadata),
        **_rules(unsaid, contract, spec.name),
    }


def _must_be_given(spec: ColumnSpec, contract: Contract) -> bool:
    return spec.required if spec.default is None else not _fills(spec, contract)


def _fills(spec: ColumnSpec, contract: Contract) -> bool:
    """Whether a column has a default that is accepted: one that breaks a rule of its own column helps no row."""
    if spec.default is None:
        return False
    rules = [rule for rule in contract.rules if rule.column == spec.name and rule.severity == "error"]
    own = [rule.holds for rule in rules if not rule.is_window and rule.holds.meta.root_names() == [spec.name]]
    row = pl.DataFrame({spec.name: [spec.default]}, schema={spec.name: spec.dtype})
    return bool(row.select(pl.all_horizontal(pl.lit(value=True), *map(total, own))).item())


def _tight(said: Said) -> Said:
    """Leave out the limits of a type that a check's own make superfluous."""
    lower = "minimum" in said and said.get("exclusiveMinimum", said["minimum"]) < said["minimum"]
    upper = "maximum" in said and said.get("exclusiveMaximum", said["maximum"]) > said["maximum"]
    superfluous = {keyword for keyword, is_so in (("exclusiveMinimum", lower), ("exclusiveMaximum", upper)) if is_so}
    return {keyword: value for keyword, value in said.items() if keyword not in superfluous}


def _notes(metadata: Mapping[Any, Any]) -> Said:
    """The annotations of JSON Schema among metadata, and the rest of it by its own name."""
    known = {key: note for key, note in metadata.items() if key in {*NOTES, "default"}}
    others = {
        str(key): value
        for key, value in metadata.items()
        if key not in {*known, SAID} and (key, list(value) if isinstance(value, tuple) else value) not in PLAIN
    }
    found = {**known, **({"x-sluice-metadata": others} if others else {})}
    return json.loads(json.dumps(found, default=_listed))  # type: ignore[no-any-return]


def _listed(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, set | frozenset) else str(value)


def _rules(checks: Iterable[Check], contract: Contract, column: str | None) -> Said:
    """Name the checks that JSON Schema has no words for."""
    over_all = {(rule.column, rule.name, rule.message) for rule in contract.dataset_rules}
    found = []
    for check in checks:
        name, message = rule_name(check), message_of(check)
        rule = {"name": name, "message": message}
        rule.update({"severity": "warning"} if check.raise_warning else {})
        rule.update({"over": "batch"} if (column, name, message) in over_all else {})
        found.append(rule)
    return {"x-sluice-rules": found} if found else {}


def _beyond(declared: DataFrameSchema, contract: Contract) -> Said:
    """Name what is asked of rows together."""
    unique = [[name] for name, column in declared.columns.items() if column.unique]
    together = [declared.unique] if isinstance(declared.unique, str) else list(declared.unique or ())
    unique.extend([together] if together else [])
    found: Said = {"x-sluice-unique": unique} if unique else {}
    found.update({"x-sluice-ordered": True} if contract.is_ordered else {})
    found.update({"x-sluice-strict": "filter"} if contract.is_filter else {})
    return {**found, **_rules(declared.checks, contract, None)}


def _default(spec: ColumnSpec) -> Any:
    """The value that fills a column, in the form in which it would be read."""
    if spec.dtype.is_temporal():
        layout = spec.reading.formats[0] if spec.reading.formats else LAYOUTS[type(spec.dtype).__name__]
        value = pl.Series([spec.default], dtype=spec.dtype)
        in_utc = value.dt.convert_time_zone("UTC") if getattr(spec.dtype, "time_zone", None) else value
        return in_utc.dt.to_string(layout).item()
    if isinstance(spec.dtype, pl.Decimal):
        return as_number(_decimal(spec))
    return json.loads(json.dumps(spec.default, default=str))


def _decimal(spec: ColumnSpec) -> Decimal:
    found: Decimal = pl.Series([spec.default], dtype=spec.dtype).item()
    return found
