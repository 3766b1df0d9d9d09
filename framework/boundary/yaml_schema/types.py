"""Types in words: `decimal(12, 4)`, `datetime[us, UTC]`, `list[str]`, `struct{city: str}`, `enum[low, "very high"]`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

import polars as pl

from framework.boundary.casts.nested import as_type
from framework.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN: dict[str, pl.DataType] = {
    "str": pl.String(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "time": pl.Time(),
    "binary": pl.Binary(),
    "categorical": pl.Categorical(),
    **{f"int{bits}": getattr(pl, f"Int{bits}")() for bits in (8, 16, 32, 64, 128)},
    **{f"uint{bits}": getattr(pl, f"UInt{bits}")() for bits in (8, 16, 32, 64, 128)},
    **{f"float{bits}": getattr(pl, f"Float{bits}")() for bits in (16, 32, 64)},
}
UNITS = ("ms", "us", "ns")
DIGITS = 38
SHAPES = {
    "decimal": "decimal(12, 4)",
    "datetime": "datetime[us, UTC]",
    "duration": "duration[us]",
    "list": "list[str]",
    "array": "array[float, 3]",
    "struct": "struct{city: str, zip: str}",
    "enum": "enum[low, high]",
}
"""Types that are made of others, and how each is written."""
TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([\[\](){}:,])|([^\[\](){}:,"\s]+(?:\s+[^\[\](){}:,"\s]+)*))\s*')
BARE = re.compile(r"[\w.+/-]+(?: [\w.+/-]+)*")


def read_type(words: str) -> pl.DataType:
    """Give the type that stands in words.

    Raises:
        SchemaError: when they are none, saying what to write.

    >>> read_type("list[struct{price: decimal(9, 2), sold: datetime[us, UTC]}]")
    List(Struct({'price': Decimal(precision=9, scale=2), 'sold': Datetime(time_unit='us', time_zone='UTC')}))
    """
    tokens = _Tokens(words, _tokens(words))
    found = _type(tokens)
    if tokens.left:
        raise SchemaError(f"'{words}' goes on behind the type: '{tokens.left[0]}'")
    return found


def write_type(dtype: pl.DataType) -> str:
    """Give a type in words; `read_type` gives it back.

    Raises:
        SchemaError: when there are no words for it.

    >>> write_type(pl.Enum(["low", "very: high"]))
    'enum[low, "very: high"]'
    """
    for kind, write in _WRITERS:
        if isinstance(dtype, kind):
            return write(dtype)
    for words, known in PLAIN.items():
        if type(dtype) is type(known) and dtype == known:
            return words
    raise SchemaError(f"type {dtype!r} has no words")


def _inner(dtype: Any) -> str:
    return write_type(as_type(dtype.inner))


def _fields(dtype: pl.Struct) -> str:
    return ", ".join(f"{_word(one.name)}: {write_type(as_type(one.dtype))}" for one in dtype.fields)


_WRITERS: tuple[tuple[type[pl.DataType], Callable[[Any], str]], ...] = (
    (pl.Decimal, lambda dtype: f"decimal({dtype.precision}, {dtype.scale})"),
    (pl.Datetime, lambda dtype: f"datetime[{', '.join(filter(None, (dtype.time_unit, dtype.time_zone)))}]"),
    (pl.Duration, lambda dtype: f"duration[{dtype.time_unit}]"),
    (pl.Enum, lambda dtype: f"enum[{', '.join(map(_word, dtype.categories.to_list()))}]"),
    (pl.List, lambda dtype: f"list[{_inner(dtype)}]"),
    (pl.Array, lambda dtype: f"array[{_inner(dtype)}, {dtype.shape[0]}]"),
    (pl.Struct, lambda dtype: f"struct{{{_fields(dtype)}}}"),
)


def _word(text: str) -> str:
    return text if BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


@dataclass
class _Tokens:
    """What is left of the words to be read."""

    words: str
    left: list[str]

    def take(self, expected: str = "") -> str:
        """Take the next token: a certain one, or any."""
        found = self.left.pop(0) if self.left else ""
        if not found or (expected and found != expected):
            wanted = f"'{expected}'" if expected else "a word"
            got = f"'{found}'" if found else "its end"
            raise SchemaError(f"'{self.words}' is no type: expected {wanted}, got {got}")
        return found

    def is_next(self, token: str) -> bool:
        """Whether a token comes next; it is taken."""
        if self.left[:1] == [token]:
            self.left.pop(0)
            return True
        return False


def _tokens(words: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(words):
        match = TOKEN.match(words, at)
        if match is None:
            raise SchemaError(f"'{words}' is no type: a quote is not closed")
        found.append(match[1] or match[2] or match[3])
        at = match.end()
    return found


def _type(tokens: _Tokens) -> pl.DataType:
    word = tokens.take()
    if word in PLAIN:
        return PLAIN[word]
    if word not in _READERS:
        hint = did_you_mean(word.lower(), [*PLAIN, *SHAPES])
        raise SchemaError(f"'{word}' is no type; {hint}")
    return _READERS[word](tokens)


def _decimal(tokens: _Tokens) -> pl.DataType:
    tokens.take("(")
    precision = _number(tokens)
    tokens.take(",")
    scale = _number(tokens)
    tokens.take(")")
    if not (1 <= precision <= DIGITS and scale <= precision):
        raise SchemaError(f"decimal({precision}, {scale}): digits are 1 to {DIGITS}, of them those behind the point")
    return pl.Decimal(precision, scale)


def _datetime(tokens: _Tokens) -> pl.DataType:
    if not tokens.is_next("["):
        return pl.Datetime("us")
    unit = _unit(tokens)
    zone = tokens.take() if tokens.is_next(",") else None
    tokens.take("]")
    if zone is not None:
        _require_zone(zone)
    return pl.Datetime(unit, zone)  # type: ignore[arg-type]


def _duration(tokens: _Tokens) -> pl.DataType:
    if not tokens.is_next("["):
        return pl.Duration("us")
    unit = _unit(tokens)
    tokens.take("]")
    return pl.Duration(unit)  # type: ignore[arg-type]


def _list(tokens: _Tokens) -> pl.DataType:
    tokens.take("[")
    inner = _type(tokens)
    tokens.take("]")
    return pl.List(inner)


def _array(tokens: _Tokens) -> pl.DataType:
    tokens.take("[")
    inner = _type(tokens)
    tokens.take(",")
    width = _number(tokens)
    tokens.take("]")
    return pl.Array(inner, width)


def _struct(tokens: _Tokens) -> pl.DataType:
    tokens.take("{")
    fields: dict[str, pl.DataType] = {}
    if tokens.is_next("}"):
        return pl.Struct(fields)
    while True:
        name = _text(tokens.take())
        tokens.take(":")
        if name in fields:
            raise SchemaError(f"field '{name}' is given twice")
        fields[name] = _type(tokens)
        if not tokens.is_next(","):
            tokens.take("}")
            return pl.Struct(fields)


def _enum(tokens: _Tokens) -> pl.DataType:
    tokens.take("[")
    if tokens.is_next("]"):
        return pl.Enum([])
    categories = [_text(tokens.take())]
    while tokens.is_next(","):
        categories.append(_text(tokens.take()))
    tokens.take("]")
    twice = next((c for n, c in enumerate(categories) if c in categories[:n]), None)
    if twice is not None:
        raise SchemaError(f"category '{twice}' is given twice")
    return pl.Enum(categories)


_READERS: dict[str, Callable[[_Tokens], pl.DataType]] = {
    "decimal": _decimal,
    "datetime": _datetime,
    "duration": _duration,
    "list": _list,
    "array": _array,
    "struct": _struct,
    "enum": _enum,
}


def _number(tokens: _Tokens) -> int:
    word = tokens.take()
    if not re.fullmatch(r"[0-9]{1,9}", word):
        raise SchemaError(f"'{tokens.words}' is no type: expected a number, got '{word}'")
    return int(word)


def _unit(tokens: _Tokens) -> str:
    word = tokens.take()
    if word not in UNITS:
        raise SchemaError(f"'{word}' is no unit of time; one of {', '.join(UNITS)}")
    return word


def _text(token: str) -> str:
    if token in set("[](){}:,"):
        raise SchemaError(f"expected a name, got '{token}'")
    try:
        return str(json.loads(token)) if token.startswith('"') else token
    except ValueError as error:
        raise SchemaError(f"{token} is no text in quotes: {error}") from error


def _require_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise SchemaError(f"zone '{zone}' is not known; {did_you_mean(zone, available_timezones())}") from error
