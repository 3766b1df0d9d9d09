"""Every keyword on a column, on the items of a list and on the field of an object, beside a validator."""

from __future__ import annotations

from typing import Any

import pytest

from framework.boundary import compile_contract
from framework.boundary.json_schema import read_json_schema, write_json_schema
from tests.boundary.json_schema.judging import boundary_says, validator_says

pytestmark = pytest.mark.drawn(2)

INT, NUM, TEXT, BOOL = ({"type": kind} for kind in ("integer", "number", "string", "boolean"))
CENTS = {"type": "number", "multipleOf": 0.01}
AROUND = [-3, -2, -1, 0, 1, 2, 3, 4, 2.0, 2.5]
WORDS = ["", "a", "ab", "abc", "😀", "b"]
XY = {"type": "object", "properties": {"x": INT, "y": TEXT}}
PARTS = 6
"""So many documents hold the cases: every record is held against every rule of its document."""
BIG = 9_000_000_000_000_000
CASES: list[tuple[dict[str, Any], list[Any]]] = [
    *[({**INT, k: limit}, AROUND) for k in ("minimum", "maximum") for limit in (2, 2.0, 1.5, -1.5)],
    *[({**INT, k: limit}, AROUND) for k in ("exclusiveMinimum", "exclusiveMaximum") for limit in (2, 1.5, -1.5)],
    *[({**NUM, k: limit}, AROUND) for k in ("minimum", "maximum") for limit in (2, 2.5)],
    *[({**NUM, k: limit}, AROUND) for k in ("exclusiveMinimum", "exclusiveMaximum") for limit in (2, 2.5)],
    *[({**CENTS, k: 2.005}, [2, 2.01, 1.99]) for k in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")],
    *[({**INT, "multipleOf": step}, [*AROUND, 6, 9]) for step in (1, 2, 3, 1.5, 0.5, 0.3)],
    *[({**NUM, "multipleOf": step}, [0, 0.3, 0.5, 0.6, 1, 1.25, 2, 3, 6, 0.05]) for step in (2, 0.3, 0.05, 0.5, 1e-7)],
    (NUM, [1, "NaN", "x"]),
    ({**CENTS, "allOf": [{"multipleOf": 0.04}, {"multipleOf": 0.06}]}, [0.04, 0.06, 0.12, 0.24, 0.02, 0]),
    ({**CENTS, "maximum": BIG}, [1, BIG, BIG + 1]),
    ({**INT, "maximum": 2**70}, [1, 2**69, 2**64]),
    ({**CENTS, "enum": [0.1, 0.005, 2]}, [0.1, 0.01, 2, 0]),
    ({"enum": [1, 2.5]}, [1, 1.0, 2.5, 2, 1.5]),
    ({"enum": ["a", "b", "b"]}, WORDS),
    ({"type": ["string", "null"], "enum": ["a", "b"]}, WORDS),
    ({"const": 1.0}, [1, 0]),
    ({"const": True}, [True, False, 1]),
    ({"enum": ["a", "b"], "const": "a"}, WORDS),
    ({"allOf": [{"enum": [1, 2, 3]}, {"enum": [2.0, 3, 4]}]}, AROUND),
    ({"allOf": [{"enum": [0, 1]}, {"enum": [False, 1]}]}, [0, 1]),
    ({**INT, "allOf": [{"minimum": 1}, {"minimum": 2}, {"maximum": 4}, {"maximum": 3}]}, AROUND),
    ({**TEXT, "allOf": [{"minLength": 2}, {"maxLength": 2}, {"maxLength": 3}]}, WORDS),
    ({**INT, "enum": [0, 1, 2], "not": {"enum": [1]}}, AROUND),
    ({**TEXT, "not": {"const": "a"}, "allOf": [{"not": {"const": "b"}}]}, WORDS),
    ({**TEXT, "minLength": 1}, WORDS),
    ({**TEXT, "minLength": 2.0, "maxLength": 2}, WORDS),
    ({**TEXT, "pattern": "a", "allOf": [{"pattern": "b"}, {"minLength": 1}, {"minLength": 0}]}, WORDS),
    ({**TEXT, "format": "uuid", "pattern": "^2"}, ["2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2"]),
    ({**TEXT, "format": "date"}, ["2024-02-29", "2023-02-29", "x"]),
    ({**TEXT, "format": "date-time"}, ["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.5+01:00", "2024-02-29 12:00:00"]),
    ({**TEXT, "format": "time"}, ["12:00:00Z", "12:00:00.25Z", "12:00:00"]),
    ({**TEXT, "format": "duration"}, ["P1D", "PT1M", "P"]),
    (BOOL, [True, False, "x", 1, 0]),
    ({"type": "array", "items": INT, "minItems": 1, "maxItems": 2}, [[], [1], [1, 2], [1, 2, 3], [None], ["x"]]),
    ({"type": "array", "items": {"type": ["integer", "null"], "minimum": 1}}, [[1, None], [0], [None, None]]),
    ({"type": "array", "items": TEXT, "uniqueItems": True}, [[], ["a"], ["a", "b"], ["a", "b", "a"]]),
    ({"type": "array", "items": XY, "allOf": [{"uniqueItems": True}]}, [[{"x": 1}, {"x": 2}], [{"x": 1}, {"x": 1}]]),
    ({"allOf": [{"type": "array"}, {"items": INT}], "items": {"minimum": 2}}, [[2], [1], [2, 1]]),
    ({**XY, "required": ["x"]}, [{}, {"x": 1}, {"x": None}, {"y": "a"}, {"x": 1, "z": 1}]),
    (
        {**XY, "allOf": [{"required": ["y"]}, {"properties": {"x": {"minimum": 2}}}]},
        [{"y": "a"}, {"x": 1, "y": "a"}, {}],
    ),
    (
        {**XY, "properties": {"x": {"type": ["integer", "null"]}}, "required": ["x"]},
        [{"x": None}, {"x": 1}, {"x": "a"}],
    ),
]


@pytest.mark.parametrize("where", ["column", "nullable", "items", "field", "within"])
@pytest.mark.parametrize("part", range(PARTS))
def test_keywords_mean_the_same_to_a_boundary_as_to_a_validator(where, part):
    properties, records = {}, []
    for number, (said, values) in enumerate(CASES[part::PARTS]):
        properties[f"v{number}"], found = placed(said, values, where)
        records.extend({f"v{number}": value} for value in found)
    document = {"type": "object", "properties": properties}
    expected = validator_says(document, records)
    schema = read_json_schema(document, name="record")
    assert differing(records, boundary_says(schema, records), expected) == []
    written = write_json_schema(schema)
    assert differing(records, validator_says(written, records), expected) == []
    if where == "column":
        again = read_json_schema(written, name="record")
        assert differing(records, boundary_says(again, records), expected) == []
    assert 0 < sum(expected) < len(expected)  # some of each


def differing(records: list[Any], given: list[bool], expected: list[bool]) -> list[Any]:
    return [(record, one) for record, one, other in zip(records, given, expected, strict=True) if one != other]


def placed(said: dict[str, Any], values: list[Any], where: str) -> tuple[dict[str, Any], list[Any]]:
    """A property that is described so, or holds what is, and values for it."""
    if where == "nullable":
        return {"anyOf": [{"type": "null"}, said]}, [*values, None]
    if where == "items":
        return {"type": "array", "items": said}, [*([value] for value in values), values[:2], []]
    if where == "field":
        field = {"type": "object", "properties": {"f": said}, "required": ["f"]}
        return {"anyOf": [field, {"type": "null"}]}, [*({"f": value} for value in values), None, {}]
    if where == "within":
        field = {"type": "object", "properties": {"f": {"type": "array", "items": said}}}
        return {"type": "array", "items": field}, [[{"f": [value]}, {}] for value in values]
    return said, values


@pytest.mark.parametrize(
    ("said", "dtype"),
    [
        (INT, "Int64"),
        ({**INT, "minimum": -(2**63) - 1}, "Int128"),
        ({**INT, "maximum": 2**63 - 1}, "Int64"),
        (NUM, "Float64"),
        ({**NUM, "multipleOf": 2}, "Int64"),
        ({**NUM, "multipleOf": 0.25}, "Decimal(precision=18, scale=2)"),
        ({**NUM, "multipleOf": 1e-7}, "Decimal(precision=38, scale=7)"),
        ({**CENTS, "maximum": 10**16}, "Decimal(precision=38, scale=2)"),
        ({**TEXT, "format": "date-time"}, "Datetime(time_unit='us', time_zone='UTC')"),
        ({**TEXT, "format": "time"}, "Time"),
        ({"enum": ["a"]}, "String"),
        ({"type": "array", "items": XY}, "List(Struct({'x': Int64, 'y': String}))"),
    ],
)
def test_a_type_follows_from_what_is_said(said, dtype):
    schema = read_json_schema({"properties": {"v": said}}, name="record")
    assert str(compile_contract(schema).columns["v"].dtype) == dtype
