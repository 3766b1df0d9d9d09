"""Keys that a record lacks, as against keys that are null: where it matters, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.core.frames import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.boundary.contract import ColumnSpec


def is_optional(spec: ColumnSpec) -> bool:
    """Whether a column need not be there, and nothing takes its place: then it breaks no rule by being absent."""
    return not spec.required and spec.default is None


def must_have(spec: ColumnSpec) -> bool:
    """Whether each record must have a column's key, null or not."""
    return spec.reading.absent == "apart" and spec.required and spec.default is None


def is_told_absent(spec: ColumnSpec) -> bool:
    """Whether it makes a difference for a column that a record lacks it."""
    return spec.reading.absent == "apart" or is_optional(spec)


def where_absent(available: pl.Schema) -> dict[str, pl.Expr]:
    """Per column of which it is told: whether a row's record lacks it."""
    told = available.get(ABSENT)
    names = [field.name for field in told.fields] if isinstance(told, pl.Struct) else []
    return {name: pl.col(ABSENT).struct.field(name).fill_null(value=False) for name in names}


def as_record(values: Mapping[str, pl.Expr], gone: Mapping[str, pl.Expr]) -> pl.Expr:
    """Put raw values together as JSON, one object per row, without the keys that a record lacks."""
    if not gone:
        return pl.struct(value.alias(name) for name, value in values.items()).struct.json_encode()
    members = []
    for name, value in values.items():
        member = pl.struct(value.alias(name)).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        members.append(pl.when(~gone[name]).then(member) if name in gone else member)
    return pl.concat_str(pl.lit("{"), pl.concat_str(members, separator=",", ignore_nulls=True), pl.lit("}"))
