"""Judging a profile: expectations, pins, and what history says, each finding with its evidence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from framework.core.quality import Quality, expect
from framework.quality import Case, Look, Record, Run, judge, parts_of, score, with_drift
from framework.quality.score import WEIGHTS
from tests.quality.profiled import profiled

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)


def recorded(day: int, values, **metrics) -> Record:
    rows = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})
    found = profiled(rows, Look(MONDAY))
    metrics = {**found.metrics, **metrics}
    return Record(Run(day, f"run{day}", MONDAY + timedelta(days=day)), "batch", rows.height, metrics, found.by_name)


def steady(days: int, count: int = 100) -> list[Record]:
    return [recorded(day, [(i * 7 + day) % 50 for i in range(count)]) for day in range(days)]


def case(values, past, *, day: int | None = None, **options) -> Case:
    found = with_drift(recorded_profile(values, past), past)
    at = MONDAY + timedelta(days=len(past) if day is None else day)
    return Case(**{"table": "t", "profile": found, "at": at, "past": past, "quality": Quality(), **options})


def recorded_profile(values, past):
    rows = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})
    bins = {"x": past[-1].columns["x"].distribution} if past else {}
    return profiled(rows, Look(MONDAY, bins))


def found(made: Case, metric: str, column: str = "", origin: str | None = None):
    same = [f for f in judge(made) if (f.metric, f.column) == (metric, column) and origin in {None, f.origin}]
    (only,) = same
    return only


NORMAL = [(i * 7) % 50 for i in range(100)]


def test_volume_is_held_against_the_same_weekday_only():
    past = [recorded(day, [1.0] * (500 if day % 7 == 5 else 100)) for day in range(40)]
    quiet_saturday = found(case([1.0] * 100, past, day=40), "rows")
    assert quiet_saturday.state == "broken"
    assert quiet_saturday.text == "rows is 100; 400 to 600 is usual on a Saturday (5 runs since 2026-01-10)"
    assert found(case([1.0] * 100, past, day=41), "rows").state == "holds"


def test_without_enough_of_the_same_weekday_it_is_said_that_history_is_missing():
    past = [recorded(day, [1.0] * 100) for day in range(28)]
    finding = found(case([1.0], past, day=28), "rows")
    assert (finding.state, finding.points) == ("unknown", 4)
    assert finding.text == "rows is 1; not enough history on a Monday: 4 of 5 runs"
    assert found(case([1.0], past, day=28, quality=Quality(min_points=4)), "rows").state == "broken"


def test_a_shifted_column_is_flagged_by_mean_psi_and_ks_with_evidence():
    made = case([value + 40 for value in NORMAL], steady(8))
    for metric in ("mean", "psi", "ks"):
        known = [replace(r, columns=_with(r, metric, 0.01)) if metric != "mean" else r for r in made.past]
        finding = found(replace(made, past=known), metric, "x")
        assert finding.state == "broken"
        assert (finding.points, finding.since, finding.origin, finding.severity) == (8, "2026-01-05", "learned", "warn")
        assert not finding.high >= finding.value
    steady_case = case(NORMAL, steady(8))
    assert {f.state for f in judge(steady_case) if f.column == "x"} == {"holds", "unknown"}


def _with(record: Record, metric: str, value: float):
    column = record.columns["x"]
    return {"x": replace(column, metrics={**column.metrics, metric: value})}


def test_what_chance_does_with_few_rows_is_no_drift():
    """Ten rows of the same population: their index is far above 0.1, and so is that of chance."""
    past = [replace(r, columns=_with(r, "psi", 0.0)) for r in steady(8)]
    made = case([3.0, 9.0, 14.0, 22.0, 27.0, 31.0, 36.0, 41.0, 44.0, 48.0], past)
    finding = found(made, "psi", "x")
    assert finding.value > 0.5
    assert finding.state == "holds"


def test_null_rates_move_as_far_as_chance_takes_them_and_no_further():
    def nulls(count, of=100):
        return [None] * count + [1.0] * (of - count)

    past = [recorded(day, nulls(10)) for day in range(6)]
    assert found(case(nulls(20), past), "null_rate", "x").state == "holds"
    finding = found(case(nulls(21), past), "null_rate", "x")
    assert finding.text == "null_rate of x is 21%; 0% to 20.5% is usual (6 runs since 2026-01-05)"


def test_a_mean_may_move_a_tenth_of_the_deviation_or_the_standard_error():
    past = [recorded(day, [0.0, 10.0] * 5_000) for day in range(6)]
    deviation = past[0].columns["x"].metrics["std"]
    finding = found(case([0.0, 10.0] * 5_000, past), "mean", "x")
    assert finding.high == pytest.approx(5 + 0.1 * deviation, rel=1e-5)
    few = found(case([0.0, 10.0] * 50, past), "mean", "x")
    assert few.high == pytest.approx(5 + 0.35 * deviation, rel=1e-5)


def test_an_expectation_is_held_beside_what_is_learned_and_a_pin_instead_of_it():
    wanted = expect("mean", "x", at_most=1, severity="fail")
    past = steady(8)
    both = [f for f in judge(case(NORMAL, past, quality=Quality(expect=[wanted]))) if f.metric == "mean"]
    assert [(f.origin, f.state, f.severity) for f in both] == [
        ("expected", "broken", "fail"),
        ("learned", "holds", "warn"),
    ]
    pinned = found(case(NORMAL, past, quality=Quality(pins=[wanted])), "mean", "x")
    assert pinned.text == "mean of x is 24.5; at most 1 is pinned"
    operators = case(NORMAL, past, quality=Quality(pins=[wanted]), pins=[expect("mean", "x", at_least=2)])
    assert found(operators, "mean", "x").text == "mean of x is 24.5; at least 2 is pinned"


def test_both_ends_of_a_band_belong_to_it():
    for low, high, state in ((100, 100, "holds"), (101, None, "broken"), (None, 99, "broken")):
        made = case(NORMAL, [], quality=Quality(expect=[expect("rows", at_least=low, at_most=high)]))
        assert found(made, "rows", origin="expected").state == state


def test_what_has_no_value_is_unknown_and_never_broken():
    made = case([], [], quality=Quality(expect=[expect("mean", "x", at_least=5, severity="fail")]))
    finding = found(made, "mean", "x")
    assert (finding.state, finding.text) == ("unknown", "mean of x is not known; at least 5 is expected")
    absent = case(NORMAL, [], quality=Quality(expect=[expect("mean", "gone", at_least=5)]))
    assert found(absent, "mean", "gone").state == "unknown"


def test_history_can_be_off_or_fail_runs():
    past = steady(8)
    assert judge(case(NORMAL, past, quality=Quality(history="off"))) == []
    made = case(NORMAL, past, quality=Quality(history="fail"), types={"x": "Int64"}, before={"x": "String"})
    assert {f.severity for f in judge(made)} == {"fail"}


def test_columns_that_come_go_or_change_are_flagged():
    made = case(NORMAL, steady(1), types={"x": "Float64", "new": "Date"}, before={"x": "Int64", "old": "Date"})
    assert [(f.column, f.state, f.text) for f in judge(made) if f.metric == "schema"] == [
        ("new", "broken", "column new is new (Date)"),
        ("old", "broken", "column old is gone"),
        ("x", "broken", "x was Int64, is Float64"),
    ]
    same = case(NORMAL, steady(1), types={"x": "Float64"}, before={"x": "Float64"})
    assert found(same, "schema").state == "holds"
    assert [f for f in judge(case(NORMAL, [])) if f.metric == "schema"] == []


def test_only_the_column_that_says_how_fresh_rows_are_is_watched_for_age():
    days = pl.DataFrame({"a": [MONDAY] * 3, "b": [MONDAY] * 3})
    looked = profiled(days, Look(MONDAY + timedelta(hours=3)))
    made = Case("t", looked, MONDAY, [], Quality(time="b"))
    assert [f.column for f in judge(made) if f.metric == "age_h"] == ["b"]


def test_the_score_can_be_computed_again_from_the_numbers_shown():
    frame = pl.DataFrame({"k": [1, 1, 2, 3], "x": [1.0, None, None, 2.0], "at": [MONDAY - timedelta(hours=8)] * 4})
    looked = profiled(frame, Look(MONDAY), key=("k",))
    wanted = Quality(time="at", expect=[expect("age_h", "at", at_most=6), expect("rows", at_least=1)], history="off")
    findings = judge(Case("t", looked, MONDAY, [], wanted))
    parts = parts_of(looked, findings, accepted=30, quarantined=10, time="at")
    assert parts == {
        "completeness": round(1 - (0.5 / 3), 4),
        "validity": 0.75,
        "uniqueness": 0.75,
        "freshness": 0.75,
        "stability": 0.5,
    }
    by_hand = 100 * (0.30 * 0.8333 + 0.25 * 0.75 + 0.20 * 0.75 + 0.10 * 0.75 + 0.15 * 0.5) / 1.0
    assert score(parts) == round(by_hand, 1) == 73.7
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_parts_that_are_not_known_have_no_weight():
    assert score({"completeness": 0.5, "validity": 1.0}) == round(100 * (0.15 + 0.25) / 0.55, 1)
    assert score({}) is None
    nothing = profiled(pl.DataFrame(schema={"x": pl.Int64}), Look(MONDAY))
    assert parts_of(nothing, []) == {}


def test_data_fresher_than_allowed_is_no_better_than_fresh():
    frame = pl.DataFrame({"at": [MONDAY - timedelta(hours=1)]})
    looked = profiled(frame, Look(MONDAY))
    findings = judge(Case("t", looked, MONDAY, [], Quality(time="at", expect=[expect("age_h", "at", at_most=6)])))
    assert parts_of(looked, findings, time="at")["freshness"] == 1.0
