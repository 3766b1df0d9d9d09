"""`sluice debug` and `sluice replay`, as a user calls them."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.cli.calling import PATIENCE_S, command, environment, in_a_process
from tests.run.past_project import Project

pytestmark = pytest.mark.drawn(2)

GOOD = 'return orders.group_by("day").agg(pl.col("amount").sum()).sort("day")'
LATE = 'return orders.select("day", amount=pl.col("day").cast(pl.Int64))'


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "shop")
    made.deliver("a", "o1,mon,1", "o2,mon,2", "o3,tue,4", "bad,tue,-1")
    return made


@pytest.fixture
def runs(project):
    return project.run("t.orders").run_id, project.run("t.totals").run_id


def test_debug_shows_rows_schema_and_counts(sluice, project, runs):
    done = sluice("debug", runs[1], "totals", cwd=project.folder)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines[0] == f"run {runs[1]} of t.totals: SUCCESS"
    assert lines[1] == "input orders: 3 rows"
    assert lines[2].startswith("    order_id (String), day (String), amount (Int64)")
    assert lines[3:5] == ["step totals: 2 rows", "    day (String), amount (Int64)"]
    assert [line.split() for line in lines[-2:]] == [["mon", "3"], ["tue", "4"]]


def test_debug_shows_the_rows_that_are_asked_for_and_those_of_the_inputs(sluice, project, runs):
    done = sluice("debug", runs[1], "totals", "--where", "amount > 3", "--inputs", "--json", cwd=project.folder)
    document = json.loads(done.stdout)
    assert document["output"]["rows"] == [{"day": "tue", "amount": 4}]
    assert document["output"]["count"] == 1
    assert {row["order_id"] for row in document["inputs"]["orders"]["rows"]} == {"o1", "o2", "o3"}
    assert document["inputs"]["orders"]["count"] == 3


def test_debug_says_how_many_rows_it_leaves_out(sluice, project, runs):
    done = sluice("debug", runs[0], "orders", "--limit", "1", cwd=project.folder)
    assert "source orders: 3 rows, 1 of them here\n" in done.stdout


def test_debug_of_a_failing_step_shows_its_error_with_what_it_was_given(sluice, project, runs):
    project.deliver("b", "o4,wed,8")
    project.run("t.orders")
    project.redefine(GOOD, LATE)
    failed = project.run("t.totals").run_id
    done = sluice("debug", failed, "totals", cwd=project.folder)
    assert done.returncode == 1
    assert done.stdout.startswith(f"run {failed} of t.totals: FAILED\n    conversion from `str` to `i64` failed")
    assert "input orders: 4 rows\n    order_id (String), day (String)" in done.stdout
    assert "error: step 'totals': InvalidOperationError: conversion from `str` to `i64` failed" in done.stderr
    assert done.stderr.endswith(f"next: sluice debug {failed} totals --open\n")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--where", "amount >"], "--where amount >: cannot be read as SQL"),
        (["--where", "amout > 1"], "--where names 'amout', which is no column; did you mean 'amount'?"),
        (["--limit", "0"], "--limit 0: expected 1 or more"),
        (["--sample", "7"], "sample=7.0: expected a fraction"),
    ],
    ids=["no sql", "no column", "no rows", "no fraction"],
)
def test_debug_refuses_flags_that_mean_nothing(sluice, project, runs, flags, said):
    done = sluice("debug", runs[1], "totals", *flags, cwd=project.folder)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_script_of_debug_does_the_same_in_python(sluice, project, runs, monkeypatch, capsys):
    monkeypatch.chdir(project.folder)
    done = sluice("debug", runs[0], "large", "--script", cwd=project.folder)
    lines = done.stdout.splitlines()
    assert lines[0] == "from framework import debug"
    names: dict[str, object] = {}
    exec("\n".join([*lines[:-1], f"found = {lines[-1]}"]), names)
    assert sorted(names["found"]["order_id"]) == ["o1", "o2", "o3"]


def prompt(project, *arguments: str, typed: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Type a line at the prompt that a command opens."""
    return subprocess.run(
        command(*arguments),
        cwd=project.folder,
        env=environment(**variables),
        input=f"{typed}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def test_debug_opens_python_with_the_inputs_and_the_function(project, runs):
    typed = "print('rows', large(orders, least=2).collect().height)"
    done = prompt(project, "debug", runs[0], "large", "--open", typed=typed)
    assert (done.returncode, "rows 2" in done.stdout) == (0, True), done.stderr
    assert f"step large of run {runs[0]}: large, least, orders, pl" in done.stderr


def test_debug_keeps_to_the_memory_that_a_run_may_take(project, runs):
    typed = "import os; print('spills at', os.environ['POLARS_OOC_MEMORY_BUDGET_MB'])"
    done = prompt(project, "debug", runs[0], "large", "--open", typed=typed, SLUICE_MEMORY_MB="1000")
    assert "spills at 500" in done.stdout, done.stderr


def test_replay_of_a_sound_run_is_equal(sluice, project, runs):
    done = sluice("replay", runs[0], cwd=project.folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"run {runs[0]} of t.orders, sequence 1: equal\n"
        "    same    _quarantine/t.orders: 1 row\n"
        "    same    t/orders: 3 rows\n"
    )


def test_replay_with_other_code_says_which_rows_differ(sluice, project, runs):
    project.redefine('pl.col("amount").sum()', 'pl.col("amount").max()')
    done = sluice("replay", runs[1], cwd=project.folder)
    assert done.returncode == 1
    assert done.stdout == (
        f"run {runs[1]} of t.totals, sequence 1: differs\n"
        "    its definition has changed since (code: step 'totals' has changed):"
        " what differs may be the doing of the code as it is now\n"
        "    differs t/totals: 1 changed (2 rows published, 2 now)\n"
        "            in amount (1)\n"
        "            changed day=mon: amount 3 -> 2\n"
    )
    document = json.loads(sluice("replay", runs[1], "--json", cwd=project.folder).stdout)["replay"]
    assert (document["outcome"], document["tables"]["t/totals"]["changed"]) == ("differs", 1)


def test_replay_of_a_failed_run_says_whether_it_still_fails(sluice, project, runs):
    project.deliver("b", "o4,wed,8")
    project.run("t.orders")
    project.redefine(GOOD, LATE)
    failed = project.run("t.totals").run_id
    done = sluice("replay", failed, cwd=project.folder)
    assert done.returncode == 1
    assert "    the replay failed: InvalidOperationError: conversion" in done.stdout
    project.redefine(LATE, GOOD)
    done = sluice("replay", failed, cwd=project.folder)
    assert done.returncode == 0
    assert "    the replay went to its end; the run itself published nothing\n" in done.stdout
    assert done.stderr == "next: sluice run t.totals\n"


def test_debug_and_replay_are_the_same_in_a_process_of_their_own(project, runs):
    assert in_a_process("debug", runs[1], "totals", cwd=project.folder).returncode == 0
    assert in_a_process("replay", runs[1], cwd=project.folder).returncode == 0
