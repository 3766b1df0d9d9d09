"""A past run once more, on what it read then: the same tables, or what differs."""

import contextlib
import os
from pathlib import Path

import pytest

from framework.errors import ConfigurationError, StorageError
from framework.run.replayed import REPLAY, replay_run
from tests.run.past_project import Project

SUM = 'pl.col("amount").sum()'
LATE = 'return orders.select("day", amount=pl.col("day").cast(pl.Int64))'
GOOD = f'return orders.group_by("day").agg({SUM}).sort("day")'


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "shop")
    made.deliver("a", "o1,mon,1", "o2,mon,2", "o3,tue,4", "bad,tue,-1")
    return made


@pytest.fixture
def history(project):
    """Two runs of each pipeline: the second ones are incremental."""
    runs = [project.run("t.orders"), project.run("t.totals")]
    project.deliver("b", "o2,mon,20", "o4,wed,8", "worse,wed,x")
    return [*runs, project.run("t.orders"), project.run("t.totals")]


def content(project: Project) -> dict[str, int]:
    files = (path for path in (project.folder / "data").rglob("*") if path.is_file())
    return {str(path): path.stat().st_mtime_ns for path in files if "ledger" not in path.name}


@pytest.mark.parametrize("number", range(4))
def test_every_run_of_a_history_comes_out_the_same_again_and_changes_nothing(project, history, number):
    before = content(project)
    done = replay_run(history[number].run_id, project.settings)
    assert (done.outcome, done.error, done.notes) == ("equal", "", ())
    assert {"t/orders", "t/totals"} & done.tables.keys()
    assert content(project) == before
    assert not list((project.folder / "data/lake").glob(f"{REPLAY}/*"))


def test_the_rows_of_the_quarantine_are_compared_too(project, history):
    done = replay_run(history[2].run_id, project.settings)
    assert {name: one.rows for name, one in done.tables.items()} == {"_quarantine/t.orders": 2, "t/orders": 4}


def test_a_run_is_replayed_as_it_was_though_much_has_come_since(project, history):
    project.deliver("c", "o9,mon,1000")
    project.run("t.orders")
    project.run("t.totals")
    assert replay_run(history[1].run_id, project.settings).outcome == "equal"
    assert replay_run(history[3].run_id, project.settings).outcome == "equal"


def test_what_another_definition_makes_of_the_same_input_is_told_by_key(project, history):
    project.redefine(SUM, f"{SUM} + 1")
    done = replay_run(history[1].run_id, project.settings)
    assert done.outcome == "differs"
    assert "its definition has changed since" in done.notes[0]
    found = done.tables["t/totals"]
    assert (found.changed, found.missing, found.extra, found.columns) == (2, 0, 0, {"amount": 2})
    assert found.examples[0] == {"key": {"day": "mon"}, "what": "changed", "columns": {"amount": [3, 4]}}


def test_rows_that_only_one_of_them_has_are_told(project, history):
    project.redefine('pl.col("amount") >= least', 'pl.col("amount") > 1')
    found = replay_run(history[0].run_id, project.settings).tables["t/orders"]
    assert (found.changed, found.missing, found.extra) == (0, 1, 0)
    assert found.examples == [{"key": {"order_id": "o1"}, "what": "missing"}]


def test_a_run_that_failed_fails_again_and_goes_through_once_it_is_mended(project):
    project.run("t.orders")
    project.redefine(GOOD, LATE)
    failed = project.run("t.totals")
    again = replay_run(failed.run_id, project.settings)
    assert again.outcome == "failed"
    assert "conversion" in again.error
    project.redefine(LATE, GOOD)
    assert replay_run(failed.run_id, project.settings).outcome == "nothing to compare with"


def test_a_run_whose_files_have_changed_is_refused(project, history):
    os.utime(project.folder / "data/raw/a.csv", (1_000_000_000, 1_000_000_000))
    with pytest.raises(ConfigurationError, match=r"cannot be replayed: a\.csv of what it read is not what it was"):
        replay_run(history[0].run_id, project.settings)


def test_a_run_whose_data_files_are_gone_is_refused_and_nothing_is_left(project, history):
    for file in (project.folder / "data/lake/t/orders").glob("*.parquet"):
        file.unlink()
    with pytest.raises(StorageError, match="cannot be copied"):
        replay_run(history[3].run_id, project.settings)
    assert not list((project.folder / "data/lake").glob(f"{REPLAY}/*"))


def test_the_tables_of_a_replay_are_kept_when_asked_for(project, history):
    done = replay_run(history[0].run_id, project.settings, keep=True)
    assert (Path(done.lake) / "t/orders/_delta_log").is_dir()


def test_rows_that_were_mended_and_judged_again_are_part_of_the_replay(project):
    from framework import mend_rows, quarantine, replay

    project.run("t.orders")
    [row] = quarantine("t.orders", project=project.folder)["id"]
    mend_rows("t.orders", {row: {"amount": "7"}}, project=project.folder)
    released = replay("t.orders", project=project.folder)
    assert released.sources["orders"].released == 1
    assert replay_run(released.run_id, project.settings).outcome == "equal"


def test_hooks_that_watch_are_not_told_of_a_replay(project):
    project.redefine(
        "orders = Pipeline(",
        """@hook("after_publish")
def tell(moment: PublishMoment) -> None:
    with open("told.txt", "a") as file:
        file.write(moment.key)

orders = Pipeline(""",
    )
    project.redefine("import LazyFrame,", "import LazyFrame, PublishMoment, hook,")
    project.redefine("steps=[large],", "steps=[large], hooks=[tell],")
    with contextlib.chdir(project.folder):
        run = project.run("t.orders")
        told = Path("told.txt").read_text()
        assert replay_run(run.run_id, project.settings).outcome == "equal"
        assert Path("told.txt").read_text() == told == "t.orders/1/after_publish/t/orders"
