"""Pandera schemas compiled into the plan: `check` gives accepted rows, rejected rows and counts in one pass."""

from framework.boundary.check import (
    QUARANTINE_SCHEMA,
    Checked,
    check,
    conform,
    contract_reasons,
    rule_reasons,
    violations,
)
from framework.boundary.contract import Contract, Rule, compile_contract

__all__ = [
    "QUARANTINE_SCHEMA",
    "Checked",
    "Contract",
    "Rule",
    "check",
    "compile_contract",
    "conform",
    "contract_reasons",
    "rule_reasons",
    "violations",
]
