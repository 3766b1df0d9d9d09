"""`sluice test` as users have it."""

from __future__ import annotations

import json

STEP = "def valued_orders"
SALES = "pipelines/shop/orders.py"


def test_a_fresh_project_passes_and_nothing_is_left_behind(sluice, project):
    before = sorted(path.relative_to(project) for path in project.rglob("*") if "__pycache__" not in path.parts)
    done = sluice("test", "--examples", "5", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(" (")[0] for line in lines[:-1]] == [
        "ok      shop.orders: valued_orders",
        "ok      shop.orders: incremental = full",
        "ok      shop.daily_totals: daily_totals",
        "ok      shop.daily_totals: incremental = full",
    ]
    assert lines[0].split("(")[1].startswith("5 examples, ")
    assert lines[-1] == "4 steps and pipelines tried: 4 passed"
    assert done.stderr == ""
    after = sorted(path.relative_to(project) for path in project.rglob("*") if "__pycache__" not in path.parts)
    assert after == before


def plant(project):
    """Let a step lose its key."""
    file = project / SALES
    text = file.read_text()
    head, body = text.split("    return ", 1)
    statement, rest = body.split("\n\n\n", 1)
    file.write_text(f"{head}    return ({statement}).with_columns(order_id=pl.lit(None, dtype=pl.String))\n\n\n{rest}")


def test_a_finding_is_printed_with_its_input_and_the_command_that_finds_it_again(sluice, project):
    plant(project)
    done = sluice("test", "shop.orders", "--examples", "30", "--seed", "1", cwd=project)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("FAILED  shop.orders: valued_orders (")
    assert lines[1:3] == [
        "    expected: rows that keep to the schema that the step declares",
        "    found:    order_id: must not be empty (1 of 1 rows)",
    ]
    assert lines[3].startswith("    input 'orders', ")
    assert "    rows of the result that break it:" in lines
    assert "        orders = pl.LazyFrame(" in lines
    assert "    again with: sluice test shop.orders --seed 1 --examples 30" in lines
    assert done.stderr == "next: paste the input into a test, mend the step, and run `sluice test` again\n"


def test_machines_get_one_document_that_is_the_same_for_a_seed(sluice, project):
    plant(project)
    documents = []
    for _ in range(2):
        done = sluice("test", "shop.orders", "--examples", "10", "--json", cwd=project)
        assert (done.returncode, done.stderr) == (1, "")
        documents.append(json.loads(done.stdout))
    (step, _), (again, _) = (document["tried"] for document in documents)
    assert (step["step"], step["state"], step["finding"]["check"]) == ("valued_orders", "failed", "contract")
    assert step["finding"]["inputs"]["orders"]["columns"]["quantity"] == "Int64"
    assert (step["examples"], step["finding"]) == (again["examples"], again["finding"])
    assert documents[0]["seed"] == 0


def test_what_was_not_tried_in_time_is_said(sluice, project):
    done = sluice("test", "--seconds", "0.000001", cwd=project)
    assert done.returncode == 0
    reason = "time is up: give it more --seconds"
    assert done.stdout.splitlines()[0] == f"skipped shop.orders: valued_orders ({reason})"
    assert done.stdout.splitlines()[-1] == "4 steps and pipelines tried: 4 skipped"
    words = "4 of them were not tried, as the time was up: give it more --seconds, or name fewer pipelines\n"
    assert done.stderr == words


def test_what_means_nothing_is_refused(sluice, project):
    done = sluice("test", "--examples", "0", cwd=project)
    assert (done.returncode, done.stderr) == (
        2,
        "error: --examples 0 --seconds 120: expected 1 or more, and more than 0\n",
    )
    done = sluice("test", "shop.order", cwd=project)
    assert (done.returncode, done.stderr.split(";")[0]) == (4, "error: no pipeline is called 'shop.order'")
