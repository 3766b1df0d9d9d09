"""What was quarantined under an older schema, or is refused once more, when a run judges it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl
import pytest

from framework.core.typed import DataFrameModel
from framework.lake import PlanStore
from framework.run.left_out import decided
from tests.run.quarantine_shop import Shop, sales_pipeline

if TYPE_CHECKING:
    from pathlib import Path


class RenamedSale(DataFrameModel):
    id: str
    product: str
    pieces: int = pa.Field(gt=-5, lt=1000, metadata={"aliases": ["quantity", "amount"]})
    note: str = pa.Field(nullable=True)


class RenamedListing(RenamedSale):
    note: pl.List(pl.Int64) = pa.Field(nullable=True)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (RenamedSale, "pieces: must be > -5"),
        (RenamedListing, "note: must be of type List(Int64)"),
    ],
)
def test_a_row_from_before_a_column_was_renamed_is_judged_by_its_value(tmp_path: Path, schema: type, reason: str):
    shop = Shop(tmp_path)
    shop.know("p1")
    shop.deliver("a", "1,p1,-3,", "2,p1,5000,", "3,p1,-9,kept")
    shop.run()
    shop.mend(3, quantity="7")
    assert shop.states() == [("sales/a.csv", 2, "open"), ("sales/a.csv", 3, "mended"), ("sales/a.csv", 4, "open")]

    other = shop.copy(tmp_path / "other", sales_pipeline(schema=schema, mode="merge"))
    other.queue()
    other.run()
    assert other.states() == [
        ("sales/a.csv", 2, "released"),
        ("sales/a.csv", 3, "released"),
        ("sales/a.csv", 4, "open"),
    ]
    assert other.table("id", "pieces") == [("1", -3), ("2", 7)]
    (row,) = other.held(states=("open",))
    assert row["reasons"][0].startswith(reason)


def test_a_file_that_is_refused_again_is_known_to_every_attempt_at_that_sequence(tmp_path: Path):
    shop = Shop(tmp_path)
    shop.know("p1")
    shop.deliver("b", "1,p1,3,")
    shop.put("sales/a.csv", "\0" * 64)
    shop.run()
    assert [(row["line"], row["seq"]) for row in shop.held()] == [(None, 1)]
    shop.queue()
    shop.run()
    (row,) = shop.held()
    assert (row["state"], row["seq"], row["attempts"]) == ("open", 1, 1)
    plan = PlanStore(shop.space.lake, "t.sales").plan(2)
    assert set(decided(plan, shop.space).reasons["sales"]) == {"sales/a.csv"}
