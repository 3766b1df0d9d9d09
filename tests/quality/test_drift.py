"""What a run is compared with: the newest runs that counted over the same bins, pooled."""

from datetime import UTC, datetime

from framework.quality.columns import ColumnProfile
from framework.quality.distribution import Distribution
from framework.quality.drift import POOLED, bins_of, by_chance, reference_of
from framework.quality.history import Record, Run

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def column(counts, edges=(1.0, 2.0)) -> ColumnProfile:
    return ColumnProfile("x", "Float64", distribution=Distribution(counts, edges=edges))


def record(seq: int, one: ColumnProfile) -> Record:
    return Record(Run(seq, str(seq), NOW), "batch", 3, {"rows": 3.0}, {one.name: one})


def test_only_runs_that_counted_over_the_same_bins_are_pooled():
    past = [record(1, column((1, 1, 1))), record(2, column((9, 9, 9), edges=(5.0, 6.0))), record(3, column((0, 2, 0)))]
    assert reference_of(column((1, 0, 0)), past) == (1, 3, 1)
    assert reference_of(column((1, 0, 0), edges=(7.0, 8.0)), past) is None
    assert reference_of(ColumnProfile("x", "Float64"), past) is None
    assert reference_of(ColumnProfile("y", "Float64", distribution=Distribution((1,))), past) is None
    assert by_chance(column((1, 0, 0), edges=(7.0, 8.0)), past) == {}


def test_only_the_newest_runs_are_pooled():
    past = [record(0, column((1000, 0, 0))), *(record(seq, column((0, 1, 0))) for seq in range(1, POOLED + 1))]
    assert reference_of(column((1, 0, 0)), past) == (0, POOLED, 0)


def test_bins_are_those_of_the_newest_run_that_has_them():
    past = [record(1, column((1, 1, 1))), record(2, column((1, 1, 1), edges=(5.0, 6.0)))]
    assert bins_of(past)["x"].edges == (5.0, 6.0)
    assert bins_of([*past, record(3, ColumnProfile("x", "Float64"))])["x"].edges == (5.0, 6.0)
    assert bins_of([]) == {}
