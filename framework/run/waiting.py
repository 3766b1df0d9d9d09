"""Rows that wait in quarantine for a reference: when they can be taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.core.plan import TableInput
from framework.lake import open_table
from framework.lake.quarantine import rows_at, table_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.core.plan import Input
    from framework.core.source import Reference
    from framework.definition import Pipeline
    from framework.run.workspace import Workspace


def resolvable_version(
    pipeline: Pipeline, space: Workspace, inputs: Mapping[str, Input], versions: Mapping[str, int]
) -> int | None:
    """The version of the quarantine whose waiting rows can be judged anew: some reference of theirs is known by now.

    None when no reference table has changed, or none of the waiting rows would get on.
    """
    changed = [
        (name, reference, given)
        for name, source in pipeline.file_sources.items()
        for reference in source.references
        if isinstance(given := inputs.get(reference.source), TableInput)
        and versions.get(reference.source) != given.version
    ]
    quarantine = open_table(space.lake, table_name(pipeline.name)) if changed else None
    if quarantine is None or not any(dict(f.partition)["state"] == "waiting" for f in quarantine.files()):
        return None
    for name, reference, given in changed:
        known = known_values(space, reference, given)
        waiting = rows_at(space.lake, pipeline.name, quarantine.version, ["waiting"])
        rows = waiting.filter(pl.col("source") == name)
        value = pl.coalesce("mended", "raw").str.json_path_match(f"$.{reference.column}").alias(reference.key)
        met = rows.select(value).join(known.lazy().cast(pl.String), on=reference.key, how="semi")
        if met.select(pl.len()).collect(engine="streaming").item():
            return quarantine.version
    return None


def known_values(space: Workspace, reference: Reference, given: TableInput) -> pl.DataFrame:
    """The values of a foreign key at the version that a plan pins, one row per value. They are read here."""
    return _values(space, reference, given.table, given.version)


def _values(space: Workspace, reference: Reference, table: str, version: int) -> pl.DataFrame:
    handle = open_table(space.lake, table, version)
    if handle is None:
        return pl.DataFrame(schema={reference.key: pl.String})
    return handle.scan().select(reference.key).drop_nulls().unique().collect(engine="streaming")


def lost_references(
    pipeline: Pipeline, space: Workspace, inputs: Mapping[str, Input], versions: Mapping[str, int]
) -> str:
    """Say which reference tables have lost values since they were read last; empty when none has.

    Rows that were accepted by such a value must wait again, and only their files can say which rows these are.
    """
    for source in pipeline.file_sources.values():
        for reference in source.references:
            given, since = inputs.get(reference.source), versions.get(reference.source)
            if not isinstance(given, TableInput) or since in {None, given.version}:
                continue
            before = _values(space, reference, given.table, int(since or 0))
            lost = before.join(known_values(space, reference, given), on=reference.key, how="anti").height
            if lost:
                return f"{given.table} no longer has {lost} values of {reference.key} that rows refer to"
    return ""
