"""Delta out: rows staged as files, reconciled with their table, published in one commit; positions; quarantine."""

from framework.lake.changes import changed_values
from framework.lake.delta import (
    Reshape,
    TableHandle,
    open_or_create,
    open_table,
    require_equal_schema,
    scan_data_files,
    schema_app,
)
from framework.lake.evolve import extend, is_at, only_adds_columns, rewritten
from framework.lake.kept import KeptFile, KeptStage, StageStore
from framework.lake.merge import Staged, append, merge_newest, replace_all, replace_keys, replace_partitions
from framework.lake.plans import Covered, PlanStore, signature
from framework.lake.publish import Committed, app_id, committed_before, publish, publish_as
from framework.lake.stage import StagingArea, area_for
from framework.lake.storable import as_declared, stored_type, to_storable

__all__ = [
    "Committed",
    "Covered",
    "KeptFile",
    "KeptStage",
    "PlanStore",
    "Reshape",
    "StageStore",
    "Staged",
    "StagingArea",
    "TableHandle",
    "app_id",
    "append",
    "area_for",
    "as_declared",
    "changed_values",
    "committed_before",
    "extend",
    "is_at",
    "merge_newest",
    "only_adds_columns",
    "open_or_create",
    "open_table",
    "publish",
    "publish_as",
    "replace_all",
    "replace_keys",
    "replace_partitions",
    "require_equal_schema",
    "rewritten",
    "scan_data_files",
    "schema_app",
    "signature",
    "stored_type",
    "to_storable",
]
