"""Two aggregates side by side: where they agree, what is said where they do not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from framework import agree, references
from framework.boundary.across import judge_agreement, judge_reference, side_value, values_of
from framework.boundary.across.agreement import VALUE
from framework.run.verdicts import look_again

MONEY = pl.Decimal(18, 2)


def judged(left, right, **options):
    given = {"left": "days", "right": "sales", "on": pl.col("net").sum(), "by": "day", **options}
    rule = agree("r", **given)
    one, two = (pl.LazyFrame(rows) if isinstance(rows, dict) else rows.lazy() for rows in (left, right))
    return judge_agreement(rule, side_value(rule, rule.left, one), side_value(rule, rule.right, two), look_again)


def money(*values):
    return pl.Series([None if v is None else Decimal(v) for v in values], dtype=MONEY)


@pytest.mark.parametrize(
    ("left", "right", "within", "holds"),
    [
        (money("0.10", "0.20"), money("0.30"), 0, True),
        (money("0.30"), money("0.29"), 0, False),
        (money("0.30"), money("0.29"), "0.01", True),
        (money("0.30"), money("0.28"), "0.01", False),
        (money("100.00"), money("99.50"), "0.5%", True),
        (money("100.00"), money("99.49"), "0.5%", False),
        (money("30.00"), pl.Series([30]), 0, True),
        (pl.Series([1], dtype=pl.UInt8), pl.Series([2], dtype=pl.UInt64), 1, True),
        (pl.Series([1], dtype=pl.UInt8), pl.Series([3], dtype=pl.UInt64), 1, False),
        (pl.Series([2**62]), pl.Series([2**62 + 1]), 0, False),
        (pl.Series([0.1, 0.2]), pl.Series([0.3]), 0, True),
        (pl.Series([0.3]), money("0.30"), 0, True),
        (pl.Series([0.3]), pl.Series([0.3001]), 0, False),
        (pl.Series([float("nan")]), pl.Series([float("nan")]), 1, False),
        (pl.Series([2.0]), pl.Series([float("inf")]), "50%", False),
        (pl.Series([2.0]), pl.Series([float("inf")]), 0, False),
        (pl.Series([float("inf")]), pl.Series([float("inf")]), 0, True),
        (pl.Series([0.0]), pl.Series([-0.0]), "1%", True),
        (money("1.00").cast(pl.Decimal(38, 12)), pl.Series(["9" * 36]).cast(pl.Decimal(38, 2)), 0, False),
        (pl.Series([True, True]), money("2.00"), 0, True),
        (money("1.00", None), money("1.00"), 0, True),
        (money(None), money("0.00"), 0, True),
    ],
)
def test_sums_agree_within_what_is_allowed(left, right, within, holds):
    day = date(2024, 5, 1)
    frames = [pl.DataFrame({"day": [day] * len(values), "net": values}) for values in (left, right)]
    assert judged(*frames, within=within).holds is holds
    assert judged(*frames, within=within, by=()).holds is holds


def test_aggregates_without_an_answer_agree_only_with_each_other():
    nothing, something = {"day": [1], "net": money(None)}, {"day": [1], "net": money("0.00")}
    mean = pl.col("net").mean()
    assert judged(nothing, nothing, on=mean).holds
    assert not judged(nothing, something, on=mean).holds


def test_values_that_are_no_numbers_must_be_equal():
    rows, later = {"day": [1], "at": [date(2024, 1, 1)]}, {"day": [1], "at": [date(2024, 1, 2)]}
    last = pl.col("at").max()
    assert judged(rows, rows, on=last).holds
    assert judged(rows, later, on=last).lines == (
        "1 of 1 group does not agree:",
        "  day=1: days 2024-01-01, sales 2024-01-02",
    )


def test_groups_that_differ_are_told_worst_first_with_both_sums_and_the_difference():
    found = judged(
        {"day": [1, 2, 3, 4, None], "net": [10, 20, 30, 40, 7]},
        {"day": [1, 2, 3, 5, None], "net": [10, 25, 29, 0, 7]},
    )
    assert found.lines == (
        "4 of 6 groups do not agree:",
        "  day=4: days 40, sales has no rows",
        "  day=5: days has no rows, sales 0",
        "  day=2: days 20, sales 25, difference -5",
        "  day=3: days 30, sales 29, difference 1",
    )


def test_long_lists_of_groups_are_cut():
    found = judged({"day": list(range(50)), "net": [1] * 50}, {"day": list(range(50)), "net": [2] * 50})
    assert (found.lines[0], len(found.lines), found.lines[-1]) == (
        "50 of 50 groups do not agree:",
        12,
        "  and 40 more",
    )


def test_names_of_groups_and_aggregates_may_differ():
    rule = {"by": {"day": "date"}, "on": ("SUM(net)", pl.col("gross").max() - pl.col("gross").min())}
    found = judged({"day": [1], "net": [5]}, {"date": [1, 1], "gross": [1, 7]}, **rule)
    assert found.lines[1] == "  day=1: days 5, sales 6, difference -1"


def test_values_of_sensitive_columns_are_masked():
    rule = agree("r", left="a", right="b", on=pl.col("net").sum(), by="who")
    sides = [pl.LazyFrame({"who": ["x"], VALUE: [n]}) for n in (1, 2)]
    found = judge_agreement(rule, *sides, look_again, {"who", ""})
    assert found.lines[1] == "  who=***: a ***, b ***"


def reference(of, to, **options):
    rule = references("r", of="sales", column="product", to="products", key="id", **options)
    one, two = pl.LazyFrame(of), pl.LazyFrame(to)
    return judge_reference(rule, values_of(rule, one), two, look_again)


SOLD = {"product": ["a", "b", "b", "c", None]}


def test_references_hold_where_every_value_is_known_and_nothing_refers_to_nothing():
    assert reference(SOLD, {"id": ["a", "b", "c", "c", None]}).holds
    assert reference({"product": pl.Series([], dtype=pl.String)}, {"id": ["a"]}).holds


@pytest.mark.parametrize(
    ("budget", "severity", "fails", "allowed"),
    [
        (None, "error", True, ""),
        (None, "warning", False, ""),
        (3, "error", False, ", at most 3 may"),
        ("75%", "error", False, ", at most 75% may"),
        (2, "error", True, ", at most 2 may"),
        ("74%", "warning", True, ", at most 74% may"),
    ],
)
def test_values_that_are_not_known_are_told_and_counted_for_the_budget(budget, severity, fails, allowed):
    found = reference(SOLD, {"id": ["a"]}, budget=budget, severity=severity)
    assert found.fails is fails
    assert found.lines == (
        f"3 of 4 rows of sales have 2 values that products does not know{allowed}:",
        "  product='b' (2 rows)",
        "  product='c' (1 row)",
    )
