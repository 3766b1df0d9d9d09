"""Frames that carry their schema in the type: `LazyFrame[Sale]`."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, TypeVar, get_args, get_origin

import polars as pl
from pandera.polars import DataFrameModel, DataFrameSchema
from pandera.typing.polars import LazyFrame

__all__ = [
    "DataFrameModel",
    "DataFrameSchema",
    "LazyFrame",
    "frame_schema",
    "is_frame",
    "is_same_schema",
    "is_schema",
    "schema_name",
]

SCHEMA_FILES = (".yaml", ".yml", ".json")
FILE = "__sluice_file__"
M = TypeVar("M", bound=type[DataFrameModel])


def is_frame(annotation: Any) -> bool:
    """Whether an annotation stands for a lazy frame, with or without a schema."""
    return annotation is pl.LazyFrame or annotation is LazyFrame or get_origin(annotation) is LazyFrame


def frame_schema(annotation: Any) -> type[DataFrameModel] | None:
    """The schema of `LazyFrame[Schema]`, None for a frame without one."""
    arguments = get_args(annotation)
    if get_origin(annotation) is LazyFrame and arguments and issubclass(arguments[0], DataFrameModel):
        return arguments[0]  # type: ignore[no-any-return]
    return None


def is_schema(value: Any) -> bool:
    """Whether something is a schema: a model, a schema object, or the path of a file that holds one."""
    if isinstance(value, str | PurePath):
        return PurePath(value).suffix in SCHEMA_FILES
    return isinstance(value, DataFrameSchema) or (isinstance(value, type) and issubclass(value, DataFrameModel))


def schema_name(schema: Any) -> str:
    """What a schema is called in messages.

    >>> schema_name("schemas/sale.yaml")
    'schemas/sale.yaml'
    """
    return str(getattr(schema, "__name__", None) or getattr(schema, "name", None) or schema)


def schema_home(schema: Any) -> str:
    """Where a schema is defined: the path of its file, or its module and its name there."""
    file = _file_of(schema)
    return file if file is not None else f"{getattr(schema, '__module__', '')}:{schema_name(schema)}"


def is_same_schema(left: Any, right: Any) -> bool:
    """Whether two schemas are one: the same object, or from the same file.

    >>> is_same_schema("schemas/sale.yaml", "schemas/./sale.yaml")
    True
    """
    return left is right or (_file_of(left) is not None and _file_of(left) == _file_of(right))


def mark_file(model: M, file: str) -> M:
    """Note the file that a model was made of, so that the two are known to be one."""
    setattr(model, FILE, file)
    return model


def _file_of(schema: Any) -> str | None:
    """The file behind a schema; a model that inherits from that of a file has none."""
    given = schema if isinstance(schema, str | PurePath) else vars(schema).get(FILE) if schema is not None else None
    return None if given is None else PurePath(given).as_posix()
