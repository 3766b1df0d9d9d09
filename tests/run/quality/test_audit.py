"""The quality of what runs stage, from a run's point of view: judged before it is published, recorded once."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, Quality, csv_files, expect, step, table
from framework.core.events import listening
from framework.core.report import RunReport
from framework.errors import BoundaryError
from framework.lake import open_table
from framework.lake.delta import DataFile
from framework.quality import Facts
from framework.quality.pins import write_pins
from framework.run.compiled import verify
from framework.run.fingerprints import fingerprint
from framework.run.flow import run_in
from framework.run.quality.audit import facts_of
from framework.run.quality.history import read_past
from framework.run.request import RunRequest
from framework.run.watched import columns_of
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)


class Visit(pa.DataFrameModel):
    id: int
    shop: str
    email: str = pa.Field(nullable=True, metadata={"sensitive": True})
    spent: float = pa.Field(ge=0)


class Renamed(pa.DataFrameModel):
    id: int
    spent: float


@step(returns=Renamed)
def renamed(visits: LazyFrame[Visit]) -> pl.LazyFrame:
    """Keep two columns. One row per visit. Lazy."""
    return visits.select("id", "spent")


def pipeline(quality=None, *, mode: str = "merge", of="visits", **options) -> Pipeline:
    key = {"key": "id"} if mode == "merge" else {}
    output = table("visits", of=of, mode=mode, quality=quality, **key, **options)
    steps = [renamed] if of == "renamed" else []
    return Pipeline("t.visits", sources={"visits": csv_files("*.csv", schema=Visit)}, steps=steps, outputs=[output])


@pytest.fixture
def space(tmp_path):
    (tmp_path / "raw").mkdir()
    return Workspace(StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / "lake")))


def deliver(space: Workspace, name: str, count: int, *, start: int = 0, spent=lambda i: i % 10) -> None:
    lines = [f"{i},S{i % 3},{f'p{i}@secret.org' if i % 4 else ''},{spent(i)}" for i in range(start, start + count)]
    Path(space.raw.uri(name)).write_text("\n".join(["id,shop,email,spent", *lines]) + "\n")


def run(made: Pipeline, space: Workspace, *, day: int = 0, full: bool = False) -> RunReport:
    at = Workspace(space.raw, space.lake, now=MONDAY + timedelta(days=day))
    return run_in(made, at, RunRequest(full=full))


def past(space: Workspace):
    return read_past(space.lake, "t.visits", "visits")


def live(space: Workspace) -> int:
    handle = open_table(space.lake, "visits")
    return sum(file.rows for file in handle.files()) if handle else 0


def test_a_table_that_asks_for_nothing_is_not_looked_at(space):
    deliver(space, "a.csv", 10)
    report = run(pipeline(), space)
    assert report.quality == {}
    assert "quality" not in report.timings_s
    assert not Path(space.lake.uri("_quality")).exists()


def test_asking_for_quality_changes_nothing_of_what_a_pipeline_is():
    plain, asking = pipeline(), pipeline(Quality(expect=[expect("rows", at_least=1)]))
    assert fingerprint(plain) == fingerprint(asking)


def test_what_a_run_staged_is_profiled_scored_and_recorded(space):
    deliver(space, "a.csv", 20)
    with Path(space.raw.uri("a.csv")).open("a") as file:
        file.write("100,S1,,-5\n")
    report = run(pipeline(Quality()), space).quality["visits"]
    assert (report.scope, report.rows) == ("whole", 20)
    assert report.parts == {"completeness": round(1 - 5 / 20 / 4, 4), "validity": 0.9524, "uniqueness": 1.0}
    assert report.score == round(100 * (0.3 * 0.9375 + 0.25 * 0.9524 + 0.2) / 0.75, 1)
    (record,) = past(space)
    assert list(record.columns) == ["id", "shop", "email", "spent"]
    assert record.columns["spent"].metrics["mean"] == 4.5
    assert record.types["spent"] == "Float64"


def test_values_of_sensitive_columns_are_nowhere_in_the_history(space):
    deliver(space, "a.csv", 20)
    run(pipeline(Quality()), space)
    (record,) = past(space)
    assert record.columns["email"].is_sensitive
    assert record.columns["email"].metrics == {"null_rate": 0.25, "n_unique": 15.0, "unique_rate": 1.0}
    stored = open_table(space.lake, "_quality/t.visits").scan().collect()
    assert "secret" not in json.dumps(stored.to_dicts(), default=str)


def test_a_batch_is_held_against_batches_and_the_whole_against_the_whole(space):
    made = pipeline(Quality(min_points=2))
    scopes = []
    for day in range(3):
        deliver(space, f"d{day}.csv", 20, start=100 * day)
        scopes.append(run(made, space, day=day).quality["visits"].scope)
    assert scopes == ["whole", "batch", "batch"]
    (record, *_) = past(space)[-1:]
    assert record.held("null_rate", "spent").points == 1
    full = run(made, space, day=3, full=True).quality["visits"]
    assert (full.scope, full.rows) == ("whole", 60)
    assert past(space)[-1].held("null_rate", "spent").points == 1


def test_an_overwritten_table_is_always_staged_whole(space):
    made = pipeline(Quality(), mode="overwrite")
    deliver(space, "a.csv", 20)
    run(made, space)
    deliver(space, "b.csv", 5, start=100)
    assert run(made, space, day=1).quality["visits"].scope == "whole"


def test_drift_is_flagged_with_evidence_in_report_events_and_history(space):
    made = pipeline(Quality(min_points=3))
    for day in range(7):
        deliver(space, f"d{day}.csv", 200, start=1000 * day)
        assert run(made, space, day=day).quality["visits"].findings == []
    deliver(space, "d7.csv", 200, start=7000, spent=lambda i: i % 10 + 20)
    heard = []
    with listening(heard.append):
        report = run(made, space, day=7).quality["visits"]
    texts = [finding.text for finding in report.findings]
    assert texts[0] == "mean of spent is 24.5; 3.787 to 5.213 is usual (6 runs since 2026-01-06)"
    assert [f.metric for f in report.findings] == ["mean", "psi", "ks"]
    assert [e.message for e in heard if e.name == "quality.broken"] == [f"visits: {text}" for text in texts]
    assert [f.text for f in past(space)[-1].findings if f.state == "broken"] == texts
    assert report.parts["stability"] < 1


def test_a_broken_expectation_that_fails_stops_the_run_before_anything_is_published(space):
    deliver(space, "a.csv", 20)
    made = pipeline(
        Quality(
            expect=[expect("rows", at_least=50, severity="fail"), expect("max", "spent", at_most=3, severity="fail")]
        )
    )
    with pytest.raises(BoundaryError) as caught:
        run(made, space)
    assert str(caught.value) == (
        "table 'visits': the quality of the 20 rows staged is not as it must be:\n"
        "  rows is 20; at least 50 is expected\n"
        "  max of spent is 9; at most 3 is expected\n"
        "nothing of this run is published; correct the input, or change what is expected: quality= of the table"
    )
    assert live(space) == 0
    assert past(space) == []
    deliver(space, "b.csv", 40, start=100, spent=lambda i: 1)
    deliver(space, "a.csv", 20, spent=lambda i: 2)
    with pytest.raises(BoundaryError):  # the sequence covers what it was fixed to cover
        run(made, space)
    report = run(pipeline(Quality()), space)
    assert live(space) == 60
    assert report.state == "SUCCESS"


def test_one_that_warns_stops_nothing(space):
    deliver(space, "a.csv", 20)
    report = run(pipeline(Quality(expect=[expect("rows", at_least=50)])), space).quality["visits"]
    assert [(f.origin, f.severity, f.text) for f in report.findings] == [
        ("expected", "warn", "rows is 20; at least 50 is expected")
    ]
    assert live(space) == 20


def test_history_can_fail_runs_and_a_pin_lets_them_pass(space):
    made = pipeline(Quality(history="fail", min_points=2))
    for day in range(4):
        deliver(space, f"d{day}.csv", 200, start=1000 * day)
        run(made, space, day=day)
    deliver(space, "d4.csv", 200, start=7000, spent=lambda i: i % 10 + 2)
    with pytest.raises(BoundaryError) as caught:
        run(made, space, day=4)
    assert "  mean of spent is 6.5; 3.787 to 5.213 is usual (3 runs since 2026-01-06)\n" in str(caught.value)
    assert str(caught.value).endswith("what is usual can be pinned: sluice quality pin visits mean --column spent")
    assert live(space) == 800
    free = [expect(metric, "spent", at_most=1000) for metric in ("mean", "psi", "ks")]
    write_pins(space.lake, "visits", free)
    assert run(made, space, day=4).quality["visits"].findings == []
    assert live(space) == 1000


def test_a_failed_run_is_no_part_of_what_is_usual(space):
    made = pipeline(Quality(expect=[expect("rows", at_most=100, severity="fail")]))
    deliver(space, "a.csv", 20)
    run(made, space)
    deliver(space, "b.csv", 200, start=1000)
    with pytest.raises(BoundaryError):
        run(made, space, day=1)
    assert [record.rows for record in past(space)] == [20]


@pytest.mark.parametrize("point", ["commit.after:raise:2", "publish.between:raise", "manifest.before:raise"])
def test_a_sequence_is_recorded_once_however_often_it_is_attempted(point, space, monkeypatch):
    from framework.core import faults

    deliver(space, "a.csv", 20)
    made = pipeline(Quality())
    monkeypatch.setattr(faults, "_hits", type(faults._hits)())
    monkeypatch.setenv("SLUICE_FAULT", point)
    try:
        run(made, space)
    except OSError:
        monkeypatch.delenv("SLUICE_FAULT")
        run(made, space)
    monkeypatch.delenv("SLUICE_FAULT", raising=False)
    assert [record.run.seq for record in past(space)] == [1]
    assert live(space) == 20
    assert open_table(space.lake, "_quality/t.visits").version == 1


def test_a_history_that_cannot_be_read_or_written_stops_no_run(space):
    deliver(space, "a.csv", 20)
    run(pipeline(Quality()), space)
    log = Path(space.lake.uri("_quality/t.visits/_delta_log"))
    for file in Path(space.lake.uri("_quality/t.visits")).glob("*.parquet"):
        file.write_bytes(b"broken")
    deliver(space, "b.csv", 20, start=100)
    heard = []
    with listening(heard.append):
        report = run(pipeline(Quality()), space, day=1)
    assert (report.state, live(space)) == ("SUCCESS", 40)
    (event,) = [e for e in heard if e.name == "quality.not_measured"]
    assert event.message.startswith("visits: its quality could not be measured: ")
    assert report.quality == {}
    assert log.exists()


def test_what_must_hold_and_cannot_be_measured_stops_the_run(space):
    deliver(space, "a.csv", 20)
    run(pipeline(Quality()), space)
    for file in Path(space.lake.uri("_quality/t.visits")).glob("*.parquet"):
        file.write_bytes(b"broken")
    deliver(space, "b.csv", 20, start=100)
    with pytest.raises(pl.exceptions.PanicException):
        run(pipeline(Quality(expect=[expect("rows", at_least=1, severity="fail")])), space, day=1)
    assert live(space) == 20


def test_of_columns_that_are_not_asked_for_only_what_files_know_is_kept(space):
    deliver(space, "a.csv", 20)
    run(pipeline(Quality(columns=["spent"], expect=[expect("length_max", "shop", at_most=9)])), space)
    (record,) = past(space)
    assert "mean" in record.columns["spent"].metrics
    assert record.columns["shop"].metrics["length_max"] == 2.0
    assert record.columns["id"].metrics == {"null_rate": 0.0, "min": 0.0, "max": 19.0}
    assert (record.columns["id"].low, record.columns["id"].high) == ("0", "19")
    assert record.columns["email"].metrics == {"null_rate": 0.25}
    assert record.columns["email"].low is None


def test_partitions_are_profiled_though_their_values_are_not_in_the_files(space):
    deliver(space, "a.csv", 20)
    run(pipeline(Quality(), mode="replace_partitions", partition_by="shop"), space)
    (record,) = past(space)
    assert record.columns["shop"].metrics["n_unique"] == 3.0
    assert record.columns["spent"].metrics["max"] == 9.0


def test_a_change_of_columns_is_flagged(space):
    deliver(space, "a.csv", 20)
    run(pipeline(Quality()), space)
    deliver(space, "b.csv", 20, start=100)
    report = run(pipeline(Quality(), of="renamed", mode="overwrite"), space, day=1, full=True)
    assert [f.text for f in report.quality["visits"].findings] == ["column email is gone", "column shop is gone"]


def test_the_quality_of_a_pipeline_is_that_of_its_tables_unless_they_have_their_own(space):
    own = Quality(columns=["id"])
    outputs = [table("a", of="visits"), table("b", of="visits", quality=own)]
    made = Pipeline(
        "t.visits", sources={"visits": csv_files("*.csv", schema=Visit)}, outputs=outputs, quality=Quality(time="")
    )
    assert [output.quality for output in made.outputs] == [Quality(), own]
    deliver(space, "a.csv", 20)
    assert sorted(run(made, space).quality) == ["a", "b"]


def test_a_report_with_quality_survives_the_way_to_the_ledger_and_back(space):
    deliver(space, "a.csv", 20)
    report = run(pipeline(Quality(expect=[expect("rows", at_least=50)])), space)
    assert RunReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_what_columns_do_not_have_is_named_before_any_data_is_read():
    made = pipeline(
        Quality(
            columns=["spend"],
            time="shop",
            expect=[
                expect("mean", "shop", at_most=1),
                expect("max", "spent_eur", at_most=1),
                expect("length_max", "email", at_most=1),
                expect("null_rate", "email", at_most="1%"),
            ],
        )
    )
    of_email = "null_rate, n_unique, unique_rate"
    of_text = "null_rate, n_unique, unique_rate, length_min, length_mean, length_max, psi"
    assert [str(problem).removeprefix("t.visits, table 'visits': ") for problem in verify(made)] == [
        "quality looks at 'spend', which is no column (did you mean 'spent'?)",
        "quality has time='shop', which is String (name a date or time)",
        f"expects mean of 'shop', which is String (measured of it: {of_text})",
        "expects max of 'spent_eur', which is no column (did you mean 'spent'?)",
        f"expects length_max of 'email', which is sensitive: no value of it is kept (measured of it: {of_email})",
    ]
    assert verify(pipeline(Quality(time=""))) == []


def test_a_sequence_that_is_taken_up_again_is_not_compared_with_itself(space, monkeypatch):
    from framework.core import faults

    deliver(space, "a.csv", 20)
    monkeypatch.setattr(faults, "_hits", type(faults._hits)())
    monkeypatch.setenv("SLUICE_FAULT", "merge.before:raise:1")
    with pytest.raises(OSError, match="merge"):
        run(pipeline(Quality()), space)
    monkeypatch.delenv("SLUICE_FAULT")
    assert [record.run.seq for record in past(space)] == [1]
    report = run(pipeline(Quality()), space).quality["visits"]
    assert (report.checks, report.learning) == (0, 9)


def test_files_tell_no_range_of_sensitive_columns():
    staged = [DataFile("a", 1, 2, stats='{"nullCount": {"x": 0}}', ranges={"x": (1, 5)})]
    more = [*staged, DataFile("b", 1, 2, stats='{"nullCount": {"x": 1}}', ranges={"x": (0, 3)})]
    empty = [*more, DataFile("c", 1, 2, stats='{"nullCount": {"x": 2}}')]
    assert facts_of(more, ["x", "y"]) == {"x": Facts(1, 0, 5)}
    assert facts_of(more, ["x"], {"x"}) == {"x": Facts(1)}
    assert facts_of(empty, ["x"]) == {"x": Facts(3, 0, 5)}
    unranged = [*more, DataFile("d", 1, 2, stats='{"nullCount": {"x": 0}}')]
    assert facts_of(unranged, ["x"]) == {"x": Facts(1)}
    assert facts_of([], ["x"]) == {}


def test_columns_that_something_rests_on_are_looked_at_though_not_named():
    made = Quality(
        columns=["a"], time="b", expect=[expect("mean", "c", at_most=1)], pins=[expect("max", "d", at_most=1)]
    )
    assert columns_of(made) == ("a", "c", "d", "b")
    assert columns_of(Quality(columns=[])) == ()
    assert columns_of(Quality(time="b")) is None
