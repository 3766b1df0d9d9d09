"""What an incremental run must compute again: the values of `recompute_by` that the changed inputs touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.core.plan import TableInput
from framework.lake import changed_values, open_table

if TYPE_CHECKING:
    from framework.core.plan import RunPlan
    from framework.definition import Output, Pipeline
    from framework.run.workspace import Workspace

FEW = 5_000
"""Up to so many values are written into the plan as a list, so that whole files and partitions are skipped."""


def touched_values(pipeline: Pipeline, output: Output, plan: RunPlan, space: Workspace) -> pl.DataFrame | None:
    """Find the values to compute again, one row per value; None when it is everything.

    A table that has the columns says so by its changed rows. One that has not says it through its declared key: the
    changed keys are looked up in the tables that have both. Where neither is possible, all counts as touched.
    """
    if plan.mode == "full" or not output.recompute_by or output.table in plan.rebuilt:
        return None
    wanted = list(output.recompute_by)
    found = []
    for name in sorted(pipeline.upstream(output.of) & pipeline.table_sources.keys()):
        values = _touched_by(pipeline, output, plan, space, name)
        if values is None:
            return None
        found.append(values.select(wanted))
    return pl.concat(found, how="vertical_relaxed").unique() if found else None


def _touched_by(pipeline: Pipeline, output: Output, plan: RunPlan, space: Workspace, name: str) -> pl.DataFrame | None:
    given = plan.inputs[name]
    if not isinstance(given, TableInput):
        return None
    wanted = list(output.recompute_by)
    columns = set(_columns(space, given))
    key = pipeline.table_sources[name].key
    if set(wanted) <= columns:
        return changed_values(space.lake, given.table, since=given.since, version=given.version, columns=wanted)
    if not key or not set(key) <= columns:
        return _unchanged(given, wanted)
    keys = changed_values(space.lake, given.table, since=given.since, version=given.version, columns=list(key))
    if keys is None:
        return None
    bridges = [
        other
        for other_name in pipeline.upstream(output.of) & pipeline.table_sources.keys()
        if isinstance(other := plan.inputs[other_name], TableInput) and {*wanted, *key} <= set(_columns(space, other))
    ]
    if not bridges:
        return _unchanged(given, wanted) if keys.is_empty() else None
    met = [_rows(space, b).join(keys.lazy(), on=list(key), how="semi").select(wanted).unique() for b in bridges]
    return pl.concat(met).unique().collect(engine="streaming")


def _unchanged(given: TableInput, wanted: list[str]) -> pl.DataFrame | None:
    """Nothing where the version is the same, everything otherwise."""
    if given.since != given.version:
        return None
    return pl.DataFrame(schema=dict.fromkeys(wanted, pl.Null))


def _columns(space: Workspace, given: TableInput) -> list[str]:
    handle = open_table(space.lake, given.table, given.version)
    return handle.schema.names() if handle else []


def _rows(space: Workspace, given: TableInput) -> pl.LazyFrame:
    handle = open_table(space.lake, given.table, given.version)
    return handle.scan() if handle else pl.LazyFrame()


def restrict(rows: pl.LazyFrame, touched: pl.DataFrame) -> pl.LazyFrame:
    """Keep the rows that have touched values; rows without those columns are all kept."""
    names = touched.columns
    if not set(names) <= set(rows.collect_schema().names()):
        return rows
    if len(names) == 1 and touched.height <= FEW and touched[names[0]].null_count() == 0:
        return rows.filter(pl.col(names[0]).is_in(touched[names[0]].implode()))
    return rows.join(touched.lazy(), on=names, how="semi", nulls_equal=True)
