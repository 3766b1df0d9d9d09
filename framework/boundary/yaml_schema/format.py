"""The format as a JSON Schema, from which editors complete and check a schema while it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.boundary.yaml_schema.keys import (
    CHECKS,
    COLUMN,
    COLUMN_LAST,
    LENGTH,
    OPTIONS,
    RANGE,
    READING,
    RULE,
    SCHEMA,
    SPELLINGS,
)
from framework.boundary.yaml_schema.types import PLAIN, SHAPES
from framework.core.budget import PERCENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from framework.boundary.yaml_schema.keys import CheckForm, Key

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The one that editors know best."""
TEXT = {"type": "string"}
ONE_VALUE = {"type": ["string", "number", "boolean", "array", "null"]}
TEXTS = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
LENGTHS: dict[str, Any] = {"type": "integer", "minimum": 0}
FACTOR = {"type": ["number", "string"]}
LIMIT: dict[str, Any] = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": PERCENT.pattern}]}
TYPE_REF = {"$ref": "#/definitions/type"}


def yaml_format() -> dict[str, Any]:
    """Give the JSON Schema of schemas in YAML.

    >>> sorted(yaml_format()["required"])
    ['columns', 'schema']
    """
    return {
        "$schema": DIALECT,
        "title": "A schema of Sluice in YAML",
        **_object(_properties(SCHEMA), "schema", "columns"),
        "definitions": {"type": _type(), **{key: _check(form) for key, form in CHECKS.items()}},
    }


def _properties(keys: Mapping[str, Key]) -> dict[str, Any]:
    return {name: {**_FORMS[key.form](key), "description": key.says} for name, key in keys.items()}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    closed = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**closed, "required": list(required)} if required else closed


def _type() -> dict[str, Any]:
    shapes = ", ".join(SHAPES.values())
    return {
        **TEXT,
        "description": f"One of {', '.join(PLAIN)}, or one like {shapes}.",
        "examples": [*PLAIN, *SHAPES.values()],
    }


def _column(_: Key | None = None) -> dict[str, Any]:
    checks = {spelling: {"allOf": [_ref(key)], "description": CHECKS[key].says} for spelling, key in SPELLINGS.items()}
    whole = _object({**_properties({**COLUMN, **READING, **COLUMN_LAST}), **checks}, "type")
    return {"anyOf": [TYPE_REF, whole]}


def _ref(key: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{key}"}


def _check(form: CheckForm) -> dict[str, Any]:
    """What may stand at a check: what it takes, or a mapping of that and options."""
    options = {"as": TYPE_REF, **_properties(OPTIONS)}
    pair = {"type": "array", "minItems": 2, "maxItems": 2}
    if form.argument == "range":
        flags = {"type": "boolean"}
        both = {name: flags if name.startswith("include") else ONE_VALUE for name in RANGE}
        return {"anyOf": [pair, _object({**both, **options}, "min_value", "max_value")]}
    if form.argument == "length":
        ends: dict[str, Any] = dict.fromkeys(LENGTH, LENGTHS)
        return {"anyOf": [LENGTHS, {**pair, "items": LENGTHS}, _object({**ends, **options})]}
    given = {"text": TEXT, "values": {"type": "array"}, "value": ONE_VALUE}[form.argument]
    return {"anyOf": [given, _object({"value": given if form.argument != "value" else {}, **options}, "value")]}


def _items(rule: dict[str, Any], *also: str) -> dict[str, Any]:
    """Items of a list of checks: rules, and built-in checks by themselves."""
    beside = dict.fromkeys(also, TEXTS)
    built_in = [_object({spelling: _ref(key), **beside}, spelling) for spelling, key in SPELLINGS.items()]
    return {"type": "array", "items": {"anyOf": [rule, *built_in]}}


def _rule(keys: Mapping[str, Key]) -> dict[str, Any]:
    return {**_object(_properties(keys)), "oneOf": [{"required": ["holds", "name"]}, {"required": ["python"]}]}


def _example() -> dict[str, Any]:
    row = {"type": "object"}
    return {"type": "array", "items": {"anyOf": [row, {"type": "array", "items": row}]}}


_FORMS: dict[str, Callable[[Key], dict[str, Any]]] = {
    "text": lambda _: TEXT,
    "flag": lambda _: {"type": "boolean"},
    "texts": lambda _: TEXTS,
    "word": lambda key: {"enum": list(key.words)},
    "flag or word": lambda key: {"enum": [True, False, *key.words]},
    "units": lambda _: {
        "anyOf": [TEXT, {"type": "array", "items": TEXT}, {"type": "object", "additionalProperties": FACTOR}]
    },
    "free": lambda _: {"type": "object"},
    "budget": lambda _: {"anyOf": [LIMIT, {"type": "array", "items": LIMIT, "minItems": 1}]},
    "examples": lambda _: _example(),
    "type": lambda _: TYPE_REF,
    "value": lambda _: {},
    "columns": lambda _: {"type": "object", "minProperties": 1, "additionalProperties": _column()},
    "checks": lambda _: _items(_rule({name: key for name, key in RULE.items() if name != "column"})),
    "rules": lambda _: _items(_rule(RULE), "column"),
}
