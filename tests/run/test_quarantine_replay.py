"""Quarantined rows are mended, judged again by the current code and land exactly once."""

import json
from dataclasses import replace
from importlib import import_module

import pandera.polars as pa
import pytest

from framework import Pipeline, csv_files, json_files, table
from framework.core.events import listening
from framework.core.faults import POINTS
from framework.core.typed import DataFrameModel
from framework.errors import ConfigurationError, SelectionError
from framework.lake.quarantine import Selection
from framework.run.flow import run_plan
from framework.run.planning import find_position, fix_plan
from framework.run.replay import discard, queue
from framework.run.request import RunRequest
from tests.run.quarantine_shop import SALES, Sale, Shop, sales_pipeline


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Two shops, built once and copied: one that knows its products, one that has refused sales."""
    known = Shop(tmp_path_factory.mktemp("known"))
    known.know("apple", "pear")
    held = known.copy(tmp_path_factory.mktemp("held"))
    held.deliver("a", "1,apple,1,", "2,apple,0,", "3,pear,x,secret", "4,plum,4,")
    held.run()
    return known, held


@pytest.fixture
def shop(built, tmp_path):
    return built[0].copy(tmp_path)


@pytest.fixture
def refused(built, tmp_path):
    """A shop with one good sale, one of quantity 0, one that is no number, and one of an unknown product."""
    return built[1].copy(tmp_path)


def accounts(report) -> tuple[int, ...]:
    sales = report.sources["sales"]
    assert sales.rows_in == sales.accepted + sales.quarantined + sum(sales.dropped.values())
    return sales.rows_in, sales.accepted, sales.quarantined, sales.released, sales.refused_again


def test_rows_are_filed_by_what_stopped_them(refused):
    refused.deliver("b", "5,apple,1,a,b,c", "6,pear", "7,apple,0,")
    refused.put("sales/c.csv", "other,columns\n1,2\n")
    refused.run()
    found = [(r["file"], r["line"], r["failure"]) for r in refused.held()]
    assert found == [
        ("sales/a.csv", 3, "rule"),
        ("sales/a.csv", 4, "cast"),
        ("sales/a.csv", 5, "reference"),
        ("sales/b.csv", 2, "parse"),
        ("sales/b.csv", 3, "rule"),
        ("sales/b.csv", 4, "rule"),
        ("sales/c.csv", None, "file"),
    ]


def test_a_mended_row_lands_and_its_trail_says_so(refused):
    assert refused.mend(3, quantity="2").changed == 1
    assert refused.states() == [("sales/a.csv", 3, "mended"), ("sales/a.csv", 4, "open"), ("sales/a.csv", 5, "waiting")]
    report = refused.replay(states=("mended",))
    assert accounts(report) == (0, 0, 0, 1, 0 + 1)  # the row that waits was judged again as well
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2)]
    row = refused.held(ids=(refused.id_of(3),))[0]
    assert (row["state"], row["attempts"], json.loads(row["raw"])["quantity"]) == ("released", 1, "0")
    assert json.loads(row["mended"])["quantity"] == "2"
    trail = [json.loads(entry) for entry in row["trail"]]
    assert [(e["did"], e["by"]) for e in trail] == [
        ("mended", "ann"),
        ("queued", "ann"),
        ("released", f"run {report.run_id}"),
    ]
    assert trail[0]["set"] == {"quantity": "2"}
    assert row["changed_by"] == f"run {report.run_id}"


def test_a_row_that_is_still_wrong_is_open_again_with_its_new_reasons(refused):
    refused.mend(3, quantity="5000")
    report = refused.replay(states=("mended",))
    row = refused.held(ids=(refused.id_of(3),))[0]
    assert (row["state"], row["attempts"], row["failure"]) == ("open", 1, "rule")
    assert row["reasons"] == ["quantity: must be < 1000"]
    assert json.loads(row["raw"])["quantity"] == "0"
    assert json.loads(row["trail"][-1])["did"] == "refused"
    assert json.loads(row["trail"][-1])["reasons"] == ["quantity: must be < 1000"]
    assert report.sources["sales"].refused_again == 2
    refused.mend(3, quantity="5")
    refused.replay()
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 5)]
    assert [r["state"] for r in refused.held()] == ["released", "open", "waiting"]


def test_what_a_row_is_refused_for_again_can_be_another_kind_of_failure(refused):
    refused.mend(3, quantity="many", product="plum")
    refused.replay(states=("mended",))
    row = refused.held(ids=(refused.id_of(3),))[0]
    assert (row["state"], row["failure"], row["reasons"]) == ("open", "cast", ["quantity: must be a whole number"])
    refused.mend(3, quantity="7")
    refused.replay(states=("mended",))
    row = refused.held(ids=(refused.id_of(3),))[0]
    assert (row["state"], row["failure"]) == ("waiting", "reference")
    refused.know("plum")
    refused.run()
    assert refused.table() == [("1", "apple", 1), ("2", "plum", 7), ("4", "plum", 4)]


def test_a_replay_without_mending_judges_by_the_code_as_it_is_now(refused):
    class Lenient(Sale):
        quantity: int = pa.Field(ge=0)

    refused.pipeline = sales_pipeline(schema=Lenient)
    report = refused.replay()
    assert accounts(report) == (0, 0, 0, 1, 2)
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 0)]


def test_a_replay_that_is_repeated_lands_once(built, tmp_path):
    shop = built[0].copy(tmp_path, sales_pipeline("append"))
    shop.deliver("a", "1,apple,1,", "2,apple,0,")
    shop.run()
    shop.mend(3, quantity="2")
    assert shop.queue().rows == 1
    assert shop.queue() == replace(shop.queue(), rows=0, already=1)
    shop.run()
    assert shop.run().state == "UNCHANGED"
    with pytest.raises(SelectionError, match=r"no row of t\.sales's quarantine is meant"):
        shop.queue()
    assert shop.table() == [("1", "apple", 1), ("2", "apple", 2)]


def test_queued_rows_and_new_files_are_taken_in_together(refused):
    refused.mend(3, quantity="2")
    refused.queue()
    refused.deliver("b", "8,pear,8,", "9,pear,0,")
    assert accounts(refused.run()) == (2, 1, 1, 1, 2)
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2), ("8", "pear", 8)]
    assert refused.states() == [
        ("sales/a.csv", 3, "released"),
        ("sales/a.csv", 4, "open"),
        ("sales/a.csv", 5, "waiting"),
        ("sales/b.csv", 3, "open"),
    ]


def test_an_old_row_that_was_mended_stays_behind_a_newer_delivery_of_its_key(refused):
    refused.deliver("b", "2,pear,20,")
    refused.run()
    refused.mend(3, quantity="2")
    report = refused.replay(states=("mended",))
    assert refused.table() == [("1", "apple", 1), ("2", "pear", 20)]
    assert report.sources["sales"].released == 0
    assert report.sources["sales"].dropped == {"superseded": 1}
    assert refused.held(ids=(refused.id_of(3),))[0]["state"] == "released"


def test_a_mended_row_stays_behind_a_later_line_of_its_own_file(shop):
    shop.deliver("a", "1,apple,0,", "1,apple,5,")
    shop.run()
    shop.mend(2, quantity="7")
    shop.replay()
    assert shop.table() == [("1", "apple", 5)]


def test_a_typo_in_a_reference_is_mended_while_the_row_waits(refused):
    refused.mend(5, product="apple")
    refused.replay(states=("mended",))
    assert refused.table() == [("1", "apple", 1), ("4", "apple", 4)]


def test_a_line_that_could_not_be_split_stays_malformed_until_it_is_mended(shop):
    shop.deliver("a", "1,apple,1,", "2,apple,0,n,surplus")
    shop.run()
    before = shop.held()[0]["reasons"]
    shop.replay()
    assert shop.held()[0]["reasons"] == before
    assert (shop.held()[0]["state"], shop.held()[0]["failure"]) == ("open", "parse")
    shop.mend(3, quantity="2", id="2", product="apple")
    shop.replay()
    assert shop.table() == [("1", "apple", 1), ("2", "apple", 2)]


def test_a_mended_row_is_superseded_when_its_file_is_delivered_again(refused):
    refused.mend(3, quantity="2")
    refused.deliver("a", "1,apple,1,", "2,apple,3,")
    refused.run()
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 3)]
    assert {state for _, _, state in refused.states()} == {"superseded"}
    with pytest.raises(SelectionError):
        refused.queue()


def test_a_queued_row_is_superseded_when_its_file_was_delivered_again_before_the_run(refused):
    refused.mend(3, quantity="2")
    refused.queue()
    refused.deliver("a", "1,apple,1,", "2,apple,0,")
    refused.run()
    assert refused.table() == [("1", "apple", 1)]
    assert [state for _, line, state in refused.states() if line == 3] == ["open", "superseded"]


# Rebuilds


def test_a_rebuild_keeps_what_was_mended(refused):
    refused.mend(3, quantity="2")
    refused.replay(states=("mended",))
    before = refused.table()
    report = refused.run(full=True)
    assert refused.table() == before
    assert accounts(report) == (3, 1, 2, 1, 0)
    assert refused.states() == [
        ("sales/a.csv", 3, "released"),
        ("sales/a.csv", 4, "open"),
        ("sales/a.csv", 5, "waiting"),
    ]


def test_a_rebuild_takes_up_what_is_queued_and_leaves_what_is_mended_only(refused):
    refused.mend(3, quantity="2")
    refused.queue(states=("mended",))
    refused.mend(4, quantity="3")
    refused.run(full=True)
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2)]
    assert refused.states() == [
        ("sales/a.csv", 3, "released"),
        ("sales/a.csv", 4, "mended"),
        ("sales/a.csv", 5, "waiting"),
    ]
    refused.replay(states=("mended",))
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2), ("3", "pear", 3)]


def test_a_rebuild_by_stricter_code_puts_a_mended_row_back(refused):
    class Strict(Sale):
        quantity: int = pa.Field(gt=0, lt=2)

    refused.mend(3, quantity="2")
    refused.replay(states=("mended",))
    refused.pipeline = sales_pipeline(schema=Strict)
    refused.run(full=True)
    assert refused.table() == [("1", "apple", 1)]
    row = refused.held(ids=(refused.id_of(3),))[0]
    assert (row["state"], row["reasons"], row["attempts"]) == ("open", ["quantity: must be < 2"], 2)
    assert json.loads(row["raw"])["quantity"] == "0"
    assert json.loads(row["mended"])["quantity"] == "2"


def test_a_rebuild_forgets_what_was_mended_of_a_file_that_has_changed(refused):
    refused.mend(3, quantity="2")
    refused.replay(states=("mended",))
    hour = refused.hour
    refused.deliver("a", "1,apple,1,", "2,apple,30,", "5,pear,5,", hour=hour)  # another content of the same time
    refused.run(full=True)
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 30), ("5", "pear", 5)]
    assert {state for _, _, state in refused.states()} == {"superseded"}
    refused.run(full=True)
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 30), ("5", "pear", 5)]


def test_a_discarded_row_is_left_out_of_rebuilds_and_counted(refused):
    class Lenient(Sale):
        quantity: int = pa.Field(ge=0)

    assert discard(refused.desk(), Selection(ids=(refused.id_of(3),)), by="ann") == 1
    refused.pipeline = sales_pipeline(schema=Lenient)
    report = refused.run(full=True)
    assert refused.table() == [("1", "apple", 1)]
    assert report.sources["sales"].dropped == {"discarded": 1}
    assert accounts(report) == (4, 1, 2, 0, 0)
    assert refused.states()[0] == ("sales/a.csv", 3, "discarded")
    refused.replay(states=("discarded",))
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 0)]


def test_a_row_that_nobody_touched_is_replaced_by_a_rebuild(refused):
    before = refused.held()
    refused.run(full=True)
    after = refused.held()
    assert [r["id"] for r in after] == [r["id"] for r in before]
    assert {r["seq"] for r in after} == {2}


def test_a_mended_row_that_a_rebuild_accepts_as_it_was_read_is_superseded(refused):
    class Lenient(Sale):
        quantity: int = pa.Field(ge=0)

    refused.mend(3, quantity="2")
    refused.pipeline = sales_pipeline(schema=Lenient)
    refused.run(full=True)
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 0)]
    assert refused.states()[0] == ("sales/a.csv", 3, "superseded")


# While a run is at work


def planned(shop):
    return fix_plan(shop.pipeline, shop.space, RunRequest(), find_position(shop.pipeline, shop.space))


def test_a_row_is_not_mended_while_a_run_judges_it(refused):
    refused.mend(3, quantity="2")
    refused.queue(states=("mended",))
    planned(refused)
    row = refused.id_of(3)
    with pytest.raises(ConfigurationError) as caught:
        refused.mend(3, quantity="3")
    assert str(caught.value) == (
        f"1 problem in t.sales; nothing was changed:\n"
        f"  - row {row}: it is being judged again by sequence 2, which is not finished; try again after it"
    )
    with pytest.raises(ConfigurationError, match="sequence 2, which is not finished"):
        discard(refused.desk(), Selection(ids=(row,)), by="bob")
    refused.mend(4, quantity="4")  # not part of it
    refused.run()
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2)]
    assert refused.states()[1] == ("sales/a.csv", 4, "mended")


def test_a_mend_between_plan_and_commit_survives_a_run_that_does_not_judge_the_row(refused, monkeypatch):
    refused.deliver("b", "8,pear,8,", "9,pear,0,")
    between(monkeypatch, "commit.before", lambda: refused.mend(3, quantity="2"))
    refused.run()
    assert refused.table() == [("1", "apple", 1), ("8", "pear", 8)]
    assert ("sales/a.csv", 3, "mended") in refused.states()
    assert ("sales/b.csv", 3, "open") in refused.states()


def between(monkeypatch, point: str, act) -> None:
    """Do something at the first passage of a named point."""
    assert point in POINTS
    todo = [act]

    def passing(at: str) -> None:
        if at == point and todo:
            todo.pop()()

    publish = import_module("framework.lake.publish")  # the package has a function by that name
    monkeypatch.setattr(publish, "fault", passing)


def overtake(shop, monkeypatch, **cells):
    """Change the waiting row after the plan was fixed, as somebody would who looked a moment before."""
    monkeypatch.setattr("framework.run.mending.require_not_in_flight", lambda *_: None)
    between(monkeypatch, "commit.before", lambda: shop.mend(5, **cells))


def test_a_row_that_was_changed_too_late_is_released_as_it_was_judged(refused, monkeypatch):

    refused.know("plum")
    overtake(refused, monkeypatch, quantity="40")
    told = []
    with listening(told.append):
        refused.run()
    assert refused.table() == [("1", "apple", 1), ("4", "plum", 4)]
    row = refused.held(ids=(refused.id_of(5),))[0]
    assert (row["state"], row["mended"]) == ("released", None)
    assert [json.loads(entry)["did"] for entry in row["trail"]] == ["mended", "released"]
    assert json.loads(row["trail"][0])["set"] == {"quantity": "40"}
    words = [event.message for event in told if event.name == "quarantine.overtaken"]
    assert words == [
        f"1 row changed while this run judged what was there before, released as judged: {row['id']} by ann"
    ]
    refused.run(full=True)
    assert refused.table() == [("1", "apple", 1), ("4", "plum", 4)]


def test_a_row_that_was_changed_while_it_was_refused_again_keeps_the_change(refused, monkeypatch):
    refused.mend(3, quantity="2")
    refused.queue(states=("mended",))
    overtake(refused, monkeypatch, product="pear")
    refused.run()
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2)]
    assert refused.states() == [
        ("sales/a.csv", 3, "released"),
        ("sales/a.csv", 4, "open"),
        ("sales/a.csv", 5, "mended"),
    ]
    refused.replay(states=("mended",))
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2), ("4", "pear", 4)]


def test_a_row_that_was_mended_and_queued_again_meanwhile_is_not_judged_twice(refused, monkeypatch):
    refused.mend(3, quantity="2")
    refused.queue(states=("mended",))

    def again():
        refused.mend(3, quantity="20", by="bob")
        refused.queue(states=("mended",), by="bob")

    for module in ("mending", "replay"):
        monkeypatch.setattr(f"framework.run.{module}.require_not_in_flight", lambda *_: None)
    between(monkeypatch, "commit.before", again)
    refused.run()
    row = refused.held(ids=(refused.id_of(3),))[0]
    assert (row["state"], json.loads(row["mended"])["quantity"]) == ("released", "2")
    assert [json.loads(entry)["by"] for entry in row["trail"]][2:4] == ["bob", "bob"]
    assert refused.run().state == "UNCHANGED"
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2)]


def test_a_plan_of_earlier_is_carried_out_as_it_was_fixed(refused):
    """A plan was fixed before the rows were queued: it does not take them, the sequence after it does."""
    refused.deliver("b", "8,pear,8,")
    plan = planned(refused)
    refused.mend(3, quantity="2")
    refused.queue(states=("mended",))
    run_plan(refused.pipeline, plan, refused.space)
    assert refused.table() == [("1", "apple", 1), ("8", "pear", 8)]
    refused.run()
    assert refused.table() == [("1", "apple", 1), ("2", "apple", 2), ("8", "pear", 8)]


# Files


def test_a_file_that_was_refused_is_read_again(shop):
    shop.put("sales/a.csv", "id,product,note\n1,apple,\n")
    shop.deliver("b", "2,pear,2,")
    shop.run()

    class Loose(DataFrameModel):
        id: str
        product: str
        quantity: int = pa.Field(nullable=True)
        note: str = pa.Field(nullable=True)

        class Config:
            add_missing_columns = True

    assert shop.held()[0]["failure"] == "file"
    shop.replay()
    assert (shop.held()[0]["state"], shop.held()[0]["attempts"]) == ("open", 1)
    shop.pipeline = sales_pipeline(schema=Loose)
    report = shop.replay()
    assert shop.table() == [("1", "apple", None), ("2", "pear", 2)]
    assert (report.sources["sales"].files, report.sources["sales"].rows_in) == (1, 1)
    assert shop.states() == [("sales/a.csv", 0, "released")]
    assert shop.run().state == "UNCHANGED"


def test_a_refused_file_that_is_gone_is_not_queued(shop):
    shop.put("sales/a.csv", "nothing\n1\n")
    shop.deliver("b", "2,pear,2,")
    shop.run()
    (shop.raw / "sales/a.csv").unlink()
    row = shop.held()[0]["id"]
    with pytest.raises(ConfigurationError) as caught:
        shop.queue()
    assert str(caught.value) == (
        "1 problem with a replay of t.sales; nothing was changed:\n"
        f"  - row {row}: file sales/a.csv is gone; deliver it again"
    )


def test_a_refused_file_that_goes_after_it_was_queued_is_open_again(shop):
    shop.put("sales/a.csv", "nothing\n1\n")
    shop.deliver("b", "2,pear,2,")
    shop.run()
    shop.queue()
    (shop.raw / "sales/a.csv").unlink()
    shop.run()
    assert shop.held()[0]["state"] == "open"
    assert shop.held()[0]["reasons"] == ["file: the file is gone since the run was planned"]
    assert shop.run().state == "UNCHANGED"


def test_a_refused_file_that_has_changed_needs_no_replay(shop):
    shop.put("sales/a.csv", "nothing\n1\n")
    shop.deliver("b", "2,pear,2,")
    shop.run()
    shop.deliver("a", "1,apple,1,")
    with pytest.raises(ConfigurationError, match="has changed since; the next run reads it without being told"):
        shop.queue()
    shop.run()
    assert shop.states() == [("sales/a.csv", 0, "superseded")]
    assert shop.table() == [("1", "apple", 1), ("2", "pear", 2)]


# What stands against a replay


def test_everything_that_stands_against_a_replay_is_said_at_once(refused):
    refused.put("sales/b.csv", "nothing\n1\n")
    refused.run()
    (refused.raw / "sales/b.csv").unlink()

    class Other(DataFrameModel):
        name: str

    rows = {(r["line"]): r["id"] for r in refused.held()}
    refused.pipeline = Pipeline(
        "t.sales",
        sources={"sales": csv_files("sales/*.csv", schema=Other)},
        outputs=[table("sales", of="sales", mode="append")],
    )
    with pytest.raises(ConfigurationError) as caught:
        refused.queue()
    assert str(caught.value) == (
        "2 problems with a replay of t.sales; nothing was changed:\n"
        f"  - row {rows[3]} has id, product, quantity, note, of which Other knows no column; mend it under today's"
        " names\n"
        f"  - row {rows[None]}: file sales/b.csv is gone; deliver it again"
    )
    refused.pipeline = Pipeline(
        "t.sales",
        sources={"sold": csv_files("sales/*.csv", schema=Sale)},
        outputs=[table("sales", of="sold", mode="append")],
    )
    with pytest.raises(ConfigurationError) as caught:
        refused.queue()
    assert str(caught.value) == (
        "1 problem with a replay of t.sales; nothing was changed:\n"
        "  - source 'sales' (3 rows) is no longer a source of t.sales; known: sold; narrow with --source"
    )


def test_rows_of_a_pipeline_that_is_gone_cannot_be_replayed(refused):

    with pytest.raises(ConfigurationError) as caught:
        queue(replace(refused.desk(), pipeline=None), Selection(), by="ann")
    assert str(caught.value) == (
        "pipeline t.sales is not defined any more, so nothing can judge its rows; they can be listed, exported and"
        " discarded"
    )


def test_rows_that_would_replace_a_table_are_not_replayed(refused):
    refused.pipeline = sales_pipeline("overwrite")
    with pytest.raises(ConfigurationError) as caught:
        refused.queue()
    assert str(caught.value) == (
        "1 problem with a replay of t.sales; nothing was changed:\n"
        "  - source 'sales' (2 rows) feeds table 'sales', whose mode='overwrite' would replace its rows by these alone;"
        " deliver the file again with its lines corrected"
    )


@pytest.mark.parametrize("touched", [True, False])
def test_rows_of_a_source_that_is_gone_stay_where_they_are(refused, touched):
    class Note(DataFrameModel):
        text: str

    if touched:
        refused.mend(3, quantity="2")
        refused.queue(states=("mended",))
    before = refused.held()
    refused.pipeline = Pipeline(
        "t.sales",
        sources={"notes": csv_files("notes/*.csv", schema=Note)},
        outputs=[table("notes", of="notes", mode="append")],
    )
    refused.put("notes/a.csv", "text\nhello\n")
    refused.run()
    refused.run(full=True)
    assert refused.held() == before


def test_columns_that_are_no_longer_known_are_named(refused):
    class Short(DataFrameModel):
        id: str
        product: str

    refused.pipeline = sales_pipeline(schema=Short)
    assert refused.queue().left_out == ("note", "quantity")


@pytest.mark.parametrize("policy", ["drop", "fail"])
def test_a_row_refused_again_stays_in_quarantine_whatever_becomes_of_new_rows(refused, policy):
    refused.pipeline = sales_pipeline(on_invalid=policy)
    refused.replay(states=("open",))
    assert [row["state"] for row in refused.held()] == ["open", "open", "waiting"]
    assert [row["attempts"] for row in refused.held()] == [1, 1, 1]


def test_rows_whose_shape_the_schema_no_longer_has_are_malformed_and_the_run_goes_on(tmp_path):

    class Tagged(DataFrameModel):
        id: int = pa.Field(gt=0)
        tags: str = pa.Field(nullable=True)

    class Listed(DataFrameModel):
        id: int = pa.Field(ge=0)
        tags: list[str] = pa.Field(nullable=True)

    def pipeline(schema):
        sources = {"sales": json_files("sales/*.json", schema=schema)}
        return Pipeline("t.sales", sources=sources, outputs=[table("sales", of="sales", mode="append")])

    shop = Shop(tmp_path, pipeline(Listed))
    shop.put("sales/a.json", '[{"id": -1, "tags": ["a", "b"]}, {"id": -1, "tags": null}]')
    shop.run()
    shop.pipeline = pipeline(Tagged)
    shop.replay()
    assert [row["reasons"] for row in shop.held()] == [["id: must be > 0"], ["id: must be > 0"]]


def test_an_orphan_rebuild_in_the_same_run_keeps_the_mended_row(shop):
    """A file delivered again lacks a row, so that a rebuild follows: it knows what was mended a moment before."""
    shop.deliver("old", "7,apple,7,")
    shop.deliver("a", "1,apple,1,", "2,apple,0,")
    shop.deliver("b", "7,apple,70,", "8,pear,8,")
    shop.run()
    shop.mend(3, quantity="2")
    shop.queue()
    shop.deliver("b", "8,pear,8,")
    shop.run()
    assert shop.table() == [("1", "apple", 1), ("2", "apple", 2), ("7", "apple", 7), ("8", "pear", 8)]
    assert shop.states() == [("sales/a.csv", 3, "released")]


def test_the_pipeline_of_the_tests_is_the_one_it_says():
    assert SALES.outputs[0].mode == "merge"
