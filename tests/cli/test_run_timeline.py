"""`sluice runs timeline`: the runs of one invocation over time; and what is said of a run that is still at work."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from framework.cli.main import main
from framework.cli.run_details import at_work
from framework.core.report import Failure, NodeReport, RunReport
from framework.ledger.opening import open_ledger
from framework.ledger.runs import record_finished, record_started
from framework.ledger.tables import runs

START = datetime(2026, 1, 1, 6, tzinfo=UTC)
PIPELINES = """
import pandera.polars as pa
from framework import Pipeline, csv_files, delta_table, table

class Row(pa.DataFrameModel):
    a: int

def copy(name, source):
    return Pipeline(f"t.{name}", sources={"rows": source}, outputs=[table(f"t/{name}", of="rows")])

pipelines = [
    copy("products", csv_files("p.csv", schema=Row)),
    copy("sales", csv_files("s.csv", schema=Row)),
    copy("totals", delta_table("t/sales", schema=Row)),
]
products, sales, totals = pipelines
"""


@pytest.fixture
def sluice(monkeypatch, capsys, tmp_path):
    """The command in this process, in a project with three pipelines and a ledger."""
    package = f"timeline_{tmp_path.name}".replace("-", "_")
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(PIPELINES)
    (tmp_path / "sluice.toml").write_text(f'packages = ["{package}"]\nledger = "sqlite:///{tmp_path}/ledger.db"\n')
    monkeypatch.setattr("sys.path", [str(tmp_path), *__import__("sys").path])

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "-C", str(tmp_path)])
        return code, *capsys.readouterr()

    call.ledger = lambda: open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    return call


def ran(ledger, run_id: str, name: str, begin: float, seconds: float, invocation: str = "inv1", **more) -> None:
    """Record a run that began so many seconds after the start."""
    started = START + timedelta(seconds=begin)
    state = more.pop("state", "SUCCESS")
    report = RunReport(run_id, f"t.{name}", state, seq=1, started_at=started.isoformat(), duration_s=seconds, **more)
    record_finished(ledger, report, invocation_id=invocation)
    with ledger.engine.begin() as connection:
        ended = {"finished_at": started + timedelta(seconds=seconds)}
        connection.execute(update(runs).where(runs.c.run_id == run_id).values(ended))


def test_the_runs_of_an_invocation_are_bars_over_time_with_the_critical_path_marked(sluice):
    ledger = sluice.ledger()
    node = NodeReport("read rows (csv)", "read", 9, 1.0, 0.7)
    ran(ledger, "p0", "sales", -100, 1.0, invocation="inv0")
    ran(ledger, "p1", "products", 0, 1.0)
    ran(ledger, "s1", "sales", 0, 5.0, nodes=[node])
    ran(ledger, "t1", "totals", 5, 5.0, state="FAILED", failure=Failure("step", "StepError", "no"))
    code, out, err = sluice("runs", "timeline")
    assert code == 0
    assert out == (
        "invocation inv1: 3 runs in 10.00 s\n"
        "    started 2026-01-01 06:00:00 UTC\n"
        "    t.products  |####                                    | 1.00 s\n"
        "  > t.sales     |####################                    | 5.00 s (usually 1.00 s)\n"
        "  > t.totals    |                    ####################| 5.00 s, FAILED\n"
        "critical path: t.sales -> t.totals, 10.00 s\n"
        "slowest: t.sales (run s1), there read rows (csv), 70% of what its plan took\n"
    )
    assert err == "next: sluice runs show s1\n"


@pytest.mark.parametrize("word", ["inv1", "s1", "inv"], ids=["its id", "that of a run", "its beginning"])
def test_an_invocation_is_found_by_its_id_and_by_its_runs(sluice, word):
    ran(sluice.ledger(), "s1", "sales", 0, 5.0)
    document = json.loads(sluice("runs", "timeline", word, "--json")[1])["invocation"]
    assert (document["invocation_id"], document["critical_path"]) == ("inv1", ["t.sales"])
    assert document["runs"][0]["run_id"] == "s1"


def test_slack_says_how_much_longer_a_run_could_take(sluice):
    ledger = sluice.ledger()
    ran(ledger, "p1", "products", 0, 1.0)
    ran(ledger, "s1", "sales", 0, 5.0)
    document = json.loads(sluice("runs", "timeline", "--json")[1])["invocation"]
    assert {run["pipeline"]: run["slack_s"] for run in document["runs"]} == {"t.products": 4.0, "t.sales": 0.0}


def test_a_plan_that_was_taken_up_again_much_later_begins_where_that_attempt_began(sluice):
    ledger = sluice.ledger()
    ran(ledger, "s1", "sales", 0, 5.0)
    ran(ledger, "p1", "products", 3_600, 1.0)
    with ledger.engine.begin() as connection:
        ended = {"finished_at": START + timedelta(seconds=3_606)}
        connection.execute(update(runs).where(runs.c.run_id == "s1").values(ended))
    assert "2 runs in 6.00 s" in sluice("runs", "timeline")[1]


def test_a_run_whose_end_was_recorded_late_ends_before_those_that_waited_for_it(sluice):
    ledger = sluice.ledger()
    ran(ledger, "s1", "sales", 4, 3.0)
    ran(ledger, "t1", "totals", 5, 5.0)
    lines = sluice("runs", "timeline")[1].splitlines()
    assert lines[2:4] == [
        "  > t.sales   |###############                         | 3.00 s",
        "  > t.totals  |               #########################| 5.00 s",
    ]


def test_what_is_not_there_is_said(sluice):
    assert sluice("runs", "timeline")[0] == 4
    ran(sluice.ledger(), "s1", "sales", 0, 5.0)
    ran(sluice.ledger(), "s2", "sales", 9, 5.0, invocation="inv2")
    code, _, err = sluice("runs", "timeline", "nope")
    assert (code, err) == (4, "error: no run or invocation begins with 'nope'; `sluice runs` lists runs\n")
    code, _, err = sluice("runs", "timeline", "inv")
    assert (code, err) == (4, "error: 'inv' is the beginning of several invocations: inv1, inv2\n")


def test_a_run_at_work_says_how_long_that_usually_takes_and_what_it_said_last():
    now = START + timedelta(seconds=60)
    past = {"duration_s": 12.0, "peak_memory_mb": 1.0, "report": {"timings_s": {"publish": 1.0, "export": 0.5}}}
    events = [
        ("run.planned", 10, "planned"),
        ("run.staged", 40, "staged"),
        ("table.published", 45, "version 1"),
    ]
    said = [
        {"event": name, "at": (START + timedelta(seconds=at)).isoformat(), "message": words}
        for name, at, words in events
    ]
    assert list(at_work({"started_at": START}, [past], said, now)) == [
        "    is at work for 60.0 s (usually 12.0 s)",
        "    in publish for 20.0 s (usually 1.5 s)",
        "    said last, 15.0 s ago: version 1",
    ]


def test_a_run_at_work_is_shown_with_what_its_log_says(sluice, tmp_path):
    plan = {"seq": 2, "mode": "incremental"}
    record_started(sluice.ledger(), "w1", pipeline="t.sales", invocation_id="i", plan=plan)
    (tmp_path / "data/logs").mkdir(parents=True)
    line = {"at": datetime.now(UTC).isoformat(), "event": "run.planned", "level": "INFO", "message": "1 file"}
    (tmp_path / "data/logs/w1.jsonl").write_text(json.dumps(line) + "\n")
    out = sluice("runs", "show", "w1")[1]
    assert "    is at work for " in out
    assert "    in scan and stage for " in out
    assert out.endswith(" s ago: 1 file\n")
