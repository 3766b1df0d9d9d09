"""Quarantined rows are mended, judged again by the current code and land exactly once."""

import json
from dataclasses import replace

import pandera.polars as pa
import pytest

from framework.errors import SelectionError
from tests.run.quarantine_shop import SALES, Sale, accounts, sales_pipeline


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


def test_the_pipeline_of_the_tests_is_the_one_it_says():
    assert SALES.outputs[0].mode == "merge"
