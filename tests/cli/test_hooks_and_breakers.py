"""Hooks and circuit breakers as a user of the command meets them."""

from __future__ import annotations

import json

import pytest

from framework.ledger.runs import open_ledger
from framework.run.hooks.project import hook_lines
from framework.run.resilience.circuits import Circuits, InLedger
from framework.run.resilience.declared import policy_lines
from framework.settings import Settings

PIPELINE = """
from datetime import timedelta

import pandera.polars as pa
import polars as pl
from framework import (
    Breaker, Pipeline, Policy, ReadMoment, Retry, alternate, csv_files, hook, json_files, table
)

class Rate(pa.DataFrameModel):
    currency: str
    rate: float = pa.Field(ge=0)

@hook("after_read")
def rounded(moment: ReadMoment) -> pl.LazyFrame:
    return moment.rows

rates = Pipeline("t.rates",
    sources={
        "rates": csv_files("*.csv", schema=Rate, retry=Retry(attempts=4, within="5m"), hooks=[rounded],
            breaker=Breaker("bank", of_last=1, at_least=1, open_for="1h"), otherwise=alternate("backup", after="2d")),
        "backup": json_files("*.json")},
    outputs=[table("t/rates", of="rates", mode="merge", key="currency")],
    policy=Policy(retry=Retry(attempts=2), pools=["bank"], deadline="90m", expected="45s", on_failure="stop"))
"""
HOOKS = """
from pathlib import Path

from framework import FailureMoment, PublishMoment, hook

@hook("after_publish")
def tell(moment: PublishMoment) -> None:
    Path("told.txt").write_text(f"{moment.key} {moment.rows_added}")

@hook("on_failure", on_error="warn")
def moan(moment: FailureMoment) -> None:
    Path("moaned.txt").write_text(f"{moment.kind}: {moment.message}")
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/__init__.py").write_text(PIPELINE)
    (tmp_path / "our_hooks.py").write_text(HOOKS)
    (tmp_path / "sluice.toml").write_text('hooks = ["our_hooks:tell", "our_hooks:moan"]\n')
    raw = tmp_path / "data/raw"
    raw.mkdir(parents=True)
    (raw / "a.csv").write_text("currency,rate\nUSD,0.9\n")
    return tmp_path


def open_circuit(project, name: str = "bank") -> None:
    from framework import Breaker

    circuits = Circuits(InLedger(f"sqlite:///{project}/data/ledger.db"))
    circuits.settle(Breaker(name, of_last=1, at_least=1, open_for="1h"), "timed out")


def test_hooks_of_the_project_are_called_by_a_run(project, sluice):
    done = sluice("run", "--json", cwd=project)
    assert done.returncode == 0, done.stderr
    assert (project / "told.txt").read_text() == "t.rates/1/after_publish/t/rates 1"
    (run,) = json.loads(done.stdout)["runs"]
    assert run["hooks"]["our_hooks:tell"] == {"calls": 1, "failed": 0}


def test_check_names_every_hook_that_cannot_be_used(project, sluice):
    (project / "sluice.toml").write_text('hooks = ["our_hooks:tel", "nowhere:at_all", "our_hooks"]\n')
    done = sluice("check", cwd=project)
    assert done.returncode == 2
    assert "3 problems in the definition" in done.stderr
    assert "sluice.toml, hook 'our_hooks:tel': our_hooks has no 'tel' (did you mean 'tell'?)" in done.stderr
    assert "sluice.toml, hook 'nowhere:at_all': there is no module 'nowhere'" in done.stderr
    assert "sluice.toml, hook 'our_hooks': is no name of a function" in done.stderr


def test_a_run_on_an_open_circuit_fails_at_once_and_may_be_tried_later(project, sluice):
    open_circuit(project)
    done = sluice("run", "--attempts", "1", "--json", cwd=project)
    (run,) = json.loads(done.stdout)["runs"]
    assert (run["failure"]["kind"], run["failure"]["error"], run["failure"]["retryable"]) == (
        "transient",
        "CircuitError",
        True,
    )
    assert "the circuit of 'bank' is open since" in run["failure"]["message"]
    assert (project / "moaned.txt").read_text().startswith("transient: the circuit of 'bank' is open since")


def test_breakers_are_listed_and_closed_by_hand(project, sluice):
    assert sluice("breakers", cwd=project).stdout == "no run has used a circuit breaker yet\n"
    open_circuit(project)
    listed = sluice("breakers", cwd=project)
    assert "bank" in listed.stdout
    assert "timed out" in listed.stdout
    assert "sluice breakers reset bank" in listed.stderr
    (told,) = json.loads(sluice("breakers", "list", "--json", cwd=project).stdout)["breakers"]
    assert (told["breaker"], told["state"], told["failed"], told["calls"]) == ("bank", "open", 1, 1)
    assert sluice("breakers", "reset", "bank", cwd=project).stdout == "bank: closed\n"
    (told,) = json.loads(sluice("breakers", "--json", cwd=project).stdout)["breakers"]
    assert (told["state"], told["calls"], told["until"]) == ("closed", 0, None)
    assert sluice("run", cwd=project).returncode == 0


def test_a_breaker_that_nobody_knows_is_an_error_that_names_the_nearest(project, sluice):
    done = sluice("breakers", "reset", "bank", cwd=project)
    assert done.returncode == 4
    assert "no circuit breaker is called 'bank'; no run has used one yet" in done.stderr
    open_circuit(project)
    assert "did you mean 'bank'?" in sluice("breakers", "reset", "bnk", cwd=project).stderr


def test_a_reset_leaves_nothing_of_the_ledger_to_be_made(project, sluice):
    sluice("breakers", cwd=project)
    assert not (project / "data/ledger.db").exists()
    open_ledger(f"sqlite:///{project}/data/ledger.db")
    assert sluice("breakers", cwd=project).stdout == "no run has used a circuit breaker yet\n"


def test_what_a_pipeline_declares_is_told_line_by_line(project, monkeypatch):
    monkeypatch.syspath_prepend(project)
    names: dict[str, object] = {"__name__": "rates_of_a_test"}
    exec(compile(PIPELINE, "rates_of_a_test.py", "exec"), names)
    pipeline = names["rates"]
    assert policy_lines(pipeline) == [
        "retry of a run: 2 attempts, waits from 1 s to 1 min",
        "pools: bank",
        "deadline: 90 min",
        "expected: 45 s",
        "on failure: nothing else of the invocation is started",
        "retry of rates: 4 attempts within 5 min, waits from 1 s to 1 min, 10 retries per run",
        "breaker of rates: 'bank', opens for 1 h when 50% of the last 1 calls (at least 1) fail",
        "alternate of rates: backup, when missing, rejected, budget for 2 days",
    ]
    assert hook_lines(pipeline, Settings(project=project)) == [
        "after_read of rates: rates_of_a_test:rounded (source, changes rows)",
        "after_publish: our_hooks:tell (project)",
        "on_failure: our_hooks:moan (project, only warns)",
    ]
