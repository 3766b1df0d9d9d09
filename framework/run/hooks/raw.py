"""Hooks that change raw rows of files, tried on none: what they do to them is part of the pipeline's plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.core.hooking import moment_of, pass_rows
from framework.core.source import Expected
from framework.sources import PROVENANCE_TYPES, textual

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.boundary import Contract
    from framework.core.source import FileSource
    from framework.definition import Pipeline


def changed_raw_rows(pipeline: Pipeline, known: Mapping[str, Contract]) -> dict[str, pl.LazyFrame]:
    """The raw rows of each source of files whose hooks change them, without any row, as the hooks leave them.

    Raises:
        HookError: when a hook raises, or does not keep the columns.
    """
    found = {}
    for name, source in pipeline.file_sources.items():
        hooks = [hook for hook in pipeline.hooks_at("after_read", name) if hook.changes]
        if hooks and name in known:
            found[name] = pass_rows(hooks, moment_of("after_read", pipeline.name, name), _raw(source, known[name]))
    return found


def _raw(source: FileSource, contract: Contract) -> pl.LazyFrame:
    """No raw rows of a source: text, nested as JSON is, or the types of the schema where the files have types."""
    types: Mapping[str, pl.DataType] = dict.fromkeys(contract.schema, pl.String())
    if source.format == "json":
        types = textual(Expected(contract.schema, frozenset(), is_strict=False))
    if source.format == "parquet":
        types = contract.schema
    return pl.LazyFrame(schema={**types, **PROVENANCE_TYPES})
