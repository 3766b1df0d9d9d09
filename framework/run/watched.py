"""What looks at the rows of a table while a run stages them, where the table asks for quality."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from framework.boundary import Contract
    from framework.core.quality import Quality
    from framework.definition import Output, Pipeline
    from framework.quality import Watch


def watch_of(pipeline: Pipeline, output: Output, schema: pl.Schema, known: Mapping[str, Contract]) -> Watch | None:
    """What looks at the rows of an output while they are staged; None where it asks for no quality."""
    if output.quality is None:
        return None
    from framework.quality import Watch
    from framework.run.sensitive import sensitive_columns

    sensitive = sensitive_columns(pipeline, output, known)
    return Watch(schema, columns=columns_of(output.quality), sensitive=sensitive, key=output.key)


def columns_of(quality: Quality) -> tuple[str, ...] | None:
    """The columns to look at: those asked for, and those that something is expected of; None: all."""
    if quality.columns is None:
        return None
    expected = [one.column for one in (*quality.expect, *quality.pins) if one.column]
    return tuple(dict.fromkeys([*quality.columns, *expected, *([quality.time] if quality.time else [])]))
