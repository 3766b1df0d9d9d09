"""`sluice run` on a small project: what it prints, what it leaves, how it ends."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pytest

PATIENCE_S = 120
SLOW = """
import time
from pathlib import Path
import polars as pl
from framework import LazyFrame, Pipeline, csv_files, step, table
from schemas.shop import Order

@step(returns=Order)
def slow(orders: LazyFrame[Order]) -> pl.LazyFrame:
    if not Path("gone-on").exists():
        Path("asleep").touch()
        time.sleep(3600)
    return orders

pipeline = Pipeline("slow.orders", sources={"orders": csv_files("orders/*.csv")}, steps=[slow],
    outputs=[table("slow/orders", of=slow, mode="overwrite")])
"""


def test_a_first_run_says_what_it_read_wrote_and_kept_back(sluice, project):
    done = sluice("run", cwd=project)
    assert done.returncode == 0
    shown = re.sub(r"run \w{12}", "run ID", re.sub(r"\d+\.\d s, \d+ MiB", "TIME", done.stdout))
    assert shown == (
        "shop.orders        SUCCESS    run ID, sequence 1 (full), TIME\n"
        "    read  orders: 7 rows of 2 files: 4 accepted, 2 quarantined, 1 dropped (superseded)\n"
        "                  1 x product: must be one of ['apples', 'pears', 'plums']\n"
        "                  1 x quantity: must be > 0\n"
        "    wrote _quarantine/shop.orders: version 1, +2 -0 rows, 1 partition touched\n"
        "    wrote shop/orders: version 1, +4 -0 rows, 2 partitions touched\n"
        "shop.daily_totals  SUCCESS    run ID, sequence 1 (full), TIME\n"
        "    wrote shop/daily_totals: version 1, +4 -0 rows, 2 partitions touched\n"
        "2 succeeded\n"
    )
    assert done.stderr.endswith("next: sluice quarantine list shop.orders\n")
    assert " INFO    shop.orders: succeeded in " in done.stderr


def test_a_run_with_nothing_new_says_so_and_writes_nothing(sluice, ran):
    before = {path: path.stat().st_mtime_ns for path in ran.rglob("*") if "__pycache__" not in path.parts}
    done = sluice("run", cwd=ran)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["shop.orders", "UNCHANGED", "nothing", "is", "new"],
        ["shop.daily_totals", "UNCHANGED", "nothing", "is", "new"],
        ["2", "unchanged"],
    ]
    after = {path: path.stat().st_mtime_ns for path in ran.rglob("*") if "__pycache__" not in path.parts}
    assert after == before


def test_json_is_one_document_with_everything_a_run_did(sluice, project):
    done = sluice("run", "--json", cwd=project)
    document = json.loads(done.stdout)
    assert (document["schema_version"], document["state"]) == (1, "SUCCESS")
    first = document["runs"][0]
    assert first["pipeline"] == "shop.orders"
    assert first["sources"]["orders"] == {
        "rows_in": 7,
        "accepted": 4,
        "quarantined": 2,
        "dropped": {"superseded": 1},
        "files": 2,
        "files_rejected": 0,
        "reasons": {"product: must be one of ['apples', 'pears', 'plums']": 1, "quantity: must be > 0": 1},
        "released": 0,
        "warnings": [],
        "warned": {},
        "refused_again": 0,
        "filled": {},
        "stands_in": "",
        "retries": 0,
        "waited_s": 0.0,
        "breaker": "",
    }
    assert first["outputs"]["shop/orders"]["version"] == 1
    assert first["outputs"]["shop/orders"]["partitions"] == 2
    assert first["peak_memory_mb"] > 50
    assert first["timings_s"].keys() >= {"scan", "stage", "publish"}


def test_log_lines_are_json_when_asked_for(sluice, project):
    done = sluice("run", "--log-format", "json", cwd=project)
    events = [json.loads(line) for line in done.stderr.splitlines() if not line.startswith("next:")]
    assert {event["pipeline"] for event in events} == {"shop.orders", "shop.daily_totals"}
    assert {"at", "level", "event", "message", "run_id", "pipeline", "step", "attempt"} <= events[0].keys()


def test_a_failed_run_exits_1_and_names_the_log(sluice, project):
    (project / "pipelines/shop/orders.py").write_text(
        (project / "pipelines/shop/orders.py")
        .read_text()
        .replace('"orders/*.csv"', '"orders/*.csv", on_invalid="fail"')
    )
    done = sluice("run", cwd=project)
    assert done.returncode == 1
    assert "shop.daily_totals  SKIPPED    shop.orders failed\n" in done.stdout
    assert "shop.orders        FAILED     run " in done.stdout
    run_id = re.search(r"next: sluice logs (\w+); once that is mended: sluice retry \w+\n$", done.stderr)[1]
    logged = sluice("logs", run_id, cwd=project)
    assert "BoundaryError" in logged.stdout
    assert run_id in sluice("runs", cwd=project).stdout


def test_a_step_that_raises_is_named(sluice, project):
    step = project / "pipelines/shop/orders.py"
    step.write_text(step.read_text().replace("    return orders.with", "    1 / 0\n    return orders.with"))
    done = sluice("run", "shop.orders", cwd=project)
    assert "step 'valued_orders' raised ZeroDivisionError: division by zero" in done.stdout
    assert done.returncode in {1, 2}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_interrupted_run_is_cancelled_and_the_next_one_takes_it_up(sluice, start, project, number, code):
    (project / "pipelines/shop/slow.py").write_text(SLOW)
    process = start("run", "slow", "--json", cwd=project)
    deadline = time.monotonic() + PATIENCE_S
    while not (project / "asleep").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    assert json.loads(out)["state"] == "CANCELLED"
    cancelled = json.loads(sluice("runs", "--json", cwd=project).stdout)["runs"]
    assert all(run["state"] == "CANCELLED" for run in cancelled)
    (project / "gone-on").touch()
    assert sluice("run", "slow", cwd=project).returncode == 0


def test_what_a_step_prints_never_mixes_with_the_result(sluice, project):
    step = project / "pipelines/shop/orders.py"
    step.write_text(
        step.read_text().replace("    return orders.with", "    print('from a step')\n    return orders.with")
    )
    done = sluice("run", "--json", cwd=project)
    assert json.loads(done.stdout)["state"] == "SUCCESS"
    assert "from a step\n" in done.stderr


def test_param_and_full_reach_the_run(sluice, ran):
    done = sluice("run", "shop", "--full", cwd=ran)
    assert done.returncode == 0
    assert done.stdout.count("(full)") == 2
    done = sluice("run", "shop", "--param", "nonsense=1", cwd=ran)
    assert done.returncode == 2


def test_a_bug_in_a_run_exits_70_and_keeps_the_traceback(sluice, project):
    broken = project / "pipelines/shop/broken.py"
    broken.write_text(
        "from framework.definition import pipeline\n"
        "class Broken(pipeline.Pipeline):\n"
        "    def upstream(self, node):\n"
        "        raise RuntimeError('nobody foresaw this')\n"
        "from framework import csv_files, table\n"
        "from schemas.shop import Order\n"
        "found = Broken('shop.broken', sources={'orders': csv_files('orders/*.csv', schema=Order)},\n"
        "    outputs=[table('shop/broken', of='orders', mode='overwrite')])\n"
    )
    done = sluice("run", "shop.broken", cwd=project)
    assert done.returncode == 70
    path = re.search(r"error: shop.broken: RuntimeError is a bug; traceback: (.+)\n", done.stderr)[1]
    assert Path(path).read_text().endswith("RuntimeError: nobody foresaw this\n")
    assert "Traceback" not in done.stderr
    assert "Traceback" in sluice("run", "shop.broken", "--debug", cwd=project).stderr


def test_a_run_goes_on_when_nobody_reads_what_it_says(sluice, start, project):
    process = start("run", "shop", cwd=project)
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=PATIENCE_S) == 0
    runs = json.loads(sluice("runs", "--json", cwd=project).stdout)["runs"]
    assert [run["state"] for run in runs] == ["SUCCESS", "SUCCESS"]


def test_brief_is_one_line_per_pipeline_and_what_failed_in_words(sluice, project):
    done = sluice("run", "--brief", "--quiet", cwd=project)
    lines = [re.sub(r"\d+\.\d$", "TIME", line).split() for line in done.stdout.splitlines()]
    assert lines == [
        ["pipeline", "state", "read", "accepted", "quarantined", "dropped", "written", "removed", "files", "seconds"],
        ["shop.orders", "SUCCESS", "7", "4", "2", "1", "4", "-", "-", "TIME"],
        ["shop.daily_totals", "SUCCESS", "-", "-", "-", "-", "4", "-", "-", "TIME"],
        ["2", "succeeded"],
    ]
    (project / "pipelines/shop/daily_totals.py").write_text(
        SLOW.replace("    if not", "    raise OSError('no')\n    if not")
    )
    (project / "data/raw/orders/2024-01-03.csv").write_text("not,a,header\n1,2,3\n")
    done = sluice("run", "slow.orders", "--brief", "--quiet", "--attempts", "1", cwd=project)
    assert done.returncode == 1
    assert "slow.orders: run " in done.stdout
    assert "step 'slow' raised OSError: no" in done.stdout
