"""Polars types as JSON Schema: how a value looks in JSON that a boundary takes for one of the type."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.casts.nested import as_type, type_within
from framework.boundary.json_schema.texts import layouts_pattern, said_of
from framework.errors import SchemaError

if TYPE_CHECKING:
    from framework.boundary.casts.reading import Reading

Said = dict[str, Any]

WHOLE = (("", Fraction(1)),)
"""Units that only say that whole numbers may be written 7.0."""
JSON_WORDS = (("true",), ("false",))
BITS = {"Int8": 8, "Int16": 16, "Int32": 32, "UInt8": 8, "UInt16": 16, "UInt32": 32, "UInt64": 64}
MOST_DIGITS, MANY_DIGITS = 38, 18
_B64 = "[A-Za-z0-9+/]"
ENCODED = {
    "base64": rf"^(?:{_B64}{{4}})*(?:{_B64}[AQgw]==|{_B64}{{2}}[AEIMQUYcgkosw048]=)?$",
    "hex": "^(?:[0-9A-Fa-f]{2})*$",
}


def said_of_type(dtype: pl.DataType, reading: Reading) -> Said:
    """Say what values of a type are in JSON, null left out; what is within them may be null.

    Raises:
        SchemaError: when no JSON value can become one.
    """
    if isinstance(dtype, pl.List | pl.Array):
        return _array(dtype, reading)
    if isinstance(dtype, pl.Struct):
        fields = {field.name: or_null(said_of_type(as_type(field.dtype), reading)) for field in dtype.fields}
        return {"type": "object", "properties": fields}
    if dtype.is_temporal():
        return _time(dtype, reading)
    if dtype.is_numeric():
        return _number(dtype, reading)
    return _words(dtype, reading)


def _words(dtype: pl.DataType, reading: Reading) -> Said:
    if dtype == pl.Boolean:
        words = (reading.true_words, reading.false_words)
        is_plain = words in {((), ()), JSON_WORDS}
        return {"type": "boolean"} if is_plain else {"type": "string", "enum": [*words[0], *words[1]]}
    if isinstance(dtype, pl.Enum):
        return {"type": "string", "enum": dtype.categories.to_list()}
    return _binary(reading) if dtype == pl.Binary else {"type": "string"}


def or_null(said: Said) -> Said:
    """Say that null is allowed as well."""
    found = {**said, "type": [said["type"], "null"]}
    return {**found, "enum": [*said["enum"], None]} if "enum" in said and None not in said["enum"] else found


def _array(dtype: pl.List | pl.Array, reading: Reading) -> Said:
    found: Said = {"type": "array", "items": or_null(said_of_type(type_within(dtype), reading))}
    if isinstance(dtype, pl.Array):
        found["minItems"] = dtype.size
        found.update({} if reading.drops_surplus else {"maxItems": dtype.size})
    return found


def _time(dtype: pl.DataType, reading: Reading) -> Said:
    if reading.time_unit:
        return {"type": "number"}
    said = said_of(dtype, reading.formats)
    if said is None and reading.formats:
        pattern = layouts_pattern(reading.formats, getattr(dtype, "time_unit", "ns"))
        said = {"pattern": pattern} if pattern else {}
    return {"type": "string", **(said or {})}


def _number(dtype: pl.DataType, reading: Reading) -> Said:
    if reading.has_number_form and reading.units != WHOLE:
        return {"type": "string"}
    if dtype.is_float():
        return {"type": "number"}
    found = _decimal(dtype) if isinstance(dtype, pl.Decimal) else _integer(dtype)
    if not reading.rounding:
        return found
    return {
        "type": "number",
        **{keyword: one for keyword, one in found.items() if keyword not in {"type", "multipleOf"}},
    }


def _integer(dtype: pl.DataType) -> Said:
    bits = BITS.get(str(dtype))
    least = 0 if dtype.is_unsigned_integer() else -(2 ** (bits - 1)) if bits else None
    most = None if bits is None else 2**bits - 1 if dtype.is_unsigned_integer() else 2 ** (bits - 1) - 1
    limits = {"minimum": least, "maximum": most}
    return {"type": "integer", **{keyword: limit for keyword, limit in limits.items() if limit is not None}}


def _decimal(dtype: pl.Decimal) -> Said:
    digits = dtype.precision or MOST_DIGITS
    found: Said = {"type": "integer"}
    if dtype.scale:
        found = {"type": "number", "multipleOf": float(Decimal(1).scaleb(-dtype.scale))}
    if digits < MANY_DIGITS:
        largest = 10 ** (digits - dtype.scale)
        found.update(exclusiveMinimum=-largest, exclusiveMaximum=largest)
    return found


def _binary(reading: Reading) -> Said:
    if reading.encoding is None:
        raise SchemaError("bytes have no form in JSON; declare `encoding` in the column's metadata")
    if reading.encoding == "utf-8":
        return {"type": "string"}
    return {"type": "string", "contentEncoding": reading.encoding, "pattern": ENCODED[reading.encoding]}
