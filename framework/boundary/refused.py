"""What of a Pandera schema has no place in a plan: each part is refused by name, with the reason, at definition."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pandera.polars import DataFrameModel, DataFrameSchema

IGNORED_SETTINGS = {
    "from_format": "declare the format on the source, such as csv_files()",
    "to_format": "declare the format on the output, such as json_file()",
}
OBJECTS = {
    "PydanticModel": "a Pydantic model as type would be asked row by row in Python",
    "PanderaSchema": "a schema as type would not hold its own checks",
}
UNSAID = ("List", "Array", "Struct", "Enum")
UNSTORED = ("Object", "Unknown", "Null")


def refuse(name: str, declared: DataFrameSchema) -> Iterator[Problem]:
    """Find everything of a schema that cannot be compiled, but for single checks.

    Whatever Pandera ignores on Polars is refused too: a schema must not promise what nobody holds.
    """
    yield from _refuse_settings(name, declared)
    for column_name, column in declared.columns.items():
        yield from _refuse_column(f"{name}.{column_name}", column)
    keys = [declared.unique] if isinstance(declared.unique, str) else list(declared.unique or ())
    for key in keys:
        if key not in declared.columns:
            yield Problem(name, f"`unique` names '{key}', which is no column", did_you_mean(key, declared.columns))


def refuse_model(model: type[DataFrameModel]) -> Iterator[Problem]:
    """Find settings of a model that its schema does not carry, and that Pandera would silently leave out."""
    settings = getattr(model, "__config__", None)
    for setting, fix in IGNORED_SETTINGS.items():
        if getattr(settings, setting, None) is not None:
            yield Problem(model.__name__, f"`{setting}` would be ignored", fix)


def _refuse_settings(name: str, declared: DataFrameSchema) -> Iterator[Problem]:
    if declared.parsers:
        yield Problem(name, "parsers are not run by Pandera on Polars", "transform in a step")
    if declared.drop_invalid_rows:
        fix = "say what happens to invalid rows on the source: on_invalid='drop'"
        yield Problem(name, "`drop_invalid_rows` would lose rows without a count", fix)
    if declared.report_duplicates != "all":
        fix = "drop it: every row of a duplicate is refused"
        yield Problem(name, f"`report_duplicates='{declared.report_duplicates}'` is ignored by Pandera on Polars", fix)
    if declared.on_missing_columns is not None:
        fix = "drop it: a missing column is an error, or None where required=False"
        yield Problem(name, "`on_missing_columns` is ignored by Pandera on Polars", fix)
    if declared.index is not None:
        yield Problem(name, "`index` has no meaning on Polars", "declare a column")
    if declared.dtype is not None:
        yield Problem(name, "a type for the whole frame is not supported", "give each column its type")
    if not declared.columns and declared.dtype is None:
        yield Problem(name, "declares no column", "annotate at least one")


def _refuse_column(where: str, column: Any) -> Iterator[Problem]:
    if column.regex:
        fix = "declare each column: a pipeline knows its columns before it reads"
        yield Problem(where, "a regex stands for columns that only the data tells", fix)
    if column.parsers:
        yield Problem(where, "parsers are not run by Pandera on Polars", "transform in a step")
    if column.drop_invalid_rows:
        fix = "say what happens to invalid rows on the source: on_invalid='drop'"
        yield Problem(where, "`drop_invalid_rows` would lose rows without a count", fix)
    reason = _refuse_type(column)
    if reason:
        yield Problem(where, *reason)
    elif column.default is not None:
        yield from _refuse_default(where, column)


def _refuse_type(column: Any) -> tuple[str, str] | None:
    """Why no column of a plan can have a type, and what to do; None when one can."""
    if column.dtype is None:
        return "the column has no type", "annotate it"
    reason = OBJECTS.get(type(column.dtype).__name__)
    if reason:
        return reason, "use a Struct and checks over its fields"
    if not _is_polars_type(column.dtype.type):
        return f"type {column.dtype} cannot be compiled", "use a Polars type"
    return _refuse_polars_type(column.dtype.type)


def _refuse_polars_type(dtype: Any) -> tuple[str, str] | None:
    if isinstance(dtype, type) and dtype.__name__ in UNSAID:
        return f"type {dtype.__name__} does not say what is in it", f"write pl.{dtype.__name__}(...)"
    if str(dtype) in UNSTORED:
        return f"values of type {dtype} cannot be stored", "use another Polars type"
    if isinstance(dtype, pl.Datetime) and dtype.time_zone == "*":
        return "a time in any zone has none", "name one, such as pl.Datetime('us', 'UTC')"
    return None


def is_typed(column: Any) -> bool:
    """Whether a column is one with a name and a type that a plan can have."""
    return not column.regex and _refuse_type(column) is None


def _is_polars_type(dtype: Any) -> bool:
    return isinstance(dtype, pl.DataType) or (isinstance(dtype, type) and issubclass(dtype, pl.DataType))


def _refuse_default(where: str, column: Any) -> Iterator[Problem]:
    if isinstance(column.default, pl.Expr):
        yield Problem(where, "the default is an expression", "give a value, or fill the column in a step")
        return
    dtype = column.dtype.type
    try:
        kept = pl.Series([column.default], dtype=dtype).to_list()[0]
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        near = _nearest(column.default, dtype)
        yield Problem(where, f"the default {column.default!r} is no value of type {dtype}", near)
        return
    if kept != column.default and column.default == column.default:  # a NaN is no loss
        yield Problem(where, f"the default {column.default!r} would become {kept!r}", f"type {dtype} cannot hold it")


def _nearest(value: Any, dtype: Any) -> str:
    categories = dtype.categories.to_list() if isinstance(dtype, pl.Enum) else []
    near = get_close_matches(str(value), categories, n=1)
    return f"did you mean '{near[0]}'?" if near else "give one of its type"
