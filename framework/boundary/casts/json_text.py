"""JSON in columns of text, cut apart by expressions: every value keeps the text it has there, numbers their digits.

NOTE: `json_decode` would turn 12345678901234567890.12 into 12345678901234567000, raise for what is no JSON, and read
half of a surrogate pair as NUL (polars 2.1). So it is given nothing but sound strings with a backslash.
"""

from __future__ import annotations

from functools import reduce

import polars as pl

DEEPEST = 8
"""How many objects and arrays may stand within each other."""
STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"'
NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
ITEM = rf"(?:{STRING}|{NUMBER}|true|false|null)"
BLANKS = r"[ \t\r\n]*"
FLAT_ARRAY = rf"^{BLANKS}\[{BLANKS}(?:{ITEM}{BLANKS}(?:,{BLANKS}{ITEM}{BLANKS})*)?\]{BLANKS}$"
"""A JSON array of plain values."""

KEYS, VALUES = "keys", "values"

_KEY, _VALUE, _CONTROL = "\x01", "\x02", r"[\x00-\x08\x0b\x0c\x0e-\x1f]"
_ANY = f"[{_KEY}{_VALUE}]"
_INNERMOST = rf"\{{(?:{_KEY}:{_ANY}(?:,{_KEY}:{_ANY})*)?\}}|\[(?:{_ANY}(?:,{_ANY})*)?\]"
_LOOSE = r'"(?:[^"\\]|\\.)*"'
_LOW, _HIGH = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}", r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_PAIR = _HIGH + _LOW


def _nested(depth: int) -> str:
    """An object or array of sound JSON, from its first bracket to the last, as deep as they may be."""
    inner = rf"|{_nested(depth - 1)}" if depth > 1 else ""
    return rf'[\[{{](?:[^\[\]{{}}"]|{_LOOSE}{inner})*[\]}}]'


_MEMBER = rf"{_LOOSE}{BLANKS}:{BLANKS}(?:{_LOOSE}|{_nested(DEEPEST - 1)}|[^,\[\]{{}}\s]+)"
_SPLIT = rf"(?s)^({_LOOSE}){BLANKS}:{BLANKS}(.*)$"


def is_object(raw: pl.Expr) -> pl.Expr:
    """Whether a text is one JSON object, all strings of which are text.

    Tokens give way to a letter each, then the innermost objects and arrays to that of a value, until nothing but one is
    left. What is no JSON leaves something that none of the forms has.
    """
    letters = raw.str.replace_all(STRING, _KEY).str.replace_all(rf"{NUMBER}|true|false|null", _VALUE)
    bare = letters.str.replace_all(r"[ \t\r\n]+", "")
    folded = reduce(lambda text, _: text.str.replace_all(_INNERMOST, _VALUE), range(DEEPEST), bare)
    is_json = (folded == _VALUE) & bare.str.starts_with("{") & ~raw.str.contains(_CONTROL)
    return is_json & is_text(raw)


def is_text(raw: pl.Expr) -> pl.Expr:
    """Whether no string in a sound JSON text spells half of a surrogate pair, which is no text."""
    return ~raw.str.replace_all(r"\\\\", "").str.replace_all(_PAIR, "").str.contains(rf"{_LOW}|{_HIGH}")


def once(value: pl.Expr) -> pl.Expr:
    """A value as a list of one item: what is evaluated over the list computes the value once."""
    return pl.concat_list(value)


def members(raw: pl.Expr) -> pl.Expr:
    """The members of sound JSON objects (`"key": value`), as lists in their order."""
    return raw.str.extract_all(_MEMBER)


def keys_and_values(found: pl.Expr) -> pl.Expr:
    """Cut members apart, as a struct of two lists: keys as they read, values as they stand."""
    key, value = pl.element().str.extract(_SPLIT, 1), pl.element().str.extract(_SPLIT, 2)
    return pl.struct(found.list.eval(unquoted(key)).alias(KEYS), found.list.eval(value).alias(VALUES))


def value_of(name: str, keys: pl.Expr, values: pl.Expr) -> pl.Expr:
    """The value of a key that occurs at most once; null where it does not."""
    at = keys.list.eval((pl.element() == name).cast(pl.UInt8)).list.arg_max()
    return pl.when(keys.list.contains(name)).then(values.list.get(at, null_on_oob=True))


def count_values(values: pl.Expr) -> pl.Expr:
    """How many values are there that are not null."""
    return values.list.eval((pl.element() != "null").cast(pl.UInt32)).list.sum()


def plain_text(value: pl.Expr) -> pl.Expr:
    """A plain JSON value as text: strings without their quotes, null as null, all others as they stand."""
    return pl.when(value != "null").then(pl.when(value.str.starts_with('"')).then(unquoted(value)).otherwise(value))


def unquoted(string: pl.Expr) -> pl.Expr:
    """What a JSON string says; only those with a backslash are decoded, and nothing that is none."""
    is_escaped = string.str.contains("\\", literal=True) & string.str.starts_with('"')
    decoded = pl.concat_str(pl.lit("["), pl.when(is_escaped).then(string), pl.lit("]")).fill_null("[]")
    text = decoded.str.json_decode(pl.List(pl.String)).list.first()
    return pl.when(is_escaped).then(text).otherwise(string.str.slice(1, string.str.len_chars() - 2))
