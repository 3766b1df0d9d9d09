"""Pandera schemas compiled into the plan: `check` sorts raw rows while they are read."""

from framework.boundary.check import QUARANTINE_SCHEMA, Checked, check
from framework.boundary.conform import Violations, conform, settled_rules
from framework.boundary.contract import Contract, Rule, compile_contract
from framework.boundary.messages import describe, describe_findings, rows
from framework.boundary.nulls import with_nulls
from framework.boundary.rule import DatasetRule
from framework.boundary.tally import MASK, Tally
from framework.boundary.totals import Finding
from framework.boundary.untouched import untouched_columns

__all__ = [
    "MASK",
    "QUARANTINE_SCHEMA",
    "Checked",
    "Contract",
    "DatasetRule",
    "Finding",
    "Rule",
    "Tally",
    "Violations",
    "check",
    "compile_contract",
    "conform",
    "describe",
    "describe_findings",
    "rows",
    "settled_rules",
    "untouched_columns",
    "with_nulls",
]
