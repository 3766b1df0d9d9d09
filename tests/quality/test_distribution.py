"""Distributions over fixed bins, and the distances between them, against plain definitions."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.quality.distribution import (
    BINS,
    Distribution,
    distribute_numbers,
    distribute_values,
    ks,
    ks_by_chance,
    pool,
    psi,
    psi_by_chance,
)
from tests.quality import oracle

NUMBERS = st.lists(st.floats(-1000, 1000).map(lambda x: round(x, 1)), min_size=1, max_size=60)


def floats(values) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64)


@given(NUMBERS, NUMBERS)
def test_distances_are_those_of_their_definitions_over_raw_values(actual, expected):
    reference = distribute_numbers(floats(expected))
    found = distribute_numbers(floats(actual), reference.edges)
    edges = reference.edges
    assert psi(found.counts, reference.counts) == pytest.approx(oracle.psi(actual, expected, edges))
    assert ks(found.counts, reference.counts) == pytest.approx(oracle.ks(actual, expected, edges))
    assert ks(found.counts, reference.counts) <= oracle.full_ks(actual, expected) + 1e-12


@given(NUMBERS)
def test_every_number_lies_in_one_bin_and_none_outside_of_its_own_bins(values):
    made = distribute_numbers(floats(values))
    assert sum(made.counts) == len(values)
    assert (made.counts[0], made.counts[-1]) == (0, 0)
    assert len(made.edges) <= BINS + 1
    assert psi(made.counts, made.counts) == 0.0
    assert ks(made.counts, made.counts) == 0.0


def test_a_value_on_an_edge_belongs_to_the_bin_above_it():
    assert distribute_numbers(floats([1.0, 2.0, 1.5, 9.0, 0.0]), (1.0, 2.0)).counts == (1, 2, 2)


def test_a_constant_has_a_bin_of_its_own_so_that_another_constant_shows():
    zeros = distribute_numbers(floats([0.0] * 10))
    ones = distribute_numbers(floats([1.0] * 10), zeros.edges)
    assert zeros.counts == (0, 10, 0)
    assert ones.counts == (0, 0, 10)
    assert psi(ones.counts, zeros.counts) > 10


def test_bins_are_spent_when_most_values_lie_in_none_of_them():
    edges = (0.0, 10.0)
    assert not distribute_numbers(floats([-1.0, 5.0, 11.0, 5.0]), edges).is_spent
    assert distribute_numbers(floats([-1.0, 5.0, 11.0]), edges).is_spent
    assert distribute_values(pl.Series(["a", "x", "y"]), ["a"]).is_spent
    assert not distribute_values(pl.Series(["a", "a", "x", "y"]), ["a"]).is_spent


def test_text_is_counted_by_the_most_frequent_values_and_all_others():
    texts = pl.Series([*"a" * 5, *"b" * 3, *"c" * 3, "d"])
    assert distribute_values(texts) == Distribution((5, 3, 3, 1, 0), values=("a", "b", "c", "d"))
    assert distribute_values(texts, ("b", "z")) == Distribution((3, 0, 9), values=("b", "z"))


def test_text_of_which_no_few_values_hold_half_has_no_distribution():
    assert distribute_values(pl.Series([str(i) for i in range(41)])) is None
    assert distribute_values(pl.Series([str(i) for i in range(40)])) is not None


def test_without_values_there_is_no_distribution_and_no_distance():
    assert distribute_numbers(floats([])) is None
    assert distribute_values(pl.Series([], dtype=pl.String)) is None
    assert psi([0, 0], [1, 2]) is None
    assert psi([1, 2], [0, 0]) is None
    assert ks([0, 0], [1, 2]) is None
    assert ks([1, 2], [0, 0]) is None
    assert psi_by_chance([0, 0], [1, 1]) == 0.0
    assert ks_by_chance([0], [1]) == 0.0


def test_a_bin_that_is_empty_on_one_side_counts_as_a_ten_thousandth():
    expected = (0.5 - 1.0) * math.log(0.5 / 1.0) + (0.5 - 0.0001) * math.log(0.5 / 0.0001)
    assert psi([5, 5], [10, 0]) == pytest.approx(expected)
    assert psi([5, 5, 0], [10, 0, 0]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("n", "m", "bins", "quantile"), [(1000, 1000, 2, 6.635), (500, 2000, 10, 21.666), (200, 6000, 20, 36.191)]
)
def test_what_chance_does_is_the_99_percent_quantile_of_chi_square(n, m, bins, quantile):
    """Quantiles from tables (NIST Handbook, 1.3.6.7.4): for 1, 9 and 19 degrees of freedom."""
    actual, expected = [n // bins] * bins, [m // bins] * bins
    assert psi_by_chance(actual, expected) == pytest.approx((1 / n + 1 / m) * quantile, rel=0.03)
    assert psi_by_chance([*actual, 0], [*expected, 0]) == psi_by_chance(actual, expected)


def test_distributions_over_other_bins_are_not_comparable():
    one = Distribution((1, 2, 3), edges=(1.0, 2.0))
    assert one.has_bins_of(Distribution((9, 9, 9), edges=(1.0, 2.0)))
    assert not one.has_bins_of(Distribution((1, 2, 3), edges=(1.0, 2.5)))
    assert not one.has_bins_of(Distribution((1, 2, 3), edges=(1.0, 2.0), values=("a",)))
    assert pool([one, one]) == (2, 4, 6)
