"""The history of quality in the lake: one table per pipeline, `_quality/<pipeline>`, one commit per sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.events import emit
from framework.lake import Staged, StagingArea, app_id, open_or_create, open_table, publish
from framework.quality.history import FOLDER, SCHEMA, from_rows, table_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.core.plan import RunPlan
    from framework.lake import TableHandle
    from framework.quality import Record
    from framework.storage import StorageLocation

FRAGMENTS = 32
"""A history of more files than this is rewritten into one: a file per run would make years of it slow to read."""


def record(lake: StorageLocation, plan: RunPlan, rows: Sequence[pl.DataFrame]) -> None:
    """Add rows to the history of a pipeline, once per sequence, whoever runs it and however often.

    A history that cannot be written is said and stops nothing: the data it is about is worth more.
    """
    if not rows:
        return
    try:
        _record(lake, plan, rows)
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - nothing here may stop a run
        text = f"{plan.pipeline}: the quality of sequence {plan.seq} is not in the history: {error}"
        emit("quality.not_recorded", text, level="WARNING")


def _record(lake: StorageLocation, plan: RunPlan, rows: Sequence[pl.DataFrame]) -> None:
    name = table_name(plan.pipeline)
    handle = open_or_create(lake, name, SCHEMA, (), plan.pipeline)
    if handle.sequence(app_id(plan.pipeline, name)) >= plan.seq:
        return
    area = StagingArea(lake.below(name), SCHEMA, ())
    for frame in rows:
        area.add(frame)
    metadata = {"pipeline": plan.pipeline, "run_id": plan.run_id, "seq": plan.seq, "mode": plan.mode}

    def reconcile(current: TableHandle) -> Staged:
        return _reconcile(current, area)

    publish(reconcile(handle), pipeline=plan.pipeline, seq=plan.seq, metadata=metadata, rebase=reconcile)


def _reconcile(handle: TableHandle, area: StagingArea) -> Staged:
    """Add what is new; rewrite all where there are many files, or where they have the columns of another release."""
    staged, existing = area.files(), handle.files()
    if handle.schema == SCHEMA and len(existing) < FRAGMENTS:
        return Staged(handle, staged)
    again = StagingArea(area.location, SCHEMA, ())
    again.write(as_now(handle.scan()))
    return Staged(handle, [*staged, *again.files()], existing, new_schema=SCHEMA)


def as_now(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of a history that another release wrote, in today's columns: what it did not have is null. Lazy."""
    there = rows.collect_schema()
    return rows.select(
        pl.col(name).cast(dtype) if name in there else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in SCHEMA.items()
    )


def read_past(lake: StorageLocation, pipeline: str, table: str) -> list[Record]:
    """What was recorded of a table, oldest first; nothing where there is no history."""
    handle = open_table(lake, table_name(pipeline))
    if handle is None:
        return []
    return from_rows(as_now(handle.scan()).filter(pl.col("table") == table).collect())


def pipelines_of(lake: StorageLocation, table: str) -> list[str]:
    """The pipelines that have recorded the quality of a table."""
    return [name for name, tables in recorded_tables(lake).items() if table in tables]


def recorded_tables(lake: StorageLocation) -> dict[str, list[str]]:
    """The tables that have a history, by pipeline."""
    found: dict[str, Any] = {}
    for pipeline in lake.folders(FOLDER):
        handle = None if pipeline.startswith("_") else open_table(lake, table_name(pipeline))
        if handle is not None:
            names = handle.scan().select(pl.col("table").unique().sort()).collect()
            found[pipeline] = names["table"].to_list()
    return found
