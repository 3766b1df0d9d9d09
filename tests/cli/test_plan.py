"""`sluice plan`: why a run would happen, how the definition differs, what is held in memory, how much is moved."""

from __future__ import annotations

import json

STEP = "pipelines/shop/daily_totals.py"
ORDERS = "pipelines/shop/orders.py"


def edit(project, path: str, old: str, new: str) -> None:
    text = (project / path).read_text()
    assert old in text
    (project / path).write_text(text.replace(old, new))


def plans(sluice, project, *options) -> dict:
    done = sluice("plan", *options, "--json", cwd=project)
    return {one["pipeline"]: one for one in json.loads(done.stdout)["pipelines"]}


def test_a_project_without_news_is_one_line_per_pipeline(sluice, ran):
    done = sluice("plan", "--exit-code", cwd=ran)
    assert (done.returncode, done.stdout) == (0, "shop.orders: nothing is new\nshop.daily_totals: nothing is new\n")


def test_changed_code_is_shown_as_a_diff_and_computed_again(sluice, ran):
    edit(ran, STEP, 'pl.col("amount").sum()', 'pl.col("amount").max()')
    done = sluice("plan", "--exit-code", cwd=ran)
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "shop.orders: nothing is new",
        "shop.daily_totals: incremental, sequence 2",
        "    because code: step 'daily_totals' has changed",
    ]
    diff = {line.strip() for line in lines if line.strip()[:1] in {"+", "-"}}
    assert {'-   col("amount").sum()', '+   col("amount").max()'} <= diff
    shown = [line for line in lines if line.startswith(("    reads", "    again", "    about"))]
    assert [line.partition(", ")[0] for line in shown] == [
        "    reads   shop/orders at version 1",
        "    again   shop/daily_totals",
        "    about   takes in orders 4 rows",
        "    about   gives shop/daily_totals 4 rows",
    ]
    assert sluice("run", cwd=ran).returncode == 0
    assert sluice("plan", "--exit-code", cwd=ran).returncode == 0


def test_an_edit_without_a_difference_is_no_news(sluice, ran):
    edit(ran, STEP, "    totals =", "    # one row per day and product\n    totals =")
    assert plans(sluice, ran)["shop.daily_totals"]["definition_changed"] is False


def test_rows_of_files_that_keep_the_old_logic_are_named(sluice, ran):
    edit(ran, ORDERS, 'pl.col("unit_price")', 'pl.col("unit_price") * 2')
    lines = sluice("plan", "shop.orders", cwd=ran).stdout.splitlines()
    assert lines[:2] == ["shop.orders: nothing is new", "    changed code: step 'valued_orders' has changed"]
    assert lines[-1] == "    shop/orders: rows that are there stay as they are, --full computes them again"
    found = plans(sluice, ran, "shop.orders")["shop.orders"]
    assert (found["has_work"], found["definition_changed"]) == (False, True)
    assert (found["changes"]["behind"], found["changes"]["rebuilt"]) == (["shop/orders"], [])


def test_every_reason_has_its_kind(sluice, ran):
    def why(name, *options):
        return [(one["kind"], one["text"]) for one in plans(sluice, ran, *options)[name]["why"]]

    assert why("shop.orders", "--full")[0] == ("forced", "a full rebuild was asked for")
    edit(ran, STEP, 'pl.col("amount").sum()', 'pl.col("amount").max()')
    assert why("shop.daily_totals") == [("code", "code: step 'daily_totals' has changed")]
    (ran / "data/raw/orders/2024-01-03.csv").write_text((ran / "data/raw/orders/2024-01-02.csv").read_text())
    assert why("shop.orders") == [("input", "orders: 1 new file")]


def test_a_first_run_has_its_kind_and_a_project_without_runs_no_estimate(sluice, project):
    found = plans(sluice, project, "shop.orders")["shop.orders"]
    assert [one["kind"] for one in found["why"]] == ["missing", "input"]
    assert found["estimate"]["reads"]["orders"]["rows"] is None
    assert found["estimate"]["writes"] == {"shop/orders": {"rows": None, "bytes": None}}


def test_rows_of_new_files_are_estimated_from_earlier_ones(sluice, ran):
    raw = ran / "data/raw/orders"
    size = sum(path.stat().st_size for path in raw.iterdir())
    text = (raw / "2024-01-02.csv").read_text()
    (raw / "2024-01-03.csv").write_text(text)
    found = plans(sluice, ran, "shop.orders")["shop.orders"]["estimate"]["reads"]["orders"]
    assert found == {"rows": round(len(text) * 7 / size), "bytes": len(text)}


def test_the_days_to_compute_again_are_named_from_the_log_alone(sluice, ran):
    text = (ran / "data/raw/orders/2024-01-02.csv").read_text().splitlines()
    (ran / "data/raw/orders/2024-01-03.csv").write_text("\n".join([text[0], "O9,2024-01-05,pears,1,2.50"]) + "\n")
    assert sluice("run", "shop.orders", cwd=ran).returncode == 0
    assert "    again   shop/daily_totals, day: 2024-01-05" in sluice("plan", cwd=ran).stdout.splitlines()
    (found,) = plans(sluice, ran)["shop.daily_totals"]["recompute"]
    assert found == {"table": "shop/daily_totals", "by": ["day"], "values": ["2024-01-05"], "is_whole": False}


def test_a_median_that_is_held_in_memory_is_named_with_its_step(sluice, ran):
    edit(ran, STEP, 'pl.col("amount").sum()', 'pl.col("amount").median()')
    told = "step 'daily_totals': group_by is held in memory: col(\"amount\").median()"
    assert f"    memory  {told}" in sluice("plan", cwd=ran).stdout.splitlines()
    (found,) = plans(sluice, ran)["shop.daily_totals"]["in_memory"]
    assert found == {"step": "daily_totals", "operation": "group_by", "expression": 'col("amount").median()'}


def test_a_value_that_cannot_be_known_again_is_found_by_check(sluice, ran):
    edit(ran, STEP, "import polars as pl", "import threading\n\nimport polars as pl\n\nLOCK = threading.Lock()\n")
    use = "def kept(value):\n    with LOCK:\n        return value\n\n\n@step(returns=DailyTotal)"
    edit(ran, STEP, "@step(returns=DailyTotal)", use)
    edit(
        ran, STEP, "    totals =", '    orders = orders.with_columns(pl.col("amount").map_batches(kept))\n    totals ='
    )
    done = sluice("check", cwd=ran)
    assert done.returncode == 2
    assert "shop.daily_totals, step 'daily_totals': kept > LOCK is a lock, of which cannot be told" in done.stderr
