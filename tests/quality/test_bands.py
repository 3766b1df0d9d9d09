"""Learned bands: median and MAD with stated floors, enough history or none at all."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.quality.bands import WINDOW, Band, Point, learn
from tests.quality import oracle

START = datetime(2026, 1, 5, tzinfo=UTC)


def points(*values: float) -> list[Point]:
    return [Point(START + timedelta(days=day), value) for day, value in enumerate(values)]


def learned(metric: str, *values: float, **options) -> Band | None:
    return learn(metric, points(*values), **{"min_points": 5, "tolerance": 3.5, **options})


@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=40), st.floats(0.5, 10))
def test_a_band_is_the_median_give_or_take_the_scaled_deviation(values, tolerance):
    low, high = oracle.band(values, tolerance)
    band = learned("std", *values, tolerance=tolerance)
    assert band.low == pytest.approx(low, rel=1e-5, abs=1e-4)
    assert band.high == pytest.approx(high, rel=1e-5, abs=1e-4)


def test_with_one_point_too_few_nothing_is_learned():
    assert learned("mean", 1, 2, 3, 4) is None
    assert learned("mean", 1, 2, 3, 4, 5).points == 5
    assert learned("mean", 1, 2, 3, 4, min_points=4).points == 4


def test_a_band_says_since_when_and_only_the_newest_points_count():
    band = learned("mean", *[1000.0] * 10, *[float(i % 3) for i in range(WINDOW)])
    assert (band.points, band.since) == (WINDOW, "2026-01-15")
    assert band.high < 10


def test_one_outlier_in_the_past_leaves_the_band_narrow():
    assert learned("mean", 10, 11, 9, 10, 1e9).high < 20


@pytest.mark.parametrize(
    ("metric", "band"),
    [
        ("rows", Band(80.0, 120.0, 6, "2026-01-05")),
        ("null_rate", Band(99.99, 100.01, 6, "2026-01-05")),
        ("interval_h", Band(None, 150.0, 6, "2026-01-05")),
        ("age_h", Band(None, 150.0, 6, "2026-01-05")),
        ("duplicate_rate", Band(None, 100.001, 6, "2026-01-05")),
        ("psi", Band(None, 100.0, 6, "2026-01-05")),
        ("ks", Band(None, 100.0, 6, "2026-01-05")),
        ("mean", Band(100.0, 100.0, 6, "2026-01-05")),
    ],
)
def test_history_that_never_varied_still_leaves_room(metric, band):
    assert learned(metric, *[100.0] * 6) == band


def test_counts_and_rates_are_not_expected_below_zero():
    assert learned("rows", 0, 10, 20, 0, 30).low == 0.0
    assert learned("null_rate", *[0.0] * 5) == Band(0.0, 0.01, 5, "2026-01-05")
    assert learned("mean", 0, 10, 20, 0, 30).low < 0


def test_a_floor_given_for_the_case_widens_and_never_narrows():
    assert learned("psi", *[0.0] * 5, least=0.1).high == 0.1
    assert learned("rows", *[100.0] * 5, least=1.0).high == 120.0
