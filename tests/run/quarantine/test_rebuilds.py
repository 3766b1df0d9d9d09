"""A rebuild knows which rows were mended, queued or put aside, and of which files."""

import json

import pandera.polars as pa

from framework.lake.quarantine import Selection
from framework.run.quarantine.replay import discard
from tests.run.quarantine_shop import Sale, accounts, sales_pipeline


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
