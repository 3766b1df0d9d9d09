"""Raw values that stand for no value: null tokens in text, and NaN where it means null."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from framework.boundary.casts.reading import Reading

NAN_WORD = "^[+-]?(?i:nan)$"
"""How Polars reads NaN from text."""


def without_tokens(raw: pl.Expr, source: pl.DataType, target: pl.DataType, reading: Reading) -> pl.Expr:
    """Give a raw column with null where its value stands for none. One row per row; other values stay as they are.

    Tokens are compared exactly, with text only. NaN is a number: in a column of text it is a word.
    """
    has_nan = reading.nan == "null" and target.is_numeric()
    if source == pl.String:
        present = raw
        if reading.null_tokens:
            present = pl.when(~raw.is_in(list(reading.null_tokens))).then(raw)
        return pl.when(~present.str.contains(NAN_WORD)).then(present) if has_nan else present
    return raw.fill_nan(None) if source.is_float() and has_nan else raw
