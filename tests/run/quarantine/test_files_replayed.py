"""Files that were refused are read again, unless they are gone or have changed."""

import pandera.polars as pa
import pytest

from framework.core.typed import DataFrameModel
from framework.errors import ConfigurationError
from tests.run.quarantine_shop import sales_pipeline


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
