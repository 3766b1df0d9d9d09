"""A definition that is another than the published one: what is computed again, what is kept, and what is said."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table
from framework.core import faults
from framework.core.events import listening
from framework.errors import CompatibilityError
from framework.lake import PlanStore, open_table
from framework.run.fingerprints.definition import Definition
from framework.run.flow import run_in
from framework.run.news import find_news
from framework.run.position import find_position
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

pytestmark = pytest.mark.drawn(2)


class Sale(pa.DataFrameModel):
    id: int
    day: int
    amount: int


class Total(pa.DataFrameModel):
    day: int
    amount: int


SALES = Pipeline(
    "t.sales",
    sources={"sales": csv_files("*.csv", schema=Sale)},
    outputs=[table("t/sales", of="sales", mode="merge", key="id", partition_by="day")],
)


def totals_by(build, *, schema=Total, more=(), **output) -> Pipeline:
    """A pipeline of one step over the table of sales."""

    @step(returns=schema)
    def totals(sales: LazyFrame[Sale], least: int = 0) -> pl.LazyFrame:
        return build(sales, least)

    @step(returns=Sale)
    def others(sales: LazyFrame[Sale]) -> pl.LazyFrame:
        return sales.select("id", "day", "amount")

    options = {"of": totals, "mode": "replace_partitions", "partition_by": "day", "recompute_by": "day", **output}
    steps = [totals, others] if more else [totals]
    return Pipeline(
        "t.totals",
        sources={"sales": delta_table("t/sales")},
        steps=steps,
        outputs=[table("t/totals", **options), *(table(name, of=others) for name in more)],
    )


def sums(sales, least):
    return sales.filter(pl.col("amount") >= least).group_by("day").agg(pl.col("amount").sum())


def largest(sales, least):
    return sales.filter(pl.col("amount") >= least).group_by("day").agg(pl.col("amount").max())


@pytest.fixture
def space(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.csv").write_text("id,day,amount\n1,1,10\n2,1,20\n3,2,5\n")
    made = Workspace(StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / "lake")))
    run_in(SALES, made, RunRequest())
    return made


def deliver(space, text: str):
    Path(space.raw.uri("b.csv")).write_text(f"id,day,amount\n{text}\n")
    run_in(SALES, space, RunRequest())


def run(pipeline, space, **parameters):
    """Run a pipeline; gives its report and what was said."""
    told = []
    with listening(told.append):
        report = run_in(pipeline, space, RunRequest(parameters=parameters))
    return report, told


@pytest.fixture
def dying(monkeypatch):
    """Have runs within the block break at a point."""

    @contextmanager
    def at(point):
        monkeypatch.setattr(faults, "_hits", Counter())
        monkeypatch.setenv("SLUICE_FAULT", f"{point}:raise")
        with pytest.raises(OSError, match="fault injected"):
            yield
        monkeypatch.delenv("SLUICE_FAULT")

    return at


def rows(space, name="t/totals") -> list:
    return sorted(open_table(space.lake, name).scan().collect().select("day", "amount").rows())


def news_of(pipeline, space, **parameters):
    return find_news(pipeline, space, find_position(pipeline, space), RunRequest(parameters=parameters))


@pytest.mark.parametrize(
    "output", [{}, {"mode": "overwrite", "recompute_by": (), "partition_by": ()}], ids=["by", "all"]
)
def test_a_table_made_of_tables_is_computed_again_when_its_step_has_changed(space, output):
    run(totals_by(sums, **output), space)
    assert rows(space) == [(1, 30), (2, 5)]
    report, _ = run(totals_by(largest, **output), space)
    assert (report.state, report.mode, report.reason) == ("SUCCESS", "incremental", "code: step 'totals' has changed")
    assert rows(space) == [(1, 20), (2, 5)]
    assert run(totals_by(largest, **output), space)[0].state == "UNCHANGED"


def test_an_edit_that_changes_nothing_runs_nothing(space):
    run(totals_by(sums), space)

    def same(given, threshold):
        """Sum up by day."""
        kept = given.filter(pl.col("amount") >= threshold)
        return kept.group_by("day").agg(pl.col("amount").sum())

    assert run(totals_by(same), space)[0].state == "UNCHANGED"


def test_changed_code_and_new_input_are_one_run_over_all_of_the_table(space):
    run(totals_by(sums), space)
    deliver(space, "4,3,7")
    report, _ = run(totals_by(largest), space)
    assert report.reason == "code: step 'totals' has changed; sales: t/sales is at version 2, was 1"
    assert rows(space) == [(1, 20), (2, 5), (3, 7)]


def test_a_changed_parameter_computes_again_and_says_from_what_to_what(space):
    run(totals_by(sums), space)
    report, _ = run(totals_by(sums), space, least="10")
    assert report.reason == "parameter: least: 0 -> 10"
    assert rows(space) == [(1, 30)]
    assert run(totals_by(sums), space)[0].reason == "parameter: least: 10 -> 0"
    assert rows(space) == [(1, 30), (2, 5)]


def test_a_parameter_that_makes_no_difference_runs_nothing(space):
    def all_sums(sales, _least):
        return sales.group_by("day").agg(pl.col("amount").sum())

    run(totals_by(all_sums), space)
    assert run(totals_by(all_sums), space, least="10")[0].state == "UNCHANGED"


def test_changed_code_and_parameter_are_both_said(space):
    run(totals_by(sums), space)
    report, _ = run(totals_by(largest), space, least="10")
    assert report.reason == "code: step 'totals' has changed; parameter: least: 0 -> 10"


class Counted(Total):
    number: int


def counted(sales, _least):
    return sales.group_by("day").agg(pl.col("amount").sum(), number=pl.len().cast(pl.Int64))


def test_a_changed_schema_computes_again_and_names_the_columns(space):
    run(totals_by(sums), space)
    report, _ = run(totals_by(counted, schema=Counted), space)
    assert report.reason == "schema: step 'totals': number is new; code: step 'totals' has changed"
    assert open_table(space.lake, "t/totals").scan().collect()["number"].sort().to_list() == [1, 2]


def test_a_changed_schema_that_readers_do_not_stand_is_refused_before_anything_moves(space):
    run(totals_by(counted, schema=Counted, compatibility="full"), space)
    with pytest.raises(CompatibilityError, match="number"):
        run(totals_by(sums, compatibility="full"), space)
    assert open_table(space.lake, "t/totals").version == 1


def test_changed_options_of_a_table_compute_it_again(space):
    run(totals_by(sums), space)
    report, _ = run(totals_by(sums, mode="merge", key="day"), space)
    assert report.reason == "output: table 't/totals' has other options"
    assert rows(space) == [(1, 30), (2, 5)]


def test_a_table_that_the_change_does_not_concern_stays_as_it_is(space):
    run(totals_by(sums, more=["t/others"]), space)
    before = open_table(space.lake, "t/others")
    report, _ = run(totals_by(largest, more=["t/others"]), space)
    after = open_table(space.lake, "t/others")
    assert rows(space) == [(1, 20), (2, 5)]
    assert [file.path for file in after.files()] == [file.path for file in before.files()]
    assert (report.outputs["t/others"].rows_added, report.outputs["t/totals"].rows_added) == (0, 2)
    assert run(totals_by(largest, more=["t/others"]), space)[0].state == "UNCHANGED"
    deliver(space, "4,3,7")
    run(totals_by(largest, more=["t/others"]), space)
    assert len(rows(space, "t/others")) == 4


def test_a_run_for_changed_code_that_dies_between_two_tables_is_finished_as_it_was_begun(space, dying):
    run(totals_by(sums, more=["t/others"]), space)

    with dying("publish.between"):
        run(totals_by(largest, more=["t/others"]), space)
    report, told = run(totals_by(largest, more=["t/others"]), space)
    assert "run.resumed" in {event.name for event in told}
    assert (report.seq, rows(space), len(rows(space, "t/others"))) == (2, [(1, 20), (2, 5)], 3)
    assert run(totals_by(largest, more=["t/others"]), space)[0].state == "UNCHANGED"


def test_code_that_changes_while_a_run_is_unfinished_is_noticed_after_it(space, dying):
    run(totals_by(sums), space)
    deliver(space, "4,3,7")

    with dying("stage.before"):
        run(totals_by(sums), space)
    report, _ = run(totals_by(largest), space)
    assert rows(space) == [(1, 20), (2, 5), (3, 7)]
    assert report.seq == 3


def kept(build) -> Pipeline:
    @step(returns=Sale)
    def valued(sales: LazyFrame[Sale]) -> pl.LazyFrame:
        return build(sales)

    return Pipeline(
        "t.valued",
        sources={"sales": csv_files("*.csv", schema=Sale)},
        steps=[valued],
        outputs=[table("t/valued", of=valued, mode="merge", key="id")],
    )


def doubled(sales):
    return sales.with_columns(pl.col("amount") * 2)


def test_rows_that_come_from_files_keep_the_old_logic_and_the_run_says_so(space):
    run(kept(lambda sales: sales), space)
    assert run(kept(doubled), space)[0].state == "UNCHANGED"
    Path(space.raw.uri("b.csv")).write_text("id,day,amount\n4,3,7\n")
    report, told = run(kept(doubled), space)
    assert report.reason == "sales: 1 new file"
    assert sorted(rows(space, "t/valued")) == [(1, 10), (1, 20), (2, 5), (3, 14)]
    (warned,) = [event.message for event in told if event.name == "definition.changed"]
    assert warned == (
        "t/valued: code: step 'valued' has changed. Rows published before keep the old logic;"
        " --full computes them again"
    )
    run_in(kept(doubled), space, RunRequest(full=True))
    assert sorted(rows(space, "t/valued")) == [(1, 20), (1, 40), (2, 10), (3, 14)]


def test_a_rebuild_that_was_asked_for_does_not_speak_of_old_logic(space):
    run(kept(lambda sales: sales), space)
    told = []
    with listening(told.append):
        run_in(kept(doubled), space, RunRequest(full=True))
    assert "definition.changed" not in {event.name for event in told}


def recorded(space, pipeline="t.totals") -> list[Path]:
    return sorted(Path(space.lake.uri(f"_sluice/{pipeline}/definitions")).iterdir())


def test_the_definition_of_every_run_is_on_record(space):
    run(totals_by(sums), space)
    run(totals_by(largest), space)
    store = PlanStore(space.lake, "t.totals")
    found = [Definition.from_json(store.definition(store.plan(seq).fingerprint)) for seq in (1, 2)]
    assert len(recorded(space)) == 2
    assert [one.nodes["totals"].plan[1] for one in found] == ['  col("amount").sum()', '  col("amount").max()']
    assert found[0].nodes["sales"] == found[1].nodes["sales"]
    assert [Definition.from_json(one.to_json()) for one in found] == found


@pytest.mark.parametrize("key", ["polars", "python", "sluice", "fingerprints"])
def test_a_definition_of_other_versions_is_not_compared_and_nothing_is_computed_again(space, key):
    run(totals_by(sums), space)
    (path,) = recorded(space)
    document = json.loads(path.read_text())
    document["made_with"][key] = "0.1"
    path.write_text(json.dumps(document))
    news = news_of(totals_by(largest), space)
    assert news.is_empty
    assert news.changes.unknown.startswith(f"it was published with {key} 0.1, now ")
    deliver(space, "4,3,7")
    run(totals_by(largest), space)
    assert news_of(totals_by(largest), space).changes.unknown == ""
    assert news_of(totals_by(sums), space).reasons == ["code: step 'totals' has changed"]


def test_a_lake_of_an_earlier_version_of_sluice_is_not_compared(space):
    run(totals_by(sums), space)
    (path,) = recorded(space)
    path.unlink()
    news = news_of(totals_by(largest), space)
    assert news.is_empty
    assert news.changes.unknown.startswith("it was published by an earlier version of Sluice")
    assert news_of(totals_by(sums), space).changes.unknown == ""


def test_a_plan_of_an_earlier_version_can_be_read(space):
    run(totals_by(sums), space)
    path = Path(space.lake.uri("_sluice/t.totals/plans/00000001.json"))
    document = json.loads(path.read_text())
    plan = PlanStore(space.lake, "t.totals").plan(1)
    path.write_text(json.dumps({name: value for name, value in document.items() if name not in {"rebuilt", "kept"}}))
    assert PlanStore(space.lake, "t.totals").plan(1) == replace(plan, rebuilt=[], kept=[])
