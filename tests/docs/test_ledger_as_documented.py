"""docs/reference/ledger.md knows every table, state, transition and audited action."""

from __future__ import annotations

import re
from pathlib import Path

from framework.ledger.invocations import DEAD_AFTER_S
from framework.ledger.states import NEXT
from framework.ledger.tables import metadata, version

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/ledger.md").read_text(encoding="utf-8")


def rows_of(heading):
    """The cells of the table below a heading."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_every_table_is_in_the_reference():
    assert set(re.findall(r"^\| `(sluice_\w+)`", PAGE, re.MULTILINE)) == metadata.tables.keys() - {version.name}


def test_states_become_what_the_reference_says():
    documented = {row[0].strip("`"): set(re.findall(r"`([A-Z]+)`", row[2])) for row in rows_of("States")}
    assert documented == NEXT


def test_every_audited_action_is_in_the_reference():
    documented = set(re.findall(r"`([a-z]+\.[a-z_]+)`", " ".join(row[0] for row in rows_of("The audit trail"))))
    sources = [path.read_text() for path in (ROOT / "framework").rglob("*.py")]
    called = {
        name for text in sources for name in re.findall(r'(?:noted|append)\((?:connection, )?"([a-z]+\.\w+)"', text)
    }
    assert len(called) > 8
    recorded = {"invocation.begun", "invocation.ended", "run.given_up", "run.ended"}
    assert documented == called | recorded | {"invocation.abandoned", "run.abandoned"}


def test_the_age_of_a_dead_heartbeat_is_that_of_the_reference():
    assert f"the last sign is older than {DEAD_AFTER_S} s" in PAGE
