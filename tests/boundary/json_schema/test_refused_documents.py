"""What cannot be held of a row is refused by name, at its place, with everything else that is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.boundary import compile_contract
from framework.boundary.json_schema import read_json_schema
from framework.boundary.json_schema.keywords import READ, REFUSED
from framework.errors import DefinitionError
from tests.boundary.parity.judging import HALF


def problems(properties: Any = None, **beside: Any) -> list[str]:
    document = {"type": "object", "properties": {"ok": {"type": "string"}, **(properties or {})}, **beside}
    try:
        read_json_schema(document, name="doc")
    except DefinitionError as error:
        return [str(problem) for problem in error.problems]
    return []


def of(said: Any) -> list[str]:
    return problems({"a": said})


DATE = {"type": "string", "format": "date"}
HERE = "doc#/properties/a"
STEP = "give every record one shape; tell others apart in a step"


@pytest.mark.parametrize("keyword", sorted(REFUSED))
def test_a_keyword_that_cannot_be_held_is_refused_by_its_name(keyword):
    told = f"`{keyword}` cannot be held of a column ({REFUSED[keyword]})"
    assert of({"type": "string", keyword: 1}) == [f"{HERE}/{keyword}: {told}"]
    assert problems(**{keyword: 1}) == [f"doc#/{keyword}: {told}"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"minimun": 3, "type": "integer"},
         "/minimun: `minimun` is no keyword of draft 2020-12 (did you mean 'minimum'?)"),
        ({"type": "string", "sensitive": True},
         "/sensitive: `sensitive` is no keyword of draft 2020-12 (call it x-sensitive if it is a note)"),
        ({"type": "integer", "minimum": "3"}, "/minimum: `minimum` must be a number"),
        ({"type": "integer", "minimum": True}, "/minimum: `minimum` must be a number"),
        ({"type": "integer", "multipleOf": 0}, "/multipleOf: `multipleOf` must be a number above 0"),
        ({"type": "string", "minLength": -1}, "/minLength: `minLength` must be a whole number from 0"),
        ({"type": "string", "minLength": 1.5}, "/minLength: `minLength` must be a whole number from 0"),
        ({"enum": []}, "/enum: `enum` must be a list with something in it"),
        ({"type": "object", "properties": []}, "/properties: `properties` must be an object"),
        ({"type": "object", "properties": {"x": {"type": "string"}}, "required": "x"},
         "/required: `required` must be a list of texts"),
        ({"type": "array", "items": [1]}, "/items: `items` must be a schema"),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": 1},
         "/uniqueItems: `uniqueItems` must be true or false"),
        ({"type": "strng"}, "/type: 'strng' is no type (did you mean 'string'?)"),
        ({"$id": "x", "type": "string"}, "/$id: `$id` stands within a document (say it at the root)"),
        (True, ": anything may be there (give its type)"),
        (False, ": nothing may be there (leave it out, or say additionalProperties: false)"),
        (3, ": a schema is an object, got integer"),
        ({}, ": it does not say its type (give `type`: string, integer, number, boolean, array, object)"),
        ({"type": ["string", "integer"]},
         "/type: it may be of several types: integer, string (a column has one, and may be null)"),
        ({"enum": ["a", 1]}, ": it may be of several types: integer, string (a column has one, and may be null)"),
        ({"type": "null"}, "/type: only null may be there (leave it out, or give another type beside null)"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]},
         "/allOf/0/type: no value has all the types that its parts ask for (give one type)"),
        ({"type": "array"}, ": the array does not say what is in it (give `items`)"),
        ({"type": "object"}, ": the object does not say what is in it (give `properties`)"),
        ({"type": "string", "maximum": 3},
         "/maximum: `maximum` says nothing of type string (drop it, or change the type)"),
        ({"type": "string", "enum": ["a"], "const": "b"}, "/const: no value is left (list at least one of its type)"),
        ({"type": "string", "enum": [1]}, "/enum: none of its values is a String (list values of its type)"),
        ({"type": "number", "multipleOf": 0.01, "enum": [0.005]},
         "/enum: none of its values is a Decimal(precision=18, scale=2) (list values of its type)"),
        ({"type": "string", "format": "datetime"},
         "/format: format 'datetime' is not held (did you mean 'date-time' or 'time'?; or say it by `pattern`)"),
        ({"type": "string", "format": "date", "pattern": "^20"},
         "/pattern: format 'date' makes it a time, of which no pattern or other format can be held (keep one of them)"),
        ({"type": "string", "format": "date", "minLength": 3},
         "/minLength: `minLength` cannot be held of a time (drop it, or the format)"),
        ({"type": "string", "pattern": "a(?=b)"},
         ("/pattern: pattern 'a(?=b)' cannot be held: look-around (`(?=`) cannot be held while rows stream "
          "(say it in other words, or test it in a step)")),
        ({"type": "string", "not": {"type": "string"}},
         "/not: `not` can only rule out values (write enum or const in it)"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]},
         f"/anyOf: `anyOf` can only be one schema and null ({STEP})"),
        ({"$ref": "other.json"}, "/$ref: 'other.json' is another document (bring what it refers to into $defs)"),
        ({"$ref": "#/$defs/x"}, "/$ref: nothing is at '#/$defs/x'"),
        ({"$ref": "#"}, "/$ref: it refers to itself: # (a column has a fixed depth: write it out)"),
        ({"type": "object", "properties": {"x": {"type": "string"}}, "required": ["y"]},
         "/required: 'y' is required, and is no property (known: x)"),
        ({"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": {"type": "string"}},
         ("/additionalProperties: further properties cannot be described without their names "
          "(list every property, or say true or false)")),
        ({"allOf": [{"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": False}],
          "properties": {"y": {"type": "string"}}},
         ("/allOf/0/additionalProperties: it forbids y, which another part of the same schema describes "
          "(say it in the schema that lists all properties)")),
        ({"type": "number", "multipleOf": 1e-38}, "/multipleOf: it has more than 37 decimal places (give fewer)"),
        ({"type": "integer", "maximum": 10**40},
         f": {10**40} is more than a whole number can hold (give a nearer limit)"),
        ({"type": "integer", "multipleOf": 2**64}, f"/multipleOf: {2**64} is too large (give a smaller one)"),
        ({"type": "integer", "default": 1.5},
         "/default: the default 1.5 is no Int64: it is no integer (give a whole number)"),
        ({"type": "string", "default": 1}, "/default: the default 1 is no String: it is no string (give a text)"),
        ({"type": "object", "properties": {"d": DATE, "t": {"type": "string", "format": "time"}}},
         ": it holds dates, moments or times of day beside each other (give each a property of its own)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(said, told):
    assert of(said) == [f"{HERE}{told}"]


def test_lists_and_objects_cannot_be_listed_as_values():
    assert of({"type": "object", "properties": {"x": {"type": "integer"}}, "const": {"x": 1}}) == [
        f"{HERE}/const: values of type object cannot be listed (describe what is in them)"
    ]


def test_problems_behind_a_reference_are_said_once_where_they_are_written():
    defs = {"zip": {"type": "string", "pattern": "(a)\\1"}, "a/b": {"type": "string", "minLenght": 1}}
    refs = {"a": {"$ref": "#/$defs/zip"}, "b": {"$ref": "#/$defs/zip"}, "c": {"$ref": "#/$defs/a~1b"}}
    why = "it refers back to a group, which cannot be held while rows stream"
    assert problems(refs, **{"$defs": defs}) == [
        "doc#/$defs/a~1b/minLenght: `minLenght` is no keyword of draft 2020-12 (did you mean 'minLength'?)",
        f"doc#/$defs/zip/pattern: pattern '(a)\\1' cannot be held: {why} (say it in other words, or test it in a step)",
    ]


def test_a_schema_that_contains_itself_is_refused_with_the_way_back():
    defs = {
        "a": {"type": "array", "items": {"$ref": "#/$defs/b"}},
        "b": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]},
    }
    way = "#/$defs/a -> #/$defs/b -> #/$defs/a"
    assert problems({"x": {"$ref": "#/$defs/a"}}, **{"$defs": defs}) == [
        f"doc#/$defs/b/anyOf/0/$ref: it refers to itself: {way} (a column has a fixed depth: write it out)"
    ]


def test_a_document_that_unfolds_without_end_is_refused():
    defs = {
        f"d{n}": {"type": "object", "properties": {k: {"$ref": f"#/$defs/d{n + 1}"} for k in "ab"}} for n in range(40)
    }
    defs["d40"] = {"type": "string"}
    told = problems({"x": {"$ref": "#/$defs/d0"}}, **{"$defs": defs})
    why = "it is nested too deeply, or refers to too much (describe a flatter record)"
    assert told == [f"doc#/$defs/d29/properties/{name}: {why}" for name in "ab"]
    deep: Any = {"type": "string"}
    for _ in range(5_000):
        deep = {"type": "array", "items": deep}
    assert "it is nested too deeply, or refers to too much" in of(deep)[0]


@pytest.mark.parametrize("name", ["a.b", "*", "", "^a$"])
def test_names_that_no_column_can_have_are_refused(name):
    assert problems({name: {"type": "string"}}) == [
        f"doc#/properties/{name}: '{name}' cannot be the name of a column (no dots, no *, no ^...$)"
    ]


def test_what_is_no_record_is_refused():
    def said(document: Any) -> list[str]:
        with pytest.raises(DefinitionError) as caught:
            read_json_schema(document, name="doc")
        return [str(problem) for problem in caught.value.problems]

    assert said([]) == ["doc#: a schema is an object, got array"]
    assert said({"type": "array", "items": {"type": "string"}}) == [
        "doc#/type: it describes array, and not a record (write object)"
    ]
    assert said({"type": "object"}) == ["doc#: the record has no properties (describe each column in `properties`)"]
    draft = "http://json-schema.org/draft-07/schema#"
    assert said({"$schema": draft, "properties": {"a": {"type": "string"}}}) == [
        f"doc#/$schema: '{draft}' is another dialect (write https://json-schema.org/draft/2020-12/schema)"
    ]
    assert said({"properties": {"a": {"type": "string"}}, "default": {}, "required": ["b"]}) == [
        "doc#/default: `default` cannot be said of a whole record (say it of its properties)",
        "doc#/required: 'b' is required, and is no property (known: a)",
    ]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-2, 2)
    | st.sampled_from(("string", "a", "#/$defs/a", "")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from((*READ, "$defs", "a")), inner, max_size=4)
    ),
    max_leaves=12,
)


@HALF
@given(st.dictionaries(st.sampled_from(sorted(READ)), JSON), JSON)
def test_any_document_becomes_a_contract_or_is_refused(said, other):
    for document in (
        {"properties": {"a": said}, "$defs": {"a": other}},
        {"properties": other},
        {**said, "properties": {"a": other}},
    ):
        try:
            schema = read_json_schema(json.loads(json.dumps(document)), name="doc")
        except DefinitionError:
            continue
        compile_contract(schema)
