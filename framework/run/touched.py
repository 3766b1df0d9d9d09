"""What an incremental run must compute again: the values of `recompute_by` that the changed inputs touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from framework.core.plan import TableInput
from framework.lake import changed_values, open_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from framework.core.plan import Input, RunPlan
    from framework.definition import Output, Pipeline
    from framework.run.workspace import Workspace

SHOWN = 5
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


@dataclass(frozen=True)
class Recompute:
    """What of a table is computed again: all of it, or some values of columns (None: which is not known before)."""

    table: str
    by: tuple[str, ...] = ()
    values: list[str] | None = None
    is_whole: bool = False

    def __str__(self) -> str:
        if self.is_whole:
            return f"{self.table}, all of it"
        columns = ", ".join(self.by)
        if self.values is None:
            return f"{self.table}, the values of {columns} that the changed rows touch"
        shown = ", ".join(self.values[:SHOWN])
        more = f" and {len(self.values) - SHOWN} more" if len(self.values) > SHOWN else ""
        return f"{self.table}, {columns}: {shown}{more}" if self.values else f"{self.table}, nothing of it"


def foreseen(
    pipeline: Pipeline, inputs: Mapping[str, Input], space: Workspace, rebuilt: Collection[str]
) -> list[Recompute]:
    """Say what an incremental run computes again of the tables made of tables, as far as the log of tables tells.

    Only partitions are looked at, no rows: a partition that was rewritten as it was counts as well.
    """
    found = []
    for output in pipeline.outputs:
        names = sorted(pipeline.upstream(output.of) & pipeline.table_sources.keys())
        if output.table in rebuilt:
            found.append(Recompute(output.table, is_whole=True))
        elif output.recompute_by and names:
            told = [_partitions(inputs.get(name), output.recompute_by, space) for name in names]
            values = None if any(one is None for one in told) else sorted(set().union(*(one for one in told if one)))
            found.append(Recompute(output.table, output.recompute_by, values))
    return found


def _partitions(given: Input | None, by: Sequence[str], space: Workspace) -> set[str] | None:
    """The values of partition columns whose files are others than at an earlier version; None where that is unknown."""
    if not isinstance(given, TableInput):
        return None
    if given.since == given.version:
        return set()
    now = open_table(space.lake, given.table, given.version)
    then = None if given.since is None else open_table(space.lake, given.table, given.since)
    if now is None or then is None or not set(by) <= set(now.partition_by):
        return None
    files = [{file.path: dict(file.partition) for file in handle.files()} for handle in (then, now)]
    moved = files[0].keys() ^ files[1].keys()
    parts = [{**files[0], **files[1]}[path] for path in moved]
    return {", ".join(str(part[name]) for name in by) for part in parts}


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
