"""Sluice: batch pipelines as plain functions on Polars lazy frames, checked at every boundary, published to Delta Lake.

The public API. Names are loaded on first use, so that `import framework` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framework.core.clock import run_time
    from framework.core.frames import PROVENANCE
    from framework.core.source import Nulls, Reference
    from framework.core.typed import LazyFrame
    from framework.definition import Pipeline, json_file, step, table
    from framework.run.flow import run_pipeline
    from framework.run.request import RunRequest
    from framework.run.show import scan_table, show, table_version
    from framework.settings import Settings, load_settings
    from framework.sources import csv_files, delta_table, guarded, json_files, parquet_files

__all__ = [
    "PROVENANCE",
    "LazyFrame",
    "Nulls",
    "Pipeline",
    "Reference",
    "RunRequest",
    "Settings",
    "csv_files",
    "delta_table",
    "guarded",
    "json_file",
    "json_files",
    "load_settings",
    "parquet_files",
    "run_pipeline",
    "run_time",
    "scan_table",
    "show",
    "step",
    "table",
    "table_version",
]

_HOMES = {
    "PROVENANCE": "core.frames",
    "LazyFrame": "core.typed",
    "Nulls": "core.source",
    "Pipeline": "definition",
    "Reference": "core.source",
    "RunRequest": "run.request",
    "Settings": "settings",
    "csv_files": "sources",
    "delta_table": "sources",
    "guarded": "sources",
    "json_file": "definition",
    "json_files": "sources",
    "load_settings": "settings",
    "parquet_files": "sources",
    "run_pipeline": "run.flow",
    "run_time": "core.clock",
    "scan_table": "run.show",
    "show": "run.show",
    "step": "definition",
    "table": "definition",
    "table_version": "run.show",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
