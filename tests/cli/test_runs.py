"""`sluice runs show`: one run, and how it compares with those before it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from framework.cli.main import main
from framework.core.report import Failure, NodeReport, OutputReport, RunReport, SourceReport
from framework.ledger.opening import open_ledger
from framework.ledger.runs import record_finished, record_started

START = datetime(2026, 1, 1, 6, tzinfo=UTC)


@pytest.fixture
def sluice(monkeypatch, capsys, tmp_path):
    """The command in this process, in an empty project with a ledger."""
    monkeypatch.setenv("SLUICE_LEDGER", f"sqlite:///{tmp_path}/ledger.db")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "-C", str(tmp_path)])
        return code, *capsys.readouterr()

    call.ledger = lambda: open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    return call


def report(run_id: str, day: int, rows: int, scan: float, stage: float, **more) -> RunReport:
    return RunReport(
        run_id,
        "shop.orders",
        more.pop("state", "SUCCESS"),
        seq=day,
        reason="orders: 1 file",
        started_at=(START + timedelta(days=day)).isoformat(),
        duration_s=scan + stage,
        timings_s={"scan": scan, "stage": stage, "export": 0.0},
        peak_memory_mb=200.0,
        sources={"orders": SourceReport(rows, rows - 1, 1, files=1, reasons={"amount: must be > 0": 1})},
        outputs={"shop/orders": OutputReport("shop/orders", day, rows - 1, 0, 1, 1, 0)},
        **more,
    )


def test_a_run_is_laid_out_beside_those_before_it(sluice):
    ledger = sluice.ledger()
    past = [("a1", 1, 100, 1.0, 1.0), ("a2", 2, 110, 1.0, 1.2), ("a3", 3, 90, 1.0, 0.8)]
    for values in [*past, ("b4", 4, 400, 1.0, 3.0), ("a5", 5, 1, 9.0, 9.0)]:
        record_finished(ledger, report(*values), invocation_id="i")
    other = report("c1", 2, 7, 5.0, 5.0)
    record_finished(ledger, RunReport(**{**vars(other), "pipeline": "shop.other"}), invocation_id="i")
    code, out, err = sluice("runs", "show", "b")
    assert code == 0
    assert out == (
        "run b4 of shop.orders: SUCCESS\n"
        "    started 2026-01-05 06:00:00 UTC: orders: 1 file\n"
        "    took 4.00 s (usually 2.00 s), 200 MiB, 400 rows in (usually 100 rows in)\n"
        "    scan   |##########                              | 1.00 s\n"
        "    stage  |          ##############################| 3.00 s (usually 1.00 s), the slowest\n"
        "    read  orders: 400 rows of 1 file: 399 accepted, 1 quarantined\n"
        "                  1 x amount: must be > 0\n"
        "    wrote shop/orders: version 4, +399 -0 rows, 1 partition touched\n"
        "compared with 3 earlier runs\n"
    )
    assert err == "next: sluice logs b4\n"
    document = json.loads(sluice("runs", "show", "b4", "--json")[1])["run"]
    assert document["usual"] == {"runs": 3, "duration_s": 2.0, "peak_memory_mb": 200.0, "rows_in": 100.0}


def test_a_failed_run_says_why_and_one_at_work_says_so(sluice):
    ledger = sluice.ledger()
    failure = Failure("data", "BoundaryError", "source 'orders' is over its budget\nmend it")
    record_finished(ledger, report("f1", 1, 5, 0.5, 0.5, state="FAILED", failure=failure), invocation_id="i")
    record_started(ledger, "w1", pipeline="shop.orders", invocation_id="i", plan={"seq": 2, "mode": "incremental"})
    out = sluice("runs", "show", "f1")[1]
    assert "run f1 of shop.orders: FAILED\n" in out
    assert "    data: BoundaryError: source 'orders' is over its budget\n    mend it\n" in out
    assert out.endswith("no earlier run to compare with\n")
    assert "    is at work for " in sluice("runs", "show", "w1")[1]


def test_without_a_word_the_latest_runs_are_listed(sluice):
    record_finished(sluice.ledger(), report("a1", 1, 5, 0.5, 0.5), invocation_id="i")
    assert sluice("runs")[1] == sluice("runs", "list")[1] == sluice("runs", "shop")[1]
    assert sluice("runs", "other")[1] == "no runs yet\n"


@pytest.mark.parametrize("has_run", [False, True])
def test_a_run_that_is_not_there_is_said(sluice, has_run):
    if has_run:
        record_finished(sluice.ledger(), report("a1", 1, 5, 0.5, 0.5), invocation_id="i")
    code, out, err = sluice("runs", "show", "zzz")
    assert (code, out) == (4, "")
    assert err.startswith("error: no run begins with 'zzz'")


def test_the_nodes_that_took_longest_are_told_beside_what_is_usual(sluice):
    ledger = sluice.ledger()

    def nodes(read: float) -> list[NodeReport]:
        found = [NodeReport("read orders (csv)", "read", 400, read, 0.5, bytes_read=2_500_000, sources=["orders"])]
        found.append(
            NodeReport("group by day", "group by", 3, 0.5, 0.3, rows_in=400, sources=["orders"], count=2, step="x")
        )
        return found + [NodeReport(f"compute c{n}", "compute", 3, 0.1, 0.01, rows_in=3) for n in range(5)]

    record_finished(ledger, report("a1", 1, 100, 1.0, 1.0, nodes=nodes(0.5)), invocation_id="i")
    record_finished(ledger, report("b2", 2, 100, 1.0, 1.0, nodes=nodes(2.0)), invocation_id="i")
    shown = [line for line in sluice("runs", "show", "b2")[1].splitlines() if line.startswith("    node")]
    assert shown[:2] == [
        "    node   50%  read orders (csv): 400 rows of 2.5 MB, 2.000 s (usually 0.500 s)",
        "    node   30%  group by day of orders in 2 places: 400 to 3 rows, 0.500 s (step x)",
    ]
    assert shown[-1] == "    node        and 2 more that took less; --json has them"
    document = json.loads(sluice("runs", "show", "b2", "--json")[1])["run"]
    assert document["report"]["nodes"][0]["rows_out"] == 400
