"""Types that Delta cannot hold: what stands for them in a table, and how the declared type is had back.

Delta has no unsigned and no 128-bit integers, no categories, times of day, durations or zones other than UTC, and no
lists of fixed width. Each is stored as the nearest thing that other readers understand, without loss; what would lose
something is refused. See docs/reference/casts.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polars._typing import PolarsDataType

WIDER: dict[type[pl.DataType], pl.DataType] = {
    pl.UInt8: pl.Int16(),
    pl.UInt16: pl.Int32(),
    pl.UInt32: pl.Int64(),
    pl.UInt64: pl.Decimal(20, 0),
    pl.UInt128: pl.Decimal(38, 0),
    pl.Int128: pl.Decimal(38, 0),
    pl.Float16: pl.Float32(),
    pl.Categorical: pl.String(),
    pl.Enum: pl.String(),
    pl.Time: pl.String(),
    pl.Duration: pl.Int64(),
}
"""The types that stand for others. A duration is the number of its units; a time of day its ISO text."""
TIME_OF_DAY = "%H:%M:%S%.f"
REFUSED: dict[type[pl.DataType], str] = {
    pl.Null: "has no type, as all of it is null: cast it",
    pl.Object: "holds Python objects: give it a type",
    pl.Unknown: "has no type: cast it",
}


def storable(schema: Mapping[str, pl.DataType]) -> dict[str, pl.DataType]:
    """Give the columns whose type Delta cannot hold, with the type that stands for theirs.

    >>> storable(pl.Schema({"id": pl.UInt32(), "kind": pl.Enum(["a"]), "day": pl.Date()}))
    {'id': Int64, 'kind': String}

    Raises:
        SchemaError: at planning, naming every column that cannot be stored without loss.
    """
    wrong = [f"{name} {why}" for name, dtype in schema.items() if (why := _why_not(dtype))]
    if wrong:
        raise SchemaError(f"Delta cannot hold these columns: {'; '.join(wrong)}")
    found = {name: stored_type(dtype) for name, dtype in schema.items()}
    return {name: dtype for name, dtype in found.items() if dtype != schema[name]}


def stored_type(dtype: pl.DataType) -> pl.DataType:
    """Give the type that stands for another in a table, itself where Delta can hold it."""
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(stored_type(_made(dtype.inner)))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: stored_type(_made(field.dtype)) for field in dtype.fields})
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", "UTC" if dtype.time_zone else None)
    return WIDER.get(type(dtype), dtype)


def _why_not(dtype: pl.DataType) -> str:
    """Why a type has no stored form; empty when it has one."""
    if isinstance(dtype, pl.List | pl.Array):
        return _why_not(_made(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return next((why for field in dtype.fields if (why := _why_not(_made(field.dtype)))), "")
    if isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns":
        return "is in nanoseconds, and Delta keeps microseconds: cut them off with .dt.cast_time_unit('us')"
    return REFUSED.get(type(dtype), "")


def to_storable(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Bring columns into the types that stand for theirs. Lazy; one row per row, in order.

    A 128-bit integer beyond 38 digits fails the run: it is not cut.
    """
    schema = frame.collect_schema()
    wider = storable(schema)
    return frame.with_columns(_stored(pl.col(name), schema[name]).alias(name) for name in wider)


def _stored(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A column in the type that stands for its own."""
    target = stored_type(dtype)
    if target == dtype:
        return column
    if dtype == pl.Time:
        return column.dt.to_string(TIME_OF_DAY)
    if isinstance(dtype, pl.Array):
        return _stored(column.arr.to_list(), pl.List(_made(dtype.inner)))
    if isinstance(dtype, pl.List):
        return column.list.eval(_stored(pl.element(), _made(dtype.inner)))
    if isinstance(dtype, pl.Struct):
        parts = [
            _stored(column.struct.field(field.name), _made(field.dtype)).alias(field.name) for field in dtype.fields
        ]
        return pl.when(column.is_not_null()).then(pl.struct(parts))
    return column.cast(target)


def as_declared(rows: pl.LazyFrame, schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """Give a table's columns the types that a schema declares, where they are stored as something else. Lazy.

    Columns that are not declared, and those whose type does not stand for the declared one, stay as they are. A value
    that the declared type does not have (text that is no category of an Enum) fails the run.
    """
    found = rows.collect_schema()
    return rows.with_columns(
        _declared(pl.col(name), dtype).alias(name)
        for name, dtype in schema.items()
        if name in found and found[name] != dtype and found[name] == stored_type(dtype)
    )


def _declared(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A stored column in the declared type."""
    if stored_type(dtype) == dtype:
        return column
    if dtype == pl.Time:
        return column.str.to_time(TIME_OF_DAY)
    if isinstance(dtype, pl.Array):
        items = _declared(column, pl.List(_made(dtype.inner)))
        return items.list.to_array(dtype.size)
    if isinstance(dtype, pl.List):
        return column.list.eval(_declared(pl.element(), _made(dtype.inner)))
    if isinstance(dtype, pl.Struct):
        parts = [
            _declared(column.struct.field(field.name), _made(field.dtype)).alias(field.name) for field in dtype.fields
        ]
        return pl.when(column.is_not_null()).then(pl.struct(parts))
    return column.cast(dtype)


def _made(dtype: PolarsDataType) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype
