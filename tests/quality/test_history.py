"""The history as rows of a table: what is written can be read, and what has become sensitive is hidden."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from framework.core.quality import Finding, Quality, QualityReport, expect
from framework.lake import open_or_create, open_table
from framework.lake.storable import storable
from framework.quality import Case, Look, Run, from_rows, judge, to_rows
from framework.quality.drift import bins_of
from framework.quality.history import SCHEMA
from framework.quality.pins import read_pins, with_pin, without_pin, write_pins
from framework.storage import StorageLocation
from tests.quality.profiled import profiled

NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
ROWS = pl.DataFrame({"x": [1.0, 2.0, 2.0, None], "t": ["a", "a", None, "secret"], "d": [NOW] * 4})


def rows_of(seq: int, *, table: str = "t", frame: pl.DataFrame = ROWS) -> pl.DataFrame:
    found = profiled(frame, Look(NOW), key=("x",))
    findings = judge(Case(table, found, NOW, [], Quality(expect=[expect("max", "x", at_most=1)])))
    report = QualityReport(table, "batch", frame.height, 88.8, {"validity": 0.5})
    run = Run(seq, f"run{seq}", NOW + timedelta(days=seq))
    return to_rows(run, found, report, findings=findings, types={"x": "Float64"})


def test_a_profile_survives_the_way_through_the_history():
    (record,) = from_rows(rows_of(3))
    found = profiled(ROWS, Look(NOW), key=("x",))
    assert record.columns == found.by_name
    assert record.run == Run(3, "run3", NOW + timedelta(days=3))
    assert record.metrics == {**found.metrics, "score": 88.8, "validity": 0.5}
    assert (record.scope, record.rows, record.sampled, record.types) == ("batch", 4, 4, {"x": "Float64"})
    assert record.held("max", "x") == Finding(
        "t", "max", "x", "broken", "expected", "warn", "max of x is 2; at most 1 is expected", 2.0, None, 1.0
    )


def test_runs_come_in_the_order_of_their_sequence_and_once():
    mixed = pl.concat([rows_of(2), rows_of(10), rows_of(1), rows_of(2)])
    assert [record.run.seq for record in from_rows(mixed)] == [1, 2, 10]


def test_rows_without_their_table_are_no_record():
    assert from_rows(rows_of(1).filter(pl.col("column") != "")) == []


def test_the_history_can_be_stored_as_it_is():
    assert storable(SCHEMA) == {} or {name: SCHEMA[name] for name in storable(SCHEMA)} == storable(SCHEMA)
    assert rows_of(1).schema == SCHEMA


def test_bins_laid_anew_are_what_the_next_run_uses():
    before = profiled(ROWS.select("x"), Look(NOW)).by_name["x"].distribution
    moved = pl.DataFrame({"x": [500.0, 501.0, 502.0]})
    found = profiled(moved, Look(NOW, {"x": before}))
    report = QualityReport("t", "batch", 3)
    (record,) = from_rows(to_rows(Run(1, "r", NOW), found, report, findings=[], types={}))
    assert found.by_name["x"].distribution.edges == before.edges
    assert bins_of([record])["x"].edges[0] == 500.0


def test_a_column_that_has_become_sensitive_shows_no_value_and_no_finding_of_one():
    (record,) = from_rows(rows_of(1))
    hidden = record.masked({"x", "t"})
    assert "secret" not in repr(hidden.columns)
    assert hidden.columns["x"].metrics.keys() == {"null_rate", "nan_rate", "n_unique", "unique_rate"}
    assert hidden.value("mean", "x") is None
    assert record.value("mean", "x") is not None
    assert [f.metric for f in hidden.findings if f.column == "x"] == ["null_rate", "nan_rate"]
    assert hidden.columns["d"] == record.columns["d"]


def test_where_it_is_not_known_what_is_sensitive_everything_is():
    (record,) = from_rows(rows_of(1))
    assert all(column.is_sensitive and column.low is None for column in record.masked(None).columns.values())
    assert not any(column.is_sensitive for column in record.masked(set()).columns.values())


def test_the_band_that_was_broken_is_shown_before_one_that_held():
    (record,) = from_rows(rows_of(1))
    both = [
        Finding("t", "rows", "", "holds", "expected", "warn", "", 4.0, 1.0, None),
        Finding("t", "rows", "", "holds", "learned", "warn", "", 4.0, 3.0, 5.0),
    ]
    record.__dict__["findings"] = both
    assert record.held("rows").origin == "learned"
    record.__dict__["findings"] = [Finding(*("t", "rows", "", "broken", "expected", "warn", "")), both[1]]
    assert record.held("rows").origin == "expected"
    assert record.held("score") is None


def test_pins_are_kept_replaced_and_removed(tmp_path):
    lake = StorageLocation(str(tmp_path))
    assert read_pins(lake, "retail/sales") == []
    pin = expect("rows", at_least=5, severity="fail")
    write_pins(lake, "retail/sales", with_pin([expect("rows", at_most=1), expect("max", "x", at_most=2)], pin))
    assert read_pins(lake, "retail/sales") == [expect("max", "x", at_most=2), pin]
    assert read_pins(lake, "retail/other") == []
    assert without_pin(read_pins(lake, "retail/sales"), "max", "x") == [pin]
    assert without_pin([pin], "rows", "x") == [pin]


@pytest.mark.parametrize("files", [1, 40])
def test_a_history_is_one_commit_per_sequence_and_does_not_fall_into_pieces(files, tmp_path):
    from framework.core.plan import RunPlan
    from framework.run.quality.history import FRAGMENTS, read_past, record

    lake = StorageLocation(str(tmp_path))
    for seq in range(1, files + 1):
        plan = RunPlan("p.q", seq, "incremental", f"run{seq}", NOW, "f", {})
        record(lake, plan, [rows_of(seq)])
        record(lake, plan, [rows_of(seq)])
    assert [r.run.seq for r in read_past(lake, "p.q", "t")] == list(range(1, files + 1))
    handle = open_table(lake, "_quality/p.q")
    assert handle.version == files
    assert len(handle.files()) <= FRAGMENTS + 1


def test_a_history_of_another_release_is_read_and_brought_up_to_date(tmp_path):
    from framework.core.plan import RunPlan
    from framework.lake import StagingArea, append, publish
    from framework.run.quality.history import read_past, record

    lake = StorageLocation(str(tmp_path))
    old = pl.Schema({name: dtype for name, dtype in SCHEMA.items() if name != "ks"} | {"gone": pl.Int64()})
    handle = open_or_create(lake, "_quality/p.q", old, (), "p.q")
    area = StagingArea(lake.below("_quality/p.q"), old, ())
    area.add(rows_of(1).with_columns(gone=pl.lit(1, dtype=pl.Int64)))
    publish(append(handle, area), pipeline="p.q", seq=1, metadata={}, rebase=lambda c: append(c, area))
    assert [r.run.seq for r in read_past(lake, "p.q", "t")] == [1]
    record(lake, RunPlan("p.q", 2, "incremental", "r2", NOW, "f", {}), [rows_of(2)])
    assert [r.run.seq for r in read_past(lake, "p.q", "t")] == [1, 2]
    assert open_table(lake, "_quality/p.q").schema == SCHEMA


def test_a_history_that_cannot_be_written_stops_nothing_and_is_said(tmp_path):
    from framework.core.events import listening
    from framework.core.plan import RunPlan
    from framework.run.quality.history import record

    (tmp_path / "lake").write_text("a file where the lake should be")
    heard = []
    with listening(heard.append):
        record(StorageLocation(str(tmp_path / "lake")), RunPlan("p.q", 1, "full", "r", NOW, "f", {}), [rows_of(1)])
    (event,) = heard
    assert (event.name, event.level) == ("quality.not_recorded", "WARNING")
    assert event.message.startswith("p.q: the quality of sequence 1 is not in the history: ")
