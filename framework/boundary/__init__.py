"""Pandera schemas compiled into the plan: `check` sorts raw rows while they are read."""

from framework.boundary.check import QUARANTINE_SCHEMA, Checked, Tally, check
from framework.boundary.conform import Violations, conform, settled_rules
from framework.boundary.contract import Contract, Rule, compile_contract
from framework.boundary.untouched import untouched_columns

__all__ = [
    "QUARANTINE_SCHEMA",
    "Checked",
    "Contract",
    "Rule",
    "Tally",
    "Violations",
    "check",
    "compile_contract",
    "conform",
    "settled_rules",
    "untouched_columns",
]
