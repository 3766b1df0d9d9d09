"""Budgets as their authors write them, and what they allow."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.core.budget import Limit, limits_of


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, ()),
        (0, (Limit("*", rows=0),)),
        ("1%", (Limit("*", percent=1.0),)),
        (" 0.5 % ", (Limit("*", percent=0.5),)),
        (["1%", 10], (Limit("*", percent=1.0), Limit("*", rows=10))),
        ({"a.ge": 1, "b": "2%"}, (Limit("a.greater_than_or_equal_to", rows=1), Limit("b", percent=2.0))),
        ("10", (Limit("*"),)),
        (-1, (Limit("*"),)),
        (True, (Limit("*"),)),
        ("-1%", (Limit("*"),)),
    ],
    ids=str,
)
def test_budget_is_read(written, read):
    assert limits_of(written) == read
    assert all(limit.is_clear == (limit.rows is not None or limit.percent is not None) for limit in read)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 400))
def test_share_is_exact(count, of, quarters):
    percent = quarters / 4
    assert Limit("*", percent=percent).allows(count, of) == (count <= Fraction(percent) * of / 100)


@given(st.integers(0, 100), st.integers(0, 100))
def test_number_is_exact(count, rows):
    assert Limit("*", rows=rows).allows(count, of=1) == (count <= rows)


def test_limit_in_words():
    assert [str(limit) for limit in limits_of(["1%", "0.25%", 1000])] == ["1%", "0.25%", "1,000"]
