"""Where a pipeline stands: read from the tables themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.lake import PlanStore, app_id, open_table
from framework.lake.quarantine import table_name

if TYPE_CHECKING:
    from framework.core.plan import RunPlan
    from framework.definition import Pipeline
    from framework.run.workspace import Workspace


@dataclass(frozen=True)
class Position:
    """Where a pipeline stands: the last finished sequence, and the one that was begun but not finished."""

    finished: int
    pending: RunPlan | None
    new_tables: tuple[str, ...] = ()


def find_position(pipeline: Pipeline, space: Workspace) -> Position:
    """Read the position from the tables themselves.

    All tables of a finished sequence carry its number. Where some are ahead of others, an earlier attempt died between
    its commits: its plan is taken up again.
    """
    store = PlanStore(space.lake, pipeline.name)
    sequences = {name: _sequence(space, pipeline.name, name) for name in tables_of(pipeline)}
    top = max(sequences.values())
    behind = tuple(name for name, seq in sequences.items() if seq < top)
    if top and not store.manifest(top):
        return Position(top - 1, store.require(top))
    pending = store.plan(top + 1)
    return Position(top, pending, new_tables=behind)


def tables_of(pipeline: Pipeline) -> list[str]:
    """The tables a pipeline writes, in the order in which it publishes them: the quarantine first."""
    return [*quarantine_of(pipeline), *(output.table for output in pipeline.outputs)]


def quarantine_of(pipeline: Pipeline) -> list[str]:
    """The name of a pipeline's quarantine, if it reads files: without them it has none."""
    return [table_name(pipeline.name)] if pipeline.file_sources else []


def _sequence(space: Workspace, pipeline: str, table: str) -> int:
    handle = open_table(space.lake, table)
    return handle.sequence(app_id(pipeline, table)) if handle else 0
