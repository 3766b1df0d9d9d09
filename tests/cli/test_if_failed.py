"""What becomes of a pipeline when the one that writes its table fails in the same invocation."""

import json

PROJECT = """
import pandera.polars as pa
from framework import Pipeline, csv_files, delta_table, table

class Rate(pa.DataFrameModel):
    currency: str
    rate: float = pa.Field(ge=0)

rates = Pipeline("t.rates", sources={"rates": csv_files("*.csv", schema=Rate, on_invalid="fail")},
    outputs=[table("t/rates", of="rates", mode="merge", key="currency")])
waits = Pipeline("t.waits", sources={"rates": delta_table("t/rates", schema=Rate)},
    outputs=[table("t/waits", of="rates")])
goes_on = Pipeline("t.goes_on", sources={"rates": delta_table("t/rates", schema=Rate, if_failed="use_last")},
    outputs=[table("t/goes_on", of="rates")])
"""


def test_when_the_writer_fails_only_a_pipeline_that_can_use_the_last_version_goes_on(sluice, tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/__init__.py").write_text(PROJECT)
    raw = tmp_path / "data/raw"
    raw.mkdir(parents=True)
    (raw / "a.csv").write_text("currency,rate\nUSD,0.9\n")
    assert sluice("run", "t.rates", cwd=tmp_path).returncode == 0
    (raw / "b.csv").write_text("currency,rate\nGBP,-1\n")
    done = sluice("run", "--json", cwd=tmp_path)
    runs = {run["pipeline"]: run for run in json.loads(done.stdout)["runs"]}
    states = {name: run["state"] for name, run in runs.items()}
    assert states == {"t.rates": "FAILED", "t.waits": "SKIPPED", "t.goes_on": "SUCCESS"}
    used = {name: run["used_last"] for name, run in runs.items()}
    assert used == {"t.rates": {}, "t.waits": {}, "t.goes_on": {"t/rates": "t.rates failed"}}
    assert done.returncode == 1
    assert (tmp_path / "data/lake/t/goes_on").is_dir()
    assert not (tmp_path / "data/lake/t/waits").exists()
    again = sluice("run", cwd=tmp_path)
    assert "    read  t/rates: as last published, since t.rates failed\n" in again.stdout
    assert "WARNING t.goes_on: nothing new; t/rates is as last published, since t.rates failed" in again.stderr
