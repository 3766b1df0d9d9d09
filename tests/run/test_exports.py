"""Files that a pipeline makes of its tables, from a run's point of view."""

import json
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest

from framework import Pipeline, csv_files, json_file, table
from framework.errors import DefinitionError
from framework.lake import PlanStore
from framework.run.compiled import verify
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace, open_workspace
from framework.settings import Settings
from framework.storage import StorageLocation


class Visit(pa.DataFrameModel):
    shop: str
    day: pl.Date
    visitors: int


VISITS = table("visits", of="visits", mode="merge", key=["shop", "day"])


def pipeline(*outputs) -> Pipeline:
    return Pipeline("t.visits", sources={"visits": csv_files("*.csv", schema=Visit)}, outputs=[VISITS, *outputs])


@pytest.fixture
def space(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.csv").write_text("shop,day,visitors\nB,2024-01-02,2\nA,2024-01-01,1\n")
    raw, lake, files = (StorageLocation(str(tmp_path / name)) for name in ("raw", "lake", "files"))
    return Workspace(raw, lake, exports=files)


def exported(space: Workspace, path: str = "visits.json"):
    return json.loads(Path(space.files.uri(path)).read_text())


def test_an_export_shows_the_table_in_the_order_of_its_key_without_where_rows_came_from(space):
    report = run_in(pipeline(json_file("visits.json", of="visits")), space, RunRequest())
    assert exported(space) == [
        {"shop": "A", "day": "2024-01-01", "visitors": 1},
        {"shop": "B", "day": "2024-01-02", "visitors": 2},
    ]
    done = report.exports["visits.json"]
    assert (done.table, done.version, done.rows) == ("visits", 1, 2)
    manifest = PlanStore(space.lake, "t.visits").manifest(1)
    assert manifest["exports"]["visits.json"]["sha256"] == done.sha256


def test_an_export_follows_its_table_and_says_in_a_document_what_it_shows(space):
    made = pipeline(json_file("visits.json", of="visits", layout="document", columns=["visitors"], order_by="visitors"))
    run_in(made, space, RunRequest())
    Path(space.raw.uri("b.csv")).write_text("shop,day,visitors\nA,2024-01-01,5\n")
    run_in(made, space, RunRequest())
    document = exported(space)
    assert (document["table"], document["version"], document["seq"]) == ("visits", 2, 2)
    assert document["records"] == [{"visitors": 2}, {"visitors": 5}]


def test_an_export_that_is_not_there_is_made_though_nothing_is_new(space):
    run_in(pipeline(), space, RunRequest())
    made = pipeline(json_file("visits.json", of="visits"))
    report = run_in(made, space, RunRequest())
    assert (report.state, report.reason) == ("UNCHANGED", "nothing is new; visits.json was missing")
    assert len(exported(space)) == 2
    assert run_in(made, space, RunRequest()).exports == {}


def test_a_run_on_a_sample_leaves_the_exports_alone(tmp_path):
    settings = Settings(project=tmp_path)
    assert open_workspace(settings).files.uri() == str(tmp_path / "data/exports")
    sampled = open_workspace(settings, RunRequest(sample=0.5)).files
    assert sampled.uri() == str(tmp_path / "data/lake/_sample/_exports")


@pytest.mark.parametrize(
    ("export", "message"),
    [
        (json_file("../visits.json", of="visits"), "'../visits.json': is no path of an export"),
        (json_file("visits.csv", of="visits"), "'visits.csv': is no path of an export"),
        (json_file("visits.json", of="vists"), "is of 'vists', which no table of the pipeline holds (did you mean"),
        (json_file("visits.json", of="visits", layout="rows"), "layout 'rows' is unknown"),
    ],
)
def test_a_wrong_export_is_a_problem_of_the_definition(export, message):
    with pytest.raises(DefinitionError) as caught:
        pipeline(export)
    assert message in str(caught.value)


def test_two_exports_to_one_path_are_refused():
    with pytest.raises(DefinitionError, match=r"file 'visits.json': is written 2 times"):
        pipeline(json_file("visits.json", of="visits"), json_file("visits.json", of="visits"))


def test_a_column_that_the_table_lacks_is_named_before_anything_runs():
    made = pipeline(json_file("visits.json", of="visits", order_by="date"))
    (problem,) = verify(made)
    assert str(problem).startswith(
        "t.visits, file 'visits.json': order_by names 'date', not there (columns of 'visits':"
    )
