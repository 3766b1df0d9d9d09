"""Circuits that processes share through the ledger: SQLite and PostgreSQL, real processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from framework import Breaker
from framework.core.events import listening
from framework.errors import CircuitError
from framework.ledger.breakers import read_breaker
from framework.ledger.runs import open_ledger
from framework.run.resilience.circuits import Circuits, InLedger, InMemory

ROOT = Path(__file__).parents[3]
PATIENCE_S = 120
MANY = 40
FAILS = """
import sys
from framework import Breaker
from framework.run.resilience.circuits import Circuits, InLedger

address, name, times = sys.argv[1:]
breaker = Breaker(name, failures=1.0, of_last=1000, at_least=1000)
circuits = Circuits(InLedger(address))
sys.stdin.readline()  # until the other is there, too
for n in range(int(times)):
    circuits.admit(breaker)
    circuits.settle(breaker, f"failure {n}")
"""


def failing(address: str, times: int) -> subprocess.Popen[bytes]:
    """A process that tells of so many failures once it is let go."""
    command = [sys.executable, "-P", "-c", FAILS, address, "crm", str(times)]
    return subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE)


def test_no_outcome_is_lost_where_processes_tell_at_once(address):
    open_ledger(address)
    both = [failing(address, MANY) for _ in range(2)]
    for process in both:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in both:
        process.communicate(timeout=PATIENCE_S)
    assert [process.returncode for process in both] == [0, 0]
    assert len(InLedger(address).read("crm").circuit.failed) == 2 * MANY


def test_a_circuit_that_one_process_has_opened_is_open_to_another(address):
    process = failing(address, 3)
    process.communicate(b"go\n", timeout=PATIENCE_S)
    breaker = Breaker("crm", of_last=10, at_least=4, open_for="1h")
    one, other = Circuits(InLedger(address)), Circuits(InLedger(address))
    one.admit(breaker)
    one.settle(breaker, "the last straw")
    with pytest.raises(CircuitError, match=r"4 of the last 4 calls failed: the last straw"):
        other.admit(breaker)
    stored = read_breaker(open_ledger(address), "crm")
    assert (stored.state, stored.opened_at is not None) == ("open", True)


def test_only_one_of_two_processes_probes_a_half_open_circuit(address):
    breaker = Breaker("crm", of_last=1, at_least=1, open_for="1us")
    one = Circuits(InLedger(address))
    one.admit(breaker)
    one.settle(breaker, "down")
    patient = Breaker("crm", of_last=1, at_least=1, open_for="1h")
    other = Circuits(InLedger(address))
    one.admit(patient)
    with pytest.raises(CircuitError, match="half open, and another call probes it now; 1 of the last 1 calls failed"):
        other.admit(patient)
    one.settle(patient, None)
    other.admit(patient)


def test_a_ledger_that_cannot_be_opened_stops_no_call(tmp_path):
    (tmp_path / "folder").write_text("a file where a folder is wanted")
    events = []
    circuits = Circuits(InLedger(f"sqlite:///{tmp_path}/folder/ledger.db"))
    with listening(events.append):
        circuits.admit(Breaker("crm"))
        circuits.settle(Breaker("crm"), None)
    assert [event.name for event in events] == ["breaker.alone"]
    assert isinstance(circuits.keeper, InMemory)


def test_successes_of_a_healthy_source_are_not_written_each_time(address):
    breaker = Breaker("crm", of_last=3, at_least=2)
    circuits = Circuits(InLedger(address))
    for _ in range(20):
        circuits.admit(breaker)
        circuits.settle(breaker, None)
    assert read_breaker(open_ledger(address), "crm").version == 3
