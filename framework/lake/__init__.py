"""Delta out: rows staged as files, reconciled with their table, published in one commit; positions; quarantine."""

from framework.lake.changes import changed_values
from framework.lake.delta import TableHandle, open_or_create, open_table, require_equal_schema
from framework.lake.merge import Staged, append, merge_newest, replace_all, replace_keys, replace_partitions
from framework.lake.plans import Covered, PlanStore, signature
from framework.lake.publish import Committed, app_id, committed_before, publish
from framework.lake.stage import StagingArea, area_for
from framework.lake.storable import as_declared, to_storable

__all__ = [
    "Committed",
    "Covered",
    "PlanStore",
    "Staged",
    "StagingArea",
    "TableHandle",
    "app_id",
    "append",
    "area_for",
    "as_declared",
    "changed_values",
    "committed_before",
    "merge_newest",
    "open_or_create",
    "open_table",
    "publish",
    "replace_all",
    "replace_keys",
    "replace_partitions",
    "require_equal_schema",
    "signature",
    "to_storable",
]
