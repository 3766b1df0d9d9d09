"""`sluice ls`, and the selection that commands share."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from framework.cli.main import main
from framework.core.report import RunReport
from framework.ledger.runs import open_ledger, record_finished

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sluice(monkeypatch, capsys, tmp_path):
    """The command in this process, on the project of the repository, with a ledger of its own."""
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    monkeypatch.setenv("SLUICE_LEDGER", ledger)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "-C", str(ROOT)])
        return code, *capsys.readouterr()

    call.ledger = ledger
    return call


def took(seconds: float, pipeline: str, run: str) -> RunReport:
    at = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    return RunReport(run, pipeline, "SUCCESS", started_at=at, duration_s=seconds)


def test_pipelines_are_listed_in_the_order_in_which_they_run(sluice):
    code, out, _ = sluice("ls", "+retail.daily_sales")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["level", "pipeline", "reads", "writes"],
        ["0", "retail.products", "products/*.json", "retail/products"],
        ["1", "retail.sales", "sales/*.csv,", "retail/products", "retail/sales"],
        ["2", "retail.daily_sales", "retail/sales,", "retail/products", "retail/daily_sales"],
        ["3", "pipelines"],
    ]


def test_with_a_history_it_says_which_chain_decides_how_long_all_take(sluice):
    ledger = open_ledger(sluice.ledger)
    for number, (pipeline, seconds) in enumerate(
        [("retail.products", 1.0), ("retail.inventory", 2.5), ("retail.stock", 4.0), ("retail.stock", 6.0)]
    ):
        record_finished(ledger, took(seconds, pipeline, f"r{number}"), invocation_id="i")
    code, out, _ = sluice("ls", "retail.products", "retail.inventory", "retail.stock", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["critical_path"], found["seconds"]) == (["retail.inventory", "retail.stock"], 7.5)
    assert {p["pipeline"]: (p["seconds"], p["slack"]) for p in found["pipelines"]} == {
        "retail.products": (1.0, 6.5),
        "retail.inventory": (2.5, 0.0),
        "retail.stock": (5.0, 0.0),
    }
    _, out, _ = sluice("ls", "retail.inventory+")
    assert out.splitlines()[-1] == "takes 7.5 s at least, by retail.inventory -> retail.stock"


@pytest.mark.parametrize("command", ["ls", "check"])
def test_what_is_excluded_is_left_out(sluice, command):
    code, out, _ = sluice(command, "+retail.stock", "--exclude", "retail.stock", "--json")
    assert code == 0
    assert [p["pipeline"] for p in json.loads(out)["pipelines"]] == ["retail.inventory"]


def test_a_term_that_means_nothing_has_an_exit_code_of_its_own(sluice):
    code, out, err = sluice("ls", "retail,marketing")
    assert (code, out) == (4, "")
    assert "means no pipeline: none is meant by all of retail, marketing" in err
