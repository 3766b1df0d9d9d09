"""What the commands say of fallbacks."""

import json

PROJECT = """
import pandera.polars as pa
from framework import Pipeline, csv_files, default, last_known, table

class Sale(pa.DataFrameModel):
    id: str
    product: str
    price: float = pa.Field(ge=0)

asked = last_known(of="t/sales", column="price", key="product", at="_source_time", max_age="30d")
sales = Pipeline("t.sales", sources={"sales": csv_files("*.csv", schema=Sale, fallback={"price": [asked, default(0)]})},
    outputs=[table("t/sales", of="sales", mode="merge", key="id")])
"""


def test_plan_run_and_show_tell_what_is_asked_and_what_was_filled(sluice, tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/__init__.py").write_text(PROJECT)
    raw = tmp_path / "data/raw"
    raw.mkdir(parents=True)
    (raw / "a.csv").write_text("id,product,price\n1,a,2\n2,b,n/a\n")
    planned = sluice("plan", cwd=tmp_path)
    assert "asks    t/sales, which is not there yet: it knows nothing, for last known values" in planned.stdout
    done = sluice("run", "--json", cwd=tmp_path)
    (run,) = json.loads(done.stdout)["runs"]
    assert run["sources"]["sales"]["filled"] == {"price": {"default": 1}}
    (raw / "b.csv").write_text("id,product,price\n3,a,\n")
    assert "asks    t/sales, at version 1, for last known values" in sluice("plan", cwd=tmp_path).stdout
    shown = sluice("show", "t.sales", "--json", cwd=tmp_path)
    assert [row["price"] for row in json.loads(shown.stdout)["rows"]] == [2.0, 0.0, 2.0]
    assert "filled price: 1 by last_known" in sluice("run", cwd=tmp_path).stdout
