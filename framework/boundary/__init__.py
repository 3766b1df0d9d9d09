"""Pandera schemas compiled into the plan: `check` sorts raw rows while they are read."""

from framework.boundary.absent import is_told_absent
from framework.boundary.business import as_check
from framework.boundary.check import Checked, check, check_both
from framework.boundary.conform import conform, contract_rules, settled_rules
from framework.boundary.contract import ColumnSpec, Contract, Rule, compile_contract
from framework.boundary.dataset.rule import DatasetRule
from framework.boundary.dataset.totals import Finding
from framework.boundary.filling.cells import unfilled_rules
from framework.boundary.filling.declared import with_fallbacks
from framework.boundary.filling.lookups import empty_frame, known_frame, misfits, require_one_each
from framework.boundary.filling.marks import from_alternate
from framework.boundary.judge import unique_keys
from framework.boundary.kept import KeptTotals, counts_to_dict, findings_from_list, findings_to_list, restore_counts
from framework.boundary.known import Known
from framework.boundary.messages import describe, describe_findings, describe_violations, rows
from framework.boundary.nulls import with_nulls
from framework.boundary.partitions import MAX_VALUES, Share
from framework.boundary.repeated import KeySpool, Repeated
from framework.boundary.rule import rule_key, total
from framework.boundary.rule_files import load_rules
from framework.boundary.schema_files import load_schema, resolve_schema
from framework.boundary.sorter import QUARANTINE_SCHEMA
from framework.boundary.tally import MASK, Tally, shown
from framework.boundary.untouched import untouched_columns
from framework.boundary.violations import Violations

__all__ = [
    "MASK",
    "MAX_VALUES",
    "QUARANTINE_SCHEMA",
    "Checked",
    "ColumnSpec",
    "Contract",
    "DatasetRule",
    "Finding",
    "KeptTotals",
    "KeySpool",
    "Known",
    "Repeated",
    "Rule",
    "Share",
    "Tally",
    "Violations",
    "as_check",
    "check",
    "check_both",
    "compile_contract",
    "conform",
    "contract_rules",
    "counts_to_dict",
    "describe",
    "describe_findings",
    "describe_violations",
    "empty_frame",
    "findings_from_list",
    "findings_to_list",
    "from_alternate",
    "is_told_absent",
    "known_frame",
    "load_rules",
    "load_schema",
    "misfits",
    "require_one_each",
    "resolve_schema",
    "restore_counts",
    "rows",
    "rule_key",
    "settled_rules",
    "shown",
    "total",
    "unfilled_rules",
    "unique_keys",
    "untouched_columns",
    "with_fallbacks",
    "with_nulls",
]
