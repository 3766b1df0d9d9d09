"""What stands against a replay is said at once, and the rows stay where they are."""

from dataclasses import replace

import pandera.polars as pa
import pytest

from framework import Pipeline, csv_files, json_files, table
from framework.core.typed import DataFrameModel
from framework.errors import ConfigurationError
from framework.lake.quarantine import Selection
from framework.run.quarantine.replay import queue
from tests.run.quarantine_shop import Sale, Shop, sales_pipeline


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
