"""What an author may ask for: read at once, and every mistake named with its remedy."""

from datetime import timedelta

import pytest

from framework.core.quality import Expectation, Finding, Quality, QualityReport, expect, quality_problems


def problems(quality: Quality, *, has_key: bool = False) -> list[str]:
    return [str(problem) for problem in quality_problems("t", quality, has_key=has_key)]


@pytest.mark.parametrize(
    ("given", "low"), [(5, 5.0), (0.25, 0.25), ("1%", 0.01), ("12.5 %", 0.125), (timedelta(days=2), 48.0)]
)
def test_bounds_are_numbers_shares_or_times(given, low):
    assert expect("rows", at_least=given) == Expectation("rows", low=low)


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (expect("row", at_least=1), "t: expects 'row', which is no metric (did you mean 'rows'?)"),
        (
            expect("rows", "x", at_least=1),
            "t: expects rows of 'x', which is of the table as a whole (leave the column out)",
        ),
        (expect("mean", at_least=1), "t: expects mean of no column (name the column)"),
        (expect("rows"), "t: expects rows without saying what (give at_least or at_most)"),
        (expect("rows", at_least=5, at_most=1), "t: rows: at_least=5 is above at_most=1 (swap them)"),
        (
            expect("rows", at_least="many"),
            "t: rows: at_least='many' is no bound (give a number, a share such as '1%', or a timedelta)",
        ),
        (
            expect("rows", at_most=True),
            "t: rows: at_most=True is no bound (give a number, a share such as '1%', or a timedelta)",
        ),
        (expect("rows", at_least=1, severity="fial"), "t: rows: severity 'fial' is unknown (did you mean 'fail'?)"),
        (expect("duplicate_rate", at_most=0), "t: expects a duplicate_rate, but has no key (add key=)"),
    ],
)
def test_a_mistake_in_an_expectation_or_a_pin_is_named(one, problem):
    assert problems(Quality(expect=[one])) == [problem]
    assert problems(Quality(pins=[one])) == [problem]


def test_all_mistakes_are_named_at_once():
    made = Quality(
        history="of", min_points=1, tolerance=0, expect=[expect("rows")], pins=[expect("rows", at_least=1)] * 2
    )
    assert problems(made) == [
        "t: history='of' is unknown (did you mean 'off'?)",
        "t: min_points=1 says nothing of what is usual (give 2 or more)",
        "t: tolerance=0 allows nothing (give a number above zero, such as 3.5)",
        "t: expects rows without saying what (give at_least or at_most)",
        "t: pins rows 2 times (give both bounds at once)",
    ]


def test_what_is_right_has_no_problem():
    good = [expect("rows", at_least=1), expect("rows", at_most=9), expect("duplicate_rate", at_most=0)]
    assert problems(Quality(expect=good, min_points=2, tolerance=0.1), has_key=True) == []


def test_lists_are_frozen():
    assert Quality(columns="a").columns == ("a",)
    assert Quality(columns=["a", "b"], expect=[expect("rows", at_least=1)]) == Quality(
        columns=("a", "b"), expect=(expect("rows", at_least=1),)
    )
    assert hash(Quality()) == hash(Quality())


def test_a_report_survives_the_way_through_plain_data():
    from dataclasses import asdict

    finding = Finding("t", "rows", "", "broken", "learned", "warn", "text", 1.0, 2.0, 3.0, 5, "2026-01-01")
    report = QualityReport("t", "batch", 3, 99.0, {"validity": 1.0}, 4, 2, [finding])
    assert QualityReport.from_dict(asdict(report)) == report
