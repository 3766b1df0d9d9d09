"""Frames that carry their schema in the type: `LazyFrame[Sale]`."""

from __future__ import annotations

from typing import Any, get_args, get_origin

import polars as pl
from pandera.polars import DataFrameModel
from pandera.typing.polars import LazyFrame

__all__ = ["DataFrameModel", "LazyFrame", "frame_schema", "is_frame"]


def is_frame(annotation: Any) -> bool:
    """Whether an annotation stands for a lazy frame, with or without a schema."""
    return annotation is pl.LazyFrame or annotation is LazyFrame or get_origin(annotation) is LazyFrame


def frame_schema(annotation: Any) -> type[DataFrameModel] | None:
    """The schema of `LazyFrame[Schema]`, None for a frame without one."""
    arguments = get_args(annotation)
    if get_origin(annotation) is LazyFrame and arguments and issubclass(arguments[0], DataFrameModel):
        return arguments[0]  # type: ignore[no-any-return]
    return None
