"""Tests call most commands in their own process: each says and leaves there what it does in a process of its own."""

from __future__ import annotations

import re

import pytest

from tests.cli.calling import in_a_process, in_this_process

pytestmark = pytest.mark.drawn(4)

CALLS = [
    "audit verify",
    "cancel nothing",
    "check",
    "check-files data/raw/orders/*.csv --schema Order",
    "doctor --json",
    "logs nothing",
    "plan --full",
    "quality report shop.orders",
    "quarantine list --json",
    "quarantine show shop.orders",
    "runs",
    "sample nothing",
    "schema check",
    "schema list",
    "schema show Order --json",
    "show shop.orders",
    "table history shop/orders",
    "table show shop/daily_totals",
    "test shop --examples 1",
]


@pytest.mark.parametrize("call", CALLS)
def test_a_command_says_the_same_in_a_process_of_its_own(ran, call):
    here, apart = (run(*call.split(), cwd=ran) for run in (in_this_process, in_a_process))
    assert (here.returncode, without_times(here.stdout), here.stderr) == (
        apart.returncode,
        without_times(apart.stdout),
        apart.stderr,
    )
    assert here.stdout + here.stderr


def without_times(text: str) -> str:
    return re.sub(r"\d+\.\d s\b", "? s", text)
