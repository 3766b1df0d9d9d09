"""A stage that is finished is found again: after a failure, in later runs, by other projects; and what is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, csv_files, delta_table, run_time, step, table
from framework.core.events import listening
from framework.errors import SelectionError, StepError, StorageError
from framework.lake import StageStore, open_table
from framework.run.flow import run_in, run_plan
from framework.run.planning import fix_plan
from framework.run.position import find_position
from framework.run.request import RunRequest
from framework.run.stages import are_files_read, make_room, missing_stages, run_stage
from framework.run.workspace import Keep
from framework.storage import StorageLocation
from tests.run.quarantine_shop import Shop, accounts
from tests.run.stages.counting import counted, passed
from tests.run.stages.test_shared_work import EVENTS
from tests.run.stages.twins import states

if TYPE_CHECKING:
    from framework.core.plan import RunPlan

pytestmark = pytest.mark.drawn(2)


class Sale(pa.DataFrameModel):
    id: int = pa.Field(ge=0)
    amount: int


class Small(Sale):
    amount: int = pa.Field(lt=100)


@step(returns=Sale, checkpoint=True)
def slow(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    return counted(sales.with_columns(pl.col("amount") * 2), "slow")


@step(returns=Sale, checkpoint=True)
def slower(slow: LazyFrame[Sale]) -> pl.LazyFrame:
    return counted(slow.with_columns(pl.col("amount") + 1), "slower")


@step(returns=Small)
def strict(slower: LazyFrame[Sale]) -> pl.LazyFrame:
    return slower


@step(returns=Sale)
def lenient(slower: LazyFrame[Sale]) -> pl.LazyFrame:
    return slower


def pipeline(*steps, of="lenient") -> Pipeline:
    return Pipeline(
        "t.sales",
        sources={"sales": csv_files("sales/*.csv")},
        steps=steps or (slow, slower, lenient),
        outputs=[table("sales", of=of, mode="merge", key="id")],
    )


@pytest.fixture
def shop(tmp_path) -> Shop:
    passed.taken()
    made = Shop(tmp_path, pipeline())
    made.put("sales/a.csv", "id,amount\n1,1\n2,2\n3,60\nx,1\n-1,1\n")
    return made


def store(shop: Shop) -> StageStore:
    return StageStore(shop.space.kept)


def total(shop: Shop) -> int:
    handle = open_table(shop.space.lake, "sales")
    return handle.scan().select(pl.col("amount").sum()).collect().item() if handle else 0


def test_stages_before_a_failure_are_found_again_by_the_next_attempt(shop):
    with pytest.raises(StepError, match="must be < 100"):
        shop.run(pipeline=pipeline(slow, slower, strict, of="strict"))
    assert passed.taken() == {"slow": 3, "slower": 3}
    report = shop.run()
    assert passed.taken() == {}
    assert states(report) == {"slow": "reused", "slower": "reused"}
    assert accounts(report) == (5, 3, 2, 0, 0)
    assert len(shop.held()) == 2
    assert total(shop) == 129


def test_stage_that_is_whole_is_found_again_after_its_run_was_killed(shop, tmp_path):
    """The process dies once both stages are kept, before anything is staged."""
    code = "import tests.run.stages.test_found_again as t, sys, pathlib; t.run_once(pathlib.Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "SLUICE_FAULT": "stage.before:kill"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    report = shop.run()
    assert states(report) == {"slow": "reused", "slower": "reused"}
    assert passed.taken() == {}
    assert (accounts(report), total(shop)) == ((5, 3, 2, 0, 0), 129)


def run_once(root: Path) -> None:
    Shop(root, pipeline()).run()


def test_rebuild_over_the_same_input_computes_no_stage(shop):
    shop.run()
    passed.taken()
    report = shop.run(full=True)
    assert passed.taken() == {}
    assert states(report) == {"slow": "reused", "slower": "reused"}
    assert report.stages["slow"].rows == 3
    assert report.stages["slow"].age_s > 0
    assert total(shop) == 129


def test_change_of_a_step_computes_it_and_what_reads_it_and_nothing_before_it(shop):
    @step(returns=Sale, checkpoint=True)
    def slower(slow: LazyFrame[Sale]) -> pl.LazyFrame:
        return slow.with_columns(pl.col("amount") + 2)

    shop.run()
    assert states(shop.run(full=True, pipeline=pipeline(slow, slower, lenient))) == {
        "slow": "reused",
        "slower": "computed",
    }


class Wider(Sale):
    amount: int = pa.Field(lt=10**6)


@step(returns=Sale, checkpoint=True)
def slow_wider(sales: LazyFrame[Wider]) -> pl.LazyFrame:
    return sales.with_columns(pl.col("amount") * 2)


@step(returns=Sale)
def lenient_wider(slow_wider: LazyFrame[Sale]) -> pl.LazyFrame:
    return slow_wider


@pytest.mark.parametrize("change", ["file delivered again", "new file", "policy", "rule"])
def test_other_input_is_computed(shop, change):
    made = pipeline()
    shop.run()
    if change == "file delivered again":
        shop.put("sales/a.csv", "id,amount\n1,1\n2,2\n3,61\nx,1\n-1,1\n")
    if change == "new file":
        shop.put("sales/b.csv", "id,amount\n7,7\n")
    if change == "policy":
        sources = {"sales": csv_files("sales/*.csv", on_invalid="drop")}
        made = Pipeline("t.sales", sources=sources, steps=[slow, slower, lenient], outputs=made.outputs)
    if change == "rule":
        made = pipeline(slow_wider, lenient_wider, of="lenient_wider")
    assert set(states(shop.run(full=True, pipeline=made)).values()) == {"computed"}


def test_run_parameter_is_part_of_what_a_stage_is_found_by(shop):
    @step(returns=Sale, checkpoint=True)
    def slower(slow: LazyFrame[Sale], more: int = 1) -> pl.LazyFrame:
        return slow.with_columns(pl.col("amount") + more)

    made = pipeline(slow, slower, lenient)
    found = []
    for more in (1, 5, 1):
        report = run_in(made, shop.space, RunRequest(full=True, parameters={"more": more}))
        found.append((states(report), total(shop)))
    first, other = {"slow": "computed", "slower": "computed"}, {"slow": "reused", "slower": "computed"}
    assert found == [(first, 129), (other, 141), ({"slow": "reused", "slower": "reused"}, 129)]


def test_rows_of_a_sample_are_not_taken_for_all_rows(shop):
    run_in(shop.pipeline, shop.space, RunRequest(sample=0.5))
    assert set(states(shop.run(full=True)).values()) == {"computed"}


def test_step_that_asks_for_the_time_of_the_run_is_computed_in_each(shop):
    @step(returns=Sale, checkpoint=True)
    def slower(slow: LazyFrame[Sale]) -> pl.LazyFrame:
        return slow.with_columns(pl.col("amount") + pl.lit(run_time()).dt.year() * 0)

    made = pipeline(slow, slower, lenient)
    shop.run(pipeline=made)
    assert states(shop.run(full=True, pipeline=made)) == {"slow": "reused", "slower": "computed"}


def test_table_is_known_by_its_files_not_by_its_version(shop, tmp_path):
    @step(returns=Sale, checkpoint=True)
    def known(stored: LazyFrame[Sale]) -> pl.LazyFrame:
        return stored

    shop.run()
    reading = Pipeline(
        "t.known",
        sources={"stored": delta_table("sales", schema=Sale)},
        steps=[known],
        outputs=[table("known", of=known)],
    )
    assert states(shop.run(pipeline=reading)) == {"known": "computed"}
    assert states(shop.run(full=True, pipeline=reading)) == {"known": "reused"}
    shop.put("sales/b.csv", "id,amount\n7,7\n")
    shop.run()
    assert states(shop.run(pipeline=reading)) == {"known": "computed"}


def damaged(path: Path, how: str) -> None:
    if how == "gone":
        path.unlink()
    if how == "cut off":
        path.write_bytes(path.read_bytes()[:-20])
    if how == "other rows":
        pl.read_parquet(path).head(1).write_parquet(path)


@pytest.mark.parametrize("how", ["gone", "cut off", "other rows"])
def test_stage_whose_files_are_damaged_is_computed_again_with_a_warning(shop, how):
    shop.run()
    kept = next(stage for stage in store(shop).stages() if stage.stage == "slower")
    damaged(Path(store(shop).location.uri(kept.nodes["slower"][0].path)), how)
    said = []
    with listening(said.append):
        report = shop.run(full=True)
    assert states(report) == {"slow": "reused", "slower": "computed"}
    assert [event.level for event in said if event.name == "checkpoint.damaged"] == ["WARNING"]
    assert total(shop) == 129


def test_damage_that_shows_only_in_reading_fails_the_attempt_and_not_the_next(shop):
    shop.run()
    kept = next(stage for stage in store(shop).stages() if stage.stage == "slower")
    path = Path(store(shop).location.uri(kept.nodes["slower"][0].path))
    content = bytearray(path.read_bytes())
    content[4:60] = b"\xff" * 56
    path.write_bytes(content)
    with pytest.raises(StorageError, match="checkpoint 'slower' cannot be read"):
        shop.run(full=True)
    assert states(shop.run()) == {"slow": "reused", "slower": "computed"}
    assert total(shop) == 129


def test_file_without_a_record_is_proof_of_nothing(shop):
    shop.run()
    for stage in list(store(shop).stages()):
        store(shop).location.delete(f"{stage.address}/stage.json")
    assert set(states(shop.run(full=True)).values()) == {"computed"}


def test_record_that_cannot_be_read_is_replaced(shop):
    shop.run()
    for stage in list(store(shop).stages()):
        with store(shop).location.replace(f"{stage.address}/stage.json") as file:
            file.write(b'{"schema_version"')
    assert list(store(shop).stages()) == []
    assert set(states(shop.run(full=True)).values()) == {"computed"}
    assert set(states(shop.run(full=True)).values()) == {"reused"}
    assert total(shop) == 129


def test_files_that_a_kept_stage_has_read_are_not_read_apart_after_a_death(shop):
    plan = planned(shop)
    assert not are_files_read(shop.pipeline, plan, shop.space)
    run_stage(shop.pipeline, plan, shop.space, "slow")
    assert are_files_read(shop.pipeline, plan, shop.space)
    said = []
    with listening(said.append):
        report = run_plan(shop.pipeline, plan, shop.space, apart=True, is_resumed=True)
    assert states(report) == {"slow": "reused", "slower": "computed"}
    assert "apart" not in report.timings_s
    other = Shop(shop.raw.parent / "other", EVENTS)
    other.put("events/a.csv", "id,kind,amount\n1,a,1\n")
    assert not are_files_read(EVENTS, planned(other), other.space)


def test_storage_that_refuses_to_remove_does_not_fail_a_run_whose_tables_are_published(shop, monkeypatch):
    def refuse(_store: StageStore, _address: str) -> None:
        raise StorageError("the disk is read-only now")

    monkeypatch.setattr(StageStore, "remove", refuse)
    shop.space = replace(shop.space, keep=Keep(mb=0))
    said = []
    with listening(said.append):
        assert shop.run().state == "SUCCESS"
    assert [event.level for event in said if event.name == "checkpoint.crowded"] == ["WARNING"]
    assert total(shop) == 129


def test_checkpoints_are_passed_over_where_nothing_is_kept(shop):
    plain = replace(shop.space, keep=None)
    report = run_in(shop.pipeline, plain, RunRequest())
    assert (report.stages, list(store(shop).stages()), total(shop)) == ({}, [], 129)
    shop.run(full=True)
    passed.taken()
    run_in(shop.pipeline, plain, RunRequest(full=True))
    assert passed.taken() == {"slow": 3, "slower": 3}


def test_projects_that_share_a_cache_and_their_input_find_what_the_other_has_kept(shop, tmp_path):
    shared = StorageLocation(str(tmp_path / "cache"))
    shop.space = replace(shop.space, cache=shared)
    shop.run()
    other = Shop(tmp_path / "other", pipeline())
    other.space = replace(other.space, raw=shop.space.raw, cache=shared)
    report = other.run()
    assert states(report) == {"slow": "reused", "slower": "reused"}
    assert (accounts(report), total(other), len(other.held())) == ((5, 3, 2, 0, 0), 129, 2)
    third = shop.copy(tmp_path / "third")
    third.space = replace(third.space, cache=shared)
    assert set(states(third.run(full=True)).values()) == {"computed"}, "its files are others, whatever their names"


def test_what_is_older_than_the_limit_is_computed_again(shop):
    shop.run()
    shop.space = replace(shop.space, keep=Keep(days=1e-9))
    assert set(states(shop.run(full=True)).values()) == {"computed"}


def test_room_is_made_by_removing_what_was_used_longest_ago(shop):
    shop.run()
    shop.put("sales/b.csv", "id,amount\n7,7\n")
    shop.run()
    stages = {(stage.stage, stage.used_by[2]): stage for stage in store(shop).stages()}
    assert sorted(stages) == [("slow", 1), ("slow", 2), ("slower", 1), ("slower", 2)]
    sizes = sum(stage.size for stage in stages.values())
    assert make_room(replace(shop.space, keep=Keep(mb=1 + sizes // 2**20))) == []
    gone = make_room(replace(shop.space, keep=Keep(mb=0)))
    assert [(stage.stage, stage.used_by[2]) for stage in gone] == [
        ("slow", 1),
        ("slower", 1),
        ("slow", 2),
        ("slower", 2),
    ]
    assert list(store(shop).stages()) == []


def test_what_an_unfinished_plan_uses_is_not_removed(shop):
    with pytest.raises(StepError):
        shop.run(pipeline=pipeline(slow, slower, strict, of="strict"))
    assert make_room(replace(shop.space, keep=Keep(mb=0))) == []
    shop.run()
    assert len(make_room(replace(shop.space, keep=Keep(mb=0)))) == 2


def planned(shop: Shop) -> RunPlan:
    plan = fix_plan(shop.pipeline, shop.space, RunRequest(), find_position(shop.pipeline, shop.space))
    assert plan is not None
    return plan


def test_stages_of_a_plan_can_be_computed_apart_and_are_found_by_its_run(shop):
    plan = planned(shop)
    tasks = missing_stages(shop.pipeline, plan, shop.space)
    assert [(task.name, task.needs) for task in tasks] == [("slow", ()), ("slower", ("slow",))]
    assert [run_stage(shop.pipeline, plan, shop.space, task.name).state for task in tasks] == ["computed"] * 2
    assert missing_stages(shop.pipeline, plan, shop.space) == []
    assert run_stage(shop.pipeline, plan, shop.space, "slow").state == "reused"
    passed.taken()
    report = run_plan(shop.pipeline, plan, shop.space)
    assert passed.taken() == {}
    assert (states(report), accounts(report)) == ({"slow": "reused", "slower": "reused"}, (5, 3, 2, 0, 0))
    assert total(shop) == 129


def test_stage_that_is_asked_for_first_has_what_it_needs_computed_too(shop):
    plan = planned(shop)
    assert run_stage(shop.pipeline, plan, shop.space, "slower").state == "computed"
    assert missing_stages(shop.pipeline, plan, shop.space) == []


def test_stage_that_a_plan_does_not_have_is_refused_by_name(shop):
    with pytest.raises(SelectionError, match="has no stage 'slowe'; did you mean 'slower'"):
        run_stage(shop.pipeline, planned(shop), shop.space, "slowe")


def test_pipeline_without_checkpoints_has_no_stages_to_compute(shop):
    @step(returns=Sale)
    def only(sales: LazyFrame[Sale]) -> pl.LazyFrame:
        return sales

    shop.pipeline = pipeline(only, of="only")
    assert missing_stages(shop.pipeline, planned(shop), shop.space) == []


def test_of_two_that_compute_a_stage_the_first_record_holds_and_the_files_of_the_other_go(shop, monkeypatch):
    """The second one finishes its files, is overtaken before its record, and goes on with what the first has kept."""
    plan = planned(shop)
    finish = StageStore.finish
    overtaken = []

    def late(own: StageStore, stage):
        if not overtaken:
            overtaken.append(stage)
            run_stage(shop.pipeline, plan, shop.space, stage.stage)
        return finish(own, stage)

    monkeypatch.setattr(StageStore, "finish", late)
    report = run_plan(shop.pipeline, plan, shop.space)
    assert (accounts(report), total(shop)) == ((5, 3, 2, 0, 0), 129)
    folder = Path(store(shop).location.uri(overtaken[0].address))
    kept = {file.path for file in store(shop).find(overtaken[0].address).files}
    assert {str(path.relative_to(folder.parent)) for path in folder.rglob("*.parquet")} == kept


def test_what_a_dead_writer_left_behind_is_removed_after_a_day(shop):
    shop.run()
    left = store(shop).new_path("0" * 32, "slow")
    path = Path(store(shop).location.uri(left))
    pl.DataFrame({"a": [1]}).write_parquet(path)
    make_room(shop.space)
    assert path.exists()
    long_ago = path.stat().st_mtime - timedelta(days=2).total_seconds()
    os.utime(path, (long_ago, long_ago))
    make_room(shop.space)
    assert not path.parent.parent.exists()
    assert len(list(store(shop).stages())) == 2
