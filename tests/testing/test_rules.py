"""Rules on the examples of their definitions: right ones pass, and what is wrong with the others is said."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

from datetime import date

import pandera.polars as pa
import polars as pl
import pytest

from framework import LazyFrame, Pipeline, agree, csv_files, delta_table, references, rule, step, table
from framework.run.rule_book import book_of, find_rules
from framework.testing import try_rules

SUM = pl.col("net").sum()


class Line(pa.DataFrameModel):
    id: int = pa.Field(unique=True)
    day: pl.Date
    net: pl.Decimal(9, 2) = pa.Field(ge=0)
    gross: pl.Decimal(9, 2)


class Day(pa.DataFrameModel):
    day: pl.Date
    net: pl.Decimal(9, 2)


def pipeline(*own, across=()):
    @step(returns=Day)
    def days(lines: LazyFrame[Line]) -> pl.LazyFrame:
        return lines.group_by("day").agg(SUM.cast(pl.Decimal(9, 2)))

    return Pipeline(
        "t.lines",
        sources={"lines": csv_files("*.csv", schema=Line, rules=own), "ledger": delta_table("t/ledger")},
        steps=[days],
        outputs=[table("t/days", of=days), table("t/lines", of="lines")],
        rules=[*across, agree("uses_the_ledger", left="days", right="ledger", on=SUM)],
    )


def tried(*own, across=()):
    found = {one.name: one for one in try_rules(book_of([pipeline(*own, across=across)]))}
    assert found.pop("uses_the_ledger").state == "untested"
    (one,) = found.values()
    return one


def within(**examples):
    return rule("net_within_gross", "net <= gross", message="net: must not exceed gross", **examples)


@pytest.mark.parametrize(
    ("holds", "breaks"),
    [
        ([{"net": 1, "gross": 2}], [{"net": 3, "gross": 2}]),
        ([{"net": "1.10", "gross": 1.1}], [{"net": 1.11, "gross": "1.10"}]),
        ([{"net": 1}, {}, []], [[{"net": 1, "gross": 2}, {"net": 3, "gross": 2}]]),
    ],
)
def test_right_examples_pass_as_a_source_would_read_them(holds, breaks):
    one = tried(within(holds=holds, breaks=breaks))
    assert (one.state, one.findings, one.examples) == ("passed", (), len(holds) + len(breaks))


@pytest.mark.parametrize(
    ("examples", "told"),
    [
        ({"holds": [{"net": 1, "gross": 2}, {"net": 3, "gross": 2}]}, 'example 2 of holds: {"net": 3, "gross": 2} must hold, and breaks it: net: must not exceed gross'),
        ({"breaks": [{"net": 1, "gross": 2}]}, 'example 1 of breaks: {"net": 1, "gross": 2} must break it, and holds'),
        ({"breaks": [{"net": -1, "gross": -2}]}, 'example 1 of breaks: {"net": -1, "gross": -2} breaks another rule as well, net.greater_than_or_equal_to: net: must be >= 0'),
        ({"holds": [{"nett": 1}]}, """example 1 of holds: {"nett": 1} has 'nett', which is no column of Line; did you mean 'net'?"""),
        ({"holds": [{"net": "much"}]}, 'example 1 of holds: {"net": "much"} cannot be read: net: must be a number with at most 7 digits before the point and 2 after it'),
    ],
)  # fmt: skip
def test_wrong_example_is_told_in_words(examples, told):
    one = tried(within(**examples))
    assert (one.state, list(one.findings)) == ("failed", [told])


def test_windows_and_datasets_take_lists_of_rows():
    once = rule(
        "one_line_a_day", pl.len().over("day") == 1, message="day: must be unique",
        holds=[[{"day": "2024-05-01"}, {"day": date(2024, 5, 2)}]], breaks=[[{"day": "2024-05-01"}] * 2],
    )  # fmt: skip
    assert tried(once).findings == ()
    some = rule(
        "something_sold", SUM > 1, message="too little", holds=[[{"net": 1}, {"net": 1}], []], breaks=[{"net": 1}]
    )
    assert tried(some).findings == ("example 2 of holds: [] must hold, and breaks it: too little",)


def test_rule_that_raises_on_an_example_is_told():
    one = tried(rule("small", pl.col("id").cast(pl.Int8) < 9, message="id: must be small", holds=[{"id": 1000}]))
    assert one.findings[0].startswith(
        'example 1 of holds: {"id": 1000} made it raise InvalidOperationError: conversion'
    )


def sums(**examples):
    return agree("sums", left="days", right="lines", on=SUM, by="day", **examples)


A_DAY, ITS_LINES = [{"day": "2024-05-01", "net": 3}], [{"day": "2024-05-01", "net": 1}, {"day": "2024-05-01", "net": 2}]


@pytest.mark.parametrize(
    ("across", "findings"),
    [
        (sums(holds=[{"days": A_DAY, "lines": ITS_LINES}, {}], breaks=[{"days": A_DAY}]), []),
        (sums(breaks=[{"days": A_DAY, "lines": ITS_LINES}]), ['example 1 of breaks: {"days": [{"day": "2024-05-01", "net": 3}], "lines": [{"day": "2024-05-01", "net": 1}, {"day": "2024-05-01", "net": 2}]} must break it, and holds']),
        (sums(holds=[{"days": A_DAY}]), ['example 1 of holds: {"days": [{"day": "2024-05-01", "net": 3}]} must hold, and breaks it: 1 of 1 group does not agree:; day=2024-05-01: days 3.00, lines has no rows']),
        (sums(holds=[{"dais": A_DAY}]), ["""example 1 of holds: {"dais": [{"day": "2024-05-01", "net": 3}]} has rows of 'dais', at which it does not look; did you mean 'days'?"""]),
        (agree("l", left="days", right="ledger", on=SUM, holds=[{"days": []}]), ["example 1 of holds: ledger has no schema, so an example must give a row of it"]),
        (references("known", of="lines", column="day", to="days", holds=[{"days": A_DAY, "lines": ITS_LINES}], breaks=[{"lines": ITS_LINES}]), []),
    ],
)  # fmt: skip
def test_rules_across_tables_take_rows_by_source_or_step(across, findings):
    assert list(tried(across=[across]).findings) == findings


def test_book_says_of_each_rule_where_it_stands_and_what_it_asks():
    book = book_of([pipeline(within(owner="finance", budget=["1%", 5]), across=[sums(within="0.5%")])])
    assert [(e.name, e.kind, e.where, e.is_named) for e in book] == [
        ("net_within_gross", "row", ("source t.lines:lines",), True),
        ("sums", "agreement", ("pipeline t.lines",), True),
        ("uses_the_ledger", "agreement", ("pipeline t.lines",), True),
        ("id.unique", "window", ("schema Line",), False),
        ("net.greater_than_or_equal_to", "row", ("schema Line",), False),
    ]
    (net,), (summed,) = find_rules(book, "net_within_gross"), find_rules(book, "sums")
    assert (net.owner, net.budget, net.used_by) == ("finance", "1% and 5", ("t.lines:lines",))
    assert summed.expression == 'col("net").sum() of days by day = col("net").sum() of lines by day within 0.5%'
    assert [e.name for e in find_rules(book, "net.ge")] == ["net.greater_than_or_equal_to"]


def test_pipeline_that_is_tried_in_parts_is_not_held_to_its_rules_across_tables():
    from framework.testing.steps.incremental import read_fed

    whole = pipeline(across=[sums()])
    assert [one.name for one in whole.rules] == ["sums", "uses_the_ledger"]
    sources = {"lines": csv_files("*.csv", schema=Line)}
    outputs = [table("t/days", of="days"), table("t/lines", of="lines")]
    bare = Pipeline("t.lines", sources=sources, steps=[whole.steps[0].function], outputs=outputs, rules=[sums()])
    assert read_fed(bare, [], {}).pipeline.rules == ()
