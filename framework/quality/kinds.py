"""What can be measured of a column, by its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    from framework.core.quality import Need

Kind = Literal["number", "text", "flag", "time", "other"]


def kind_of(dtype: pl.DataType) -> Kind:
    """The kind of a type: lists, structs, bytes and the like are `other`.

    >>> kind_of(pl.Decimal(12, 2)), kind_of(pl.Date()), kind_of(pl.List(pl.String))
    ('number', 'time', 'other')
    """
    if dtype.is_numeric():
        return "number"
    if dtype.is_temporal():
        return "time"
    if dtype == pl.Boolean:
        return "flag"
    return "text" if isinstance(dtype, (pl.String, pl.Categorical, pl.Enum)) else "other"


def fits(dtype: pl.DataType, need: Need) -> bool:
    """Whether a column of a type has what a metric needs.

    >>> fits(pl.String(), "values"), fits(pl.String(), "number")
    (True, False)
    """
    kind = kind_of(dtype)
    if need == "time":
        return isinstance(dtype, (pl.Date, pl.Datetime))
    allowed = {
        "any": {"number", "text", "flag", "time", "other"},
        "flat": {"number", "text", "flag", "time"},
        "values": {"number", "text", "flag"},
        "number": {"number"},
        "text": {"text"},
        "float": {"number"} if dtype.is_float() else set(),
    }
    return kind in allowed[need]
