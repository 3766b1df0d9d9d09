"""A step of a past run is opened on what that run read, whatever has come since."""

import os

import polars as pl
import pytest

from framework import debug
from framework.errors import ConfigurationError, SelectionError, StepError
from tests.run.past_project import Project

GOOD = 'return orders.group_by("day").agg(pl.col("amount").sum()).sort("day")'
LATE = 'return orders.select("day", amount=pl.col("day").cast(pl.Int64))'
"""Fits together, and fails at the first row."""
BY_NOW = "what is shown is computed by the code as it is now"


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "shop")
    made.deliver("a", "o1,mon,1", "o2,mon,2", "o3,tue,4", "bad,tue,-1")
    return made


def open_(project, run, step, **options):
    return debug(run, step, project=project.folder, **options)


def test_a_step_has_the_rows_that_its_run_had_though_more_has_come(project):
    first = project.run("t.orders")
    project.deliver("b", "o4,wed,8")
    second = project.run("t.orders")
    opened = open_(project, first.run_id, "large")
    assert sorted(opened.inputs["orders"].collect()["order_id"]) == ["o1", "o2", "o3"]
    assert sorted(opened.output().collect()["order_id"]) == ["o1", "o2", "o3"]
    assert open_(project, second.run_id, "large").output().collect()["order_id"].to_list() == ["o4"]


def test_tables_are_read_at_the_version_that_the_run_pinned(project):
    project.run("t.orders")
    totals = project.run("t.totals")
    project.deliver("b", "o4,mon,100")
    project.run("t.orders")
    assert open_(project, totals.run_id, "totals").output().collect().rows() == [("mon", 3), ("tue", 4)]


def test_a_run_that_computed_some_days_again_is_opened_on_these(project):
    project.run("t.orders")
    project.run("t.totals")
    project.deliver("b", "o4,mon,100")
    project.run("t.orders")
    second = project.run("t.totals")
    with pytest.warns(UserWarning, match="computed 1 values of day of t/totals again, no others"):
        opened = open_(project, second.run_id, "totals")
    assert opened.output().collect().rows() == [("mon", 103)]
    assert sorted(opened.inputs["orders"].collect()["order_id"]) == ["o1", "o2", "o4"]


def test_parameters_are_those_of_the_run(project):
    run = project.run("t.orders", parameters={"least": "2"})
    opened = open_(project, run.run_id, "large")
    assert opened.parameters == {"least": 2}
    assert sorted(opened.output().collect()["amount"]) == [2, 4]
    assert opened.function(**opened.inputs, least=4).collect()["amount"].to_list() == [4]


def test_a_source_is_opened_as_its_accepted_rows(project):
    run = project.run("t.orders")
    opened = open_(project, run.run_id, "orders")
    assert opened.function is None
    assert sorted(opened.output().collect()["order_id"]) == ["o1", "o2", "o3"]


def test_a_run_that_failed_while_its_rows_passed_is_opened_as_it_was(project):
    project.run("t.orders")
    project.redefine(GOOD, LATE)
    failed = project.run("t.totals")
    assert failed.state == "FAILED"
    opened = open_(project, failed.run_id, "totals")
    assert (opened.state, opened.notes) == ("FAILED", ())
    assert "conversion" in opened.failure
    assert opened.inputs["orders"].collect().height == 3
    with pytest.raises(pl.exceptions.InvalidOperationError, match="conversion"):
        opened.output().collect()


def test_a_run_that_failed_before_it_pinned_anything_is_opened_on_what_is_new(project):
    project.run("t.orders")
    project.redefine(GOOD, 'raise ValueError("no weekday")')
    failed = project.run("t.totals")
    assert failed.seq is None
    with pytest.warns(UserWarning, match="ended before it pinned its inputs: what is new now stands in for them"):
        opened = open_(project, failed.run_id, "totals")
    assert (opened.state, opened.failure) == ("FAILED", "step 'totals' raised ValueError: no weekday")
    assert opened.inputs["orders"].collect().height == 3
    with pytest.raises(StepError, match="no weekday"):
        opened.output()


def test_the_mended_step_of_a_failed_run_can_be_tried_on_its_input(project):
    project.run("t.orders")
    project.redefine(GOOD, LATE)
    failed = project.run("t.totals")
    project.deliver("b", "o4,mon,100")
    project.run("t.orders")
    project.redefine(LATE, GOOD)
    with pytest.warns(UserWarning, match="its definition has changed since"):
        opened = open_(project, failed.run_id, "totals")
    assert opened.output().collect().rows() == [("mon", 3), ("tue", 4)]


def test_a_changed_definition_and_changed_and_lost_files_are_said(project):
    project.deliver("b", "o4,wed,8")
    gone = project.deliver("c", "o5,thu,16")
    run = project.run("t.orders")
    project.redefine('pl.col("amount") >= least', 'pl.col("amount") > least')
    os.utime(project.folder / "data/raw/b.csv", (1_000_000_000, 1_000_000_000))
    gone.unlink()
    with pytest.warns(UserWarning, match="since") as told:
        opened = open_(project, run.run_id, "large")
    assert [str(one.message) for one in told] == [
        f"its definition has changed since (code: step 'large' has changed): {BY_NOW}",
        "changed since it was planned, read as they are now: b.csv",
        "gone since it was planned, left out: c.csv",
    ]
    assert sorted(opened.output().collect()["order_id"]) == ["o1", "o2", "o3", "o4"]


def test_a_run_is_found_in_the_lake_when_the_ledger_is_lost(project):
    run = project.run("t.orders")
    (project.folder / "data/ledger.db").unlink()
    opened = open_(project, run.run_id[:8], "large")
    assert (opened.run_id, opened.state) == (run.run_id, "SUCCESS")


def test_nothing_is_written(project):
    run = project.run("t.orders")
    before = sorted(str(path) for path in (project.folder / "data").rglob("*"))
    open_(project, run.run_id, "large").output().collect()
    assert sorted(str(path) for path in (project.folder / "data").rglob("*")) == before


def test_what_is_not_there_is_said_with_the_nearest(project):
    run = project.run("t.orders")
    with pytest.raises(SelectionError, match=r"t.orders has no source or step 'larg'; did you mean 'large'\?"):
        open_(project, run.run_id, "larg")
    with pytest.raises(SelectionError, match="no run begins with 'nope'"):
        open_(project, "nope", "large")
    with pytest.raises(ConfigurationError, match="sample=2: expected a fraction"):
        open_(project, run.run_id, "large", sample=2)


def test_a_run_that_had_nothing_to_read_is_refused(project):
    failed = project.run("t.totals")
    with pytest.raises(ConfigurationError, match=r"run f0 of t\.totals ended before anything was planned, .*t/orders"):
        open_(project, failed.run_id, "totals")


def test_a_run_whose_pipeline_is_gone_says_so(project):
    run = project.run("t.orders")
    project.redefine('Pipeline("t.orders"', 'Pipeline("t.order"')
    with pytest.raises(SelectionError, match=r"is of pipeline 't\.orders', which is not defined any more; did you"):
        open_(project, run.run_id, "large")
