"""Words that stand for values: booleans, categories, and bytes written as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.casts.kept import Cast, guarded, only_if
from framework.errors import SchemaError

if TYPE_CHECKING:
    from framework.boundary.casts.reading import Reading

TRUE_WORDS = ("true", "True", "TRUE", "1", "yes", "Yes", "Y", "y")
FALSE_WORDS = ("false", "False", "FALSE", "0", "no", "No", "N", "n")
ENCODINGS = ("base64", "hex", "utf-8")


def boolean(raw: pl.Expr, typed: pl.Expr, _target: pl.DataType, reading: Reading) -> Cast:
    """Read booleans: the declared words, exactly, and no others."""
    true, false = words_of(reading)
    words = {**dict.fromkeys(true, True), **dict.fromkeys(false, False)}
    return guarded(raw, typed, raw.replace_strict(words, default=None, return_dtype=pl.Boolean))


def words_of(reading: Reading) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words for true and for false; declaring either replaces both."""
    if reading.true_words or reading.false_words:
        return reading.true_words, reading.false_words
    return TRUE_WORDS, FALSE_WORDS


def category(raw: pl.Expr, typed: pl.Expr, target: pl.DataType) -> Cast:
    """Read categories: those of an Enum, or any."""
    return guarded(raw, typed, raw.cast(target, strict=False))


def binary(raw: pl.Expr, typed: pl.Expr, _target: pl.DataType, reading: Reading) -> Cast:
    """Read bytes from text. Only what the bytes would be written as is kept; hexadecimal digits may be capitals.

    Raises:
        SchemaError: at planning, when no encoding is declared: text looks the same in all of them.
    """
    if reading.encoding is None:
        fix = f"declare `encoding` in the column's metadata: {', '.join(ENCODINGS)}"
        raise SchemaError(f"there is no cast from text to Binary without an encoding; {fix}")
    if reading.encoding == "utf-8":
        return guarded(raw, typed, raw.cast(pl.Binary))
    value = raw.str.decode(reading.encoding, strict=False)  # type: ignore[arg-type]
    written = typed.bin.encode(reading.encoding)  # type: ignore[arg-type]
    return Cast(value, only_if(raw, written == (raw.str.to_lowercase() if reading.encoding == "hex" else raw)))
