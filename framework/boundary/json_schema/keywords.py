"""The keywords of JSON Schema draft 2020-12: which are read, which are notes, which are refused, and what to do."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from framework.boundary.json_schema.node import is_number
from framework.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Form = Literal["number", "above_zero", "count", "flag", "text", "texts", "list", "object", "schema", "any"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
NUMBERS = frozenset({"integer", "number"})

READ: dict[str, Form] = {
    "$ref": "text",
    "allOf": "list",
    "anyOf": "list",
    "not": "object",
    "type": "any",
    "enum": "list",
    "const": "any",
    "minimum": "number",
    "maximum": "number",
    "exclusiveMinimum": "number",
    "exclusiveMaximum": "number",
    "multipleOf": "above_zero",
    "minLength": "count",
    "maxLength": "count",
    "pattern": "text",
    "format": "text",
    "items": "schema",
    "minItems": "count",
    "maxItems": "count",
    "uniqueItems": "flag",
    "properties": "object",
    "required": "texts",
    "additionalProperties": "schema",
    "default": "any",
}
"""What says something of values, and what it must look like."""
MEANS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), NUMBERS),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), frozenset({"string"})),
    **dict.fromkeys(("items", "minItems", "maxItems", "uniqueItems"), frozenset({"array"})),
    **dict.fromkeys(("properties", "required", "additionalProperties"), frozenset({"object"})),
}
"""The types of which a keyword says something."""
NOTES = ("title", "description", "examples", "deprecated", "readOnly", "writeOnly", "$comment")
"""Annotations that are kept."""
SILENT = ("$defs", "definitions", "contentEncoding", "contentMediaType", "contentSchema")
"""What says nothing of values by itself: definitions count where they are referred to."""
AT_ROOT = ("$schema", "$id")

_ONE_SHAPE = "give every record one shape; tell others apart in a step"
_LIST_ALL = "list every property"
_OTHER_DRAFT = "write it as draft 2020-12 does"
REFUSED: dict[str, str] = {
    "oneOf": "write anyOf of one schema and null, or give every record one shape",
    "if": _ONE_SHAPE,
    "then": _ONE_SHAPE,
    "else": _ONE_SHAPE,
    "dependentRequired": _ONE_SHAPE,
    "dependentSchemas": _ONE_SHAPE,
    "patternProperties": _LIST_ALL,
    "propertyNames": _LIST_ALL,
    "minProperties": f"{_LIST_ALL} that is required",
    "maxProperties": f"{_LIST_ALL}, and say additionalProperties: false",
    "unevaluatedProperties": "write additionalProperties",
    "unevaluatedItems": "write items",
    "prefixItems": "write an object with a name for each item",
    "contains": "write items, or test it in a step",
    "minContains": "write items, or test it in a step",
    "maxContains": "write items, or test it in a step",
    "$dynamicRef": "write $ref",
    "$dynamicAnchor": "write $ref to $defs",
    "$anchor": "refer to it by its place: #/$defs/...",
    "$vocabulary": "only the vocabularies of draft 2020-12 are known",
    "$recursiveRef": _OTHER_DRAFT,
    "$recursiveAnchor": _OTHER_DRAFT,
    "dependencies": _OTHER_DRAFT,
    "additionalItems": _OTHER_DRAFT,
    "id": "write $id, at the root",
    "nullable": 'write "type": [..., "null"]',
    "discriminator": _ONE_SHAPE,
}
"""What cannot be held of a row, or is of another draft."""
NEAR = 0.8
"""How alike an unknown keyword must be to a known one to count as misspelt."""


def wrong_keywords(schema: Mapping[str, Any], *, is_root: bool) -> Iterator[tuple[str, str, str]]:
    """Find the keywords of a schema that cannot be read: the keyword, what is wrong, and what to do."""
    for keyword, value in schema.items():
        if keyword in READ:
            wanted = _wrong_form(READ[keyword], value)
            if wanted:
                yield keyword, f"`{keyword}` must be {wanted}", ""
        elif keyword in AT_ROOT:
            yield from _wrong_head(keyword, value, is_root=is_root)
        elif keyword in REFUSED:
            yield keyword, f"`{keyword}` cannot be held of a column", REFUSED[keyword]
        elif keyword not in {*NOTES, *SILENT} and not keyword.startswith("x-"):
            yield keyword, f"`{keyword}` is no keyword of draft 2020-12", _fix(keyword)


def _fix(keyword: str) -> str:
    known = [*READ, *NOTES, *SILENT]
    near = get_close_matches(keyword, known, n=1, cutoff=NEAR)
    return did_you_mean(keyword, near) if near else f"call it x-{keyword.lstrip('$')} if it is a note"


def _wrong_head(keyword: str, value: Any, *, is_root: bool) -> Iterator[tuple[str, str, str]]:
    if not is_root:
        yield keyword, f"`{keyword}` stands within a document", "say it at the root"
    elif keyword == "$schema" and str(value).rstrip("#") != DIALECT:
        yield keyword, f"{value!r} is another dialect", f"write {DIALECT}"


def _wrong_form(form: Form, value: Any) -> str:
    """What a keyword's value must be; nothing when it is."""
    if form == "number":
        return "" if is_number(value) else "a number"
    if form == "above_zero":
        return "" if is_number(value) and value > 0 else "a number above 0"
    if form == "count":
        return "" if is_number(value) and value >= 0 and value == int(value) else "a whole number from 0"
    if form == "schema":
        return "" if isinstance(value, (dict, bool)) else "a schema"
    if form == "texts":
        fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return "" if fits else "a list of texts"
    kinds: dict[str, tuple[type, str]] = {
        "flag": (bool, "true or false"),
        "text": (str, "a text"),
        "list": (list, "a list with something in it"),
        "object": (dict, "an object"),
    }
    kind, words = kinds.get(form, (object, ""))
    return "" if isinstance(value, kind) and (form != "list" or value) else words
