"""Plain data that stands for a value, and its hash."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import polars as pl


def digest(form: Any) -> str:
    """The hash of plain data, whatever the order of its keys.

    >>> digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    True
    """
    text = json.dumps(form, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return bytes_form(text.encode(errors="surrogatepass"))


def bytes_form(content: bytes) -> str:
    """Content by its hash.

    >>> bytes_form(b"Sluice")
    '2860f86bbbbcd902'
    """
    return hashlib.sha256(content).hexdigest()[:16]


def dtype_form(dtype: Any) -> Any:
    """A type of Polars, with all its categories and fields.

    >>> dtype_form(pl.List(pl.Enum(["a", "b"])))
    ['List', ['Enum', 'a', 'b']]
    """
    if isinstance(dtype, pl.Enum):
        return ["Enum", *dtype.categories.to_list()]
    if isinstance(dtype, pl.Struct):
        return ["Struct", *([field.name, dtype_form(field.dtype)] for field in dtype.fields)]
    if isinstance(dtype, (pl.List, pl.Array)):
        size = [list(dtype.shape)] if isinstance(dtype, pl.Array) else []
        return [type(dtype).__name__, dtype_form(dtype.inner), *size]
    return str(dtype)
