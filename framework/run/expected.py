"""What is expected of the quality of a table, held against its columns: found before any data is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.core.frames import CARRIED
from framework.core.quality import COLUMN_METRICS
from framework.errors import Problem, did_you_mean
from framework.quality.columns import SAFE
from framework.quality.kinds import fits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import polars as pl

    from framework.core.quality import Expectation
    from framework.definition import Output


def quality_misfits(output: Output, schema: pl.Schema, sensitive: Collection[str]) -> Iterator[Problem]:
    """Find what the quality of an output names or expects that its columns do not have."""
    quality = output.quality
    if quality is None:
        return
    where = f"table '{output.table}'"
    columns = [name for name in schema if name not in CARRIED]
    for name in quality.columns or ():
        if name not in columns:
            yield Problem(where, f"quality looks at '{name}', which is no column", did_you_mean(name, columns))
    if quality.time and quality.time not in columns:
        yield Problem(
            where, f"quality has time='{quality.time}', which is no column", did_you_mean(quality.time, columns)
        )
    elif quality.time and not fits(schema[quality.time], "time"):
        yield Problem(
            where, f"quality has time='{quality.time}', which is {schema[quality.time]}", "name a date or time"
        )
    for one in (*quality.expect, *quality.pins):
        if one.column and one.metric in COLUMN_METRICS:
            yield from _misfit(where, one, schema, columns, sensitive)


def _misfit(
    where: str, one: Expectation, schema: pl.Schema, columns: list[str], sensitive: Collection[str]
) -> Iterator[Problem]:
    named = f"expects {one.metric} of '{one.column}'"
    if one.column not in columns:
        yield Problem(where, f"{named}, which is no column", did_you_mean(one.column, columns))
        return
    dtype = schema[one.column]
    able = [m for m, (need, _) in COLUMN_METRICS.items() if fits(dtype, need)]
    if one.metric not in able:
        yield Problem(where, f"{named}, which is {dtype}", f"measured of it: {', '.join(able)}")
    elif one.column in sensitive and one.metric not in SAFE:
        fix = f"measured of it: {', '.join(m for m in able if m in SAFE)}"
        yield Problem(where, f"{named}, which is sensitive: no value of it is kept", fix)
