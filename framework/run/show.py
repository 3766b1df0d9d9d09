"""Look at rows without writing: those of a table, or of any node of a pipeline, computed from its input as it is."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.boundary import compile_contract, resolve_schema
from framework.core.clock import at_run_time
from framework.core.plan import RunPlan
from framework.definition.load import load_pipelines
from framework.errors import ConfigurationError, SelectionError, did_you_mean
from framework.lake import as_declared
from framework.lake.tables import require_table
from framework.run.compiled import contracts, wire
from framework.run.intake import Asked, table_rows, take_in
from framework.run.news import News, find_news
from framework.run.parameters import resolve_parameters, typed_parameters
from framework.run.position import Position
from framework.run.request import RunRequest
from framework.run.workspace import open_workspace
from framework.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import polars as pl

    from framework.core.typed import DataFrameModel
    from framework.definition import Pipeline
    from framework.run.workspace import Workspace
    from framework.settings import Settings


def show(
    node: str,
    *,
    limit: int = 1_000,
    sample: float | None = None,
    inputs: Mapping[str, pl.LazyFrame | pl.DataFrame] | None = None,
    parameters: Mapping[str, Any] | None = None,
    project: str | Path = ".",
) -> pl.DataFrame:
    """Open any node of a pipeline: the rows of a source or a step, computed now, without writing anything.

    The call for notebooks: no server runs, no run is recorded. Rows that break a rule are left out, as in a run. The
    order of rows is not defined.

    Args:
        node: `pipeline` for its output, `pipeline:name` for a source or a step, such as `retail.sales:valued_sales`.
        limit: How many rows at most.
        sample: The fraction of the input to compute from. Sources that name a column in `sample_by` keep all rows of
            some of its values, the same ones in every source, so that joins still meet; the others are read whole, and
            a warning says so where none names one.
        inputs: Frames that stand in for sources, by the source's name: they are taken as they are.
        parameters: Run parameters by name.
        project: The project's folder.

    Raises:
        SelectionError: when there is no such pipeline or node; suggests the nearest.
        ConfigurationError: when the sample is no fraction, or a table is not there yet.
    """
    if sample is not None and not 0 < sample <= 1:
        raise ConfigurationError(f"sample={sample}: expected a fraction above 0 and up to 1, such as 0.1")
    settings = load_settings(Path(project))
    request = RunRequest(parameters=dict(parameters or {}), sample=sample)
    tell = partial(warnings.warn, stacklevel=4)
    return rows_of(node, load_pipelines(settings), settings, limit=limit, request=request, inputs=inputs, tell=tell)


def rows_of(
    name: str,
    pipelines: Mapping[str, Pipeline],
    settings: Settings,
    *,
    limit: int,
    request: RunRequest,
    tell: Callable[[str], None],
    inputs: Mapping[str, pl.LazyFrame | pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """Compute the first rows of a node; see `show`. `tell` hears what the caller should know."""
    pipeline, node = _find(name, pipelines)
    given = dict(inputs or {})
    _require_sources(pipeline, given)
    space = open_workspace(settings)
    needed = (pipeline.upstream(node) & pipeline.sources.keys()) - given.keys()
    _tell_of_sample(pipeline, needed, request.sample, tell)
    plan = _plan(pipeline, space, request, needed)
    with at_run_time(plan.planned_at):
        known = contracts(pipeline)
        frames = {source: rows.lazy() for source, rows in given.items()}
        intakes = take_in(pipeline, plan, space, known, _ignore, Asked(request.sample))
        frames.update({source: intake.accepted for source, intake in intakes.items() if source in needed})
        for source, table in pipeline.table_sources.items():
            if source in needed:
                rows = table_rows(plan, space, source, table, request.sample)
                frames[source] = as_declared(rows, known[source].schema) if source in known else rows
        wired = wire(pipeline, frames, typed_parameters(pipeline, plan.parameters), known)
        return wired[node].head(limit).collect(engine="streaming")


def _require_sources(pipeline: Pipeline, names: Iterable[str]) -> None:
    for name in names:
        if name not in pipeline.sources:
            hint = did_you_mean(name, pipeline.sources)
            raise SelectionError(f"{pipeline.name} has no source '{name}' to stand in for; {hint}")


def _tell_of_sample(pipeline: Pipeline, needed: set[str], sample: float | None, tell: Callable[[str], None]) -> None:
    """Say so where a sample was asked for and everything is read."""
    if sample is not None and needed and all(pipeline.sources[name].sample_by is None for name in needed):
        names = ", ".join(sorted(needed))
        tell(f"{pipeline.name}: {names} read whole, as none of them names a column in sample_by")


def _plan(pipeline: Pipeline, space: Workspace, request: RunRequest, needed: set[str]) -> RunPlan:
    """What is there now, as a plan that is not fixed anywhere."""
    news = find_news(pipeline, space, Position(0, None), replace(request, full=True)) if needed else News({})
    tables = {pipeline.table_sources[name].table for name in needed & pipeline.table_sources.keys()}
    missing = [table for table in news.missing if table in tables]
    if missing:
        text = f"{pipeline.name} reads {', '.join(missing)}; run the pipeline that writes it first"
        raise ConfigurationError(text)
    return RunPlan(
        pipeline=pipeline.name,
        seq=0,
        mode="full",
        run_id="show",
        planned_at=datetime.now(UTC),
        fingerprint="",
        inputs={name: given for name, given in news.inputs.items() if name in needed | pipeline.table_sources.keys()},
        parameters=resolve_parameters(pipeline, request.parameters),
        lookups=news.lookups,
        stand_ins=news.alternates.stand_ins,
        passed_over=news.alternates.passed_over,
    )


def _ignore(_rows: pl.DataFrame) -> None:
    """Rows that a look leaves out are nobody's loss: the run quarantines them."""


def _find(name: str, pipelines: Mapping[str, Pipeline]) -> tuple[Pipeline, str]:
    pipeline_name, _, node = name.partition(":")
    if pipeline_name not in pipelines:
        hint = did_you_mean(pipeline_name, pipelines)
        raise SelectionError(f"no pipeline is called '{pipeline_name}'; {hint}")
    pipeline = pipelines[pipeline_name]
    nodes = [*pipeline.sources, *(step.name for step in pipeline.steps)]
    if node and node not in nodes:
        raise SelectionError(f"{pipeline_name} has no source or step '{node}'; {did_you_mean(node, nodes)}")
    return pipeline, node or pipeline.outputs[0].of


def table_version(name: str, *, project: str | Path = ".") -> int:
    """Give the newest version of a table of the lake: what a report pins before it reads.

    Raises:
        SelectionError: when there is no such table; suggests the nearest.
    """
    return require_table(open_workspace(load_settings(Path(project))).lake, name).version


def scan_table(
    name: str, *, version: int | None = None, schema: type[DataFrameModel] | None = None, project: str | Path = "."
) -> pl.LazyFrame:
    """Give the rows of a table of the lake, lazy, at one version (default: the newest one now).

    Args:
        name: The table, such as `marketing/roi`.
        version: The version; `sluice table history` lists them. With it, what a report shows can be shown again.
        schema: The schema of its rows: columns whose types Delta cannot hold (categories, durations) get them back.
        project: The project's folder.

    Raises:
        SelectionError: when there is no such table; suggests the nearest.
    """
    rows = require_table(open_workspace(load_settings(Path(project))).lake, name, version).scan()
    return as_declared(rows, compile_contract(resolve_schema(schema)).schema) if schema else rows
