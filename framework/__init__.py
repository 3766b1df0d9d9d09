"""Sluice: batch pipelines as plain functions on Polars lazy frames, checked at every boundary, published to Delta Lake.

The public API. Names are loaded on first use, so that `import framework` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framework.boundary import load_rules, load_schema
    from framework.boundary.business import rule
    from framework.boundary.filling.marks import filled_by, is_filled
    from framework.boundary.json_schema import json_schema
    from framework.boundary.typed import check
    from framework.boundary.yaml_schema import yaml_schema
    from framework.core.across import agree, references
    from framework.core.clock import run_time
    from framework.core.fallback import alternate, default, last_known
    from framework.core.frames import PROVENANCE
    from framework.core.hooks import (
        CheckMoment,
        FailureMoment,
        PublishMoment,
        ReadMoment,
        StepMoment,
        hook,
    )
    from framework.core.policy import Breaker, Policy, Retry
    from framework.core.quality import Quality, expect
    from framework.core.source import Nulls, Reference
    from framework.core.typed import LazyFrame
    from framework.definition import Migration, Pipeline, json_file, step, table
    from framework.run.debug import debug
    from framework.run.flow import run_pipeline
    from framework.run.quarantine.held import discard, mend_rows, quarantine, replay
    from framework.run.request import RunRequest
    from framework.run.rule_book import rule_book
    from framework.run.show import scan_table, show, table_version
    from framework.settings import Settings, load_settings
    from framework.sources import csv_files, delta_table, guarded, json_files, parquet_files

__all__ = [
    "PROVENANCE",
    "Breaker",
    "CheckMoment",
    "FailureMoment",
    "LazyFrame",
    "Migration",
    "Nulls",
    "Pipeline",
    "Policy",
    "PublishMoment",
    "Quality",
    "ReadMoment",
    "Reference",
    "Retry",
    "RunRequest",
    "Settings",
    "StepMoment",
    "agree",
    "alternate",
    "check",
    "csv_files",
    "debug",
    "default",
    "delta_table",
    "discard",
    "expect",
    "filled_by",
    "guarded",
    "hook",
    "is_filled",
    "json_file",
    "json_files",
    "json_schema",
    "last_known",
    "load_rules",
    "load_schema",
    "load_settings",
    "mend_rows",
    "parquet_files",
    "quarantine",
    "references",
    "replay",
    "rule",
    "rule_book",
    "run_pipeline",
    "run_time",
    "scan_table",
    "show",
    "step",
    "table",
    "table_version",
    "yaml_schema",
]

_HOMES = {
    "PROVENANCE": "core.frames",
    "Breaker": "core.policy",
    "CheckMoment": "core.hooks",
    "FailureMoment": "core.hooks",
    "LazyFrame": "core.typed",
    "Migration": "definition",
    "Nulls": "core.source",
    "Pipeline": "definition",
    "Policy": "core.policy",
    "PublishMoment": "core.hooks",
    "Quality": "core.quality",
    "ReadMoment": "core.hooks",
    "Reference": "core.source",
    "Retry": "core.policy",
    "RunRequest": "run.request",
    "Settings": "settings",
    "StepMoment": "core.hooks",
    "agree": "core.across",
    "alternate": "core.fallback",
    "check": "boundary.typed",
    "csv_files": "sources",
    "debug": "run.debug",
    "default": "core.fallback",
    "delta_table": "sources",
    "discard": "run.quarantine.held",
    "expect": "core.quality",
    "filled_by": "boundary.filling.marks",
    "guarded": "sources",
    "hook": "core.hooks",
    "is_filled": "boundary.filling.marks",
    "json_file": "definition",
    "json_files": "sources",
    "json_schema": "boundary.json_schema",
    "last_known": "core.fallback",
    "load_rules": "boundary",
    "load_schema": "boundary",
    "load_settings": "settings",
    "mend_rows": "run.quarantine.held",
    "parquet_files": "sources",
    "quarantine": "run.quarantine.held",
    "references": "core.across",
    "replay": "run.quarantine.held",
    "rule": "boundary.business",
    "rule_book": "run.rule_book",
    "run_pipeline": "run.flow",
    "run_time": "core.clock",
    "scan_table": "run.show",
    "show": "run.show",
    "step": "definition",
    "table": "definition",
    "table_version": "run.show",
    "yaml_schema": "boundary.yaml_schema",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
