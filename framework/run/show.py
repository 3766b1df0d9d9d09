"""Look at the rows of any node of a pipeline, computed from its input as it is now, without writing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from framework.core.clock import at_run_time
from framework.core.plan import RunPlan
from framework.errors import ConfigurationError, SelectionError, did_you_mean
from framework.run.compiled import contracts, wire
from framework.run.intake import table_rows, take_in
from framework.run.parameters import resolve_parameters, typed_parameters
from framework.run.planning import Position, find_news
from framework.run.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from framework.definition import Pipeline
    from framework.run.request import RunRequest
    from framework.settings import Settings


def show(
    name: str, pipelines: Mapping[str, Pipeline], settings: Settings, *, limit: int, request: RunRequest
) -> pl.DataFrame:
    """Compute the first rows of a node: `pipeline` for its output, `pipeline:node` for a source or a step.

    Rows that break a rule are left out, as in a run. The order of rows is not defined.

    Raises:
        SelectionError: when there is no such pipeline or node; suggests the nearest.
    """
    pipeline, node = _find(name, pipelines)
    space = open_workspace(settings)
    news = find_news(pipeline, space, Position(0, None), request)
    if news.missing:
        raise ConfigurationError(
            f"{pipeline.name} reads {', '.join(news.missing)}; run the pipeline that writes it first"
        )
    plan = RunPlan(
        pipeline=pipeline.name,
        seq=0,
        mode="full",
        run_id="show",
        planned_at=datetime.now(UTC),
        fingerprint="",
        inputs=news.inputs,
        parameters=resolve_parameters(pipeline, request.parameters),
    )
    with at_run_time(plan.planned_at):
        known = contracts(pipeline)
        intakes = take_in(pipeline, plan, space, known, _ignore)
        inputs = {source: intake.accepted for source, intake in intakes.items()}
        inputs.update({source: table_rows(plan, space, source) for source in pipeline.table_sources})
        frames = wire(pipeline, inputs, typed_parameters(pipeline, plan.parameters), known)
        return frames[node].head(limit).collect(engine="streaming")


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
