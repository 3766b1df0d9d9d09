"""The JSON Schema for editors against the reader: what one takes, the other takes."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

from random import Random

import jsonschema_rs
import pytest

from framework.boundary.yaml_schema import read_yaml_schema, write_yaml_schema, yaml_format
from framework.boundary.yaml_schema.keys import CHECKS, COLUMN, COLUMN_LAST, OPTIONS, READING, RULE, SCHEMA, SPELLINGS
from framework.core.yaml_document import Findings, plain, read_document
from framework.errors import DefinitionError
from tests.boundary.yaml_schema.test_round_trip import CANONICAL, MODELS

EDITOR = jsonschema_rs.Draft7Validator(yaml_format())
SHORT = "schema: S\ncolumns:\n  a: {type: int, %s}\n  b: {type: str, %s}\nrules:\n  - %s\n"


def document(text):
    return plain(read_document(text.encode(), "x.yaml", Findings()))


def is_read(text):
    try:
        read_yaml_schema(text.encode(), "x.yaml")
    except DefinitionError:
        return False
    return True


def test_it_is_a_json_schema():
    jsonschema_rs.meta.validate(yaml_format())


@pytest.mark.parametrize("model", MODELS)
def test_editors_take_every_schema_that_is_written(model):
    text = write_yaml_schema(model)
    assert [error.message for error in EDITOR.iter_errors(document(text))] == []


@pytest.mark.parametrize(
    ("a", "b", "rule"),
    [
        ("nullable: true", "unique: false", "{name: x, holds: a > 1}"),
        ("ge: {value: 0, severity: warning, as: int}", "isin: [a, b]", "{column: [a], le: 5}"),
        ("between: [0, 9], ne: 3", "str_length: [1, 9]", "{name: x, column: b, holds: b <> 'x', owner: me}"),
        ("in_range: {min_value: 0, max_value: 9, include_min: false}", "str_length: 5", "{column: a, gt: {value: 0}}"),
        ("checks: [{ge: 0}, {ge: {value: 1}}]", "str_length: {min_value: 2}", "{python: 'tests.boundary.yaml_schema.checks_of_models:small', column: a}"),
        ("units: {kg: 1, g: '0.001'}", "null_tokens: ['', x], sensitive: true", "{name: y, holds: COUNT(*) > 1}"),
        ("metadata: {any: [thing]}, default: 5", "default: {value: x}, title: T", "{ne: 9, column: a}"),
        # and what neither takes
        ("nulable: true", "unique: false", "{name: x, holds: a > 1}"),
        ("nullable: 1", "unique: false", "{name: x, holds: a > 1}"),
        ("ge: {val: 0}", "isin: a", "{column: [a], le: 5}"),
        ("between: [0]", "str_length: [1, 9]", "{name: x, holds: 5}"),
        ("nan: nil", "str_length: x", "{name: x}"),
        ("ge: 0", "checks: {}", "{holds: a > 1}"),
        ("ge: 0", "str_matches: 5", "{name: x, holds: a > 1, severity: warn}"),
        ("ge: 0", "str_matches: a", "{ge: 0, name: x}"),
        ("ge: 0", "str_matches: a", "x"),
        ("metadata: 5", "str_matches: a", "{name: x, holds: a > 1}"),
        ("units: 5", "str_matches: a", "{name: x, holds: a > 1}"),
    ],
)  # fmt: skip
def test_editors_take_what_the_reader_takes(a, b, rule):
    text = SHORT % (a, b, rule)
    assert EDITOR.is_valid(document(text)) == is_read(text)


@pytest.mark.parametrize(
    "top", ["strict: filter", "strict: true", "strict: x", "unique: a", "unique: 5", "nme: x", "ordered: NO"]
)
def test_editors_take_the_settings_that_the_reader_takes(top):
    text = f"schema: S\n{top}\ncolumns: {{a: int}}\n"
    assert EDITOR.is_valid(document(text)) == is_read(text)


@pytest.mark.parametrize(
    "text", ["columns: {a: int}", "schema: S", "schema: S\ncolumns: {}", "schema: 5\ncolumns: {a: int}", "5"]
)
def test_editors_refuse_what_lacks_its_name_or_columns(text):
    assert not EDITOR.is_valid(document(text))
    assert not is_read(text)


def test_every_key_says_what_it_is_for():
    forms = [
        *SCHEMA.values(),
        *COLUMN.values(),
        *COLUMN_LAST.values(),
        *READING.values(),
        *RULE.values(),
        *OPTIONS.values(),
    ]
    assert [key.name for key in [*forms, *CHECKS.values()] if hasattr(key, "name") and not key.says.endswith(".")] == []
    column = EDITOR_COLUMN["properties"]
    assert set(column) == {*COLUMN, *READING, *COLUMN_LAST, *SPELLINGS}
    assert [name for name, said in column.items() if not said.get("description")] == []


EDITOR_COLUMN = yaml_format()["properties"]["columns"]["additionalProperties"]["anyOf"][1]


def test_a_document_without_any_one_of_its_keys_is_judged_alike():
    chance = Random(5)
    whole = document(CANONICAL)
    assert EDITOR.is_valid(whole)
    for _ in range(30):
        name = chance.choice(list(whole["columns"]))
        if isinstance(whole["columns"][name], dict):
            key = chance.choice(list(whole["columns"][name]))
            one = {k: v for k, v in whole["columns"][name].items() if k != key}
            assert EDITOR.is_valid({**whole, "columns": {**whole["columns"], name: one}}) == (key != "type")
