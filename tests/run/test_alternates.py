"""Alternate sources: when they stand in, what the plan fixes of them, and how the primary takes its place again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.polars as pa
import pytest

from framework import LazyFrame, Pipeline, alternate, csv_files, delta_table, is_filled, json_files, step, table
from framework.cli.run_summary import render
from framework.errors import BoundaryError, DefinitionError
from framework.lake import open_table
from framework.run import flow, targets
from framework.run.compiled import verify
from framework.run.news import find_news
from framework.run.position import find_position
from framework.run.request import RunRequest
from tests.run.quarantine_shop import Shop

if TYPE_CHECKING:
    from framework.core.report import RunReport


class Rate(pa.DataFrameModel):
    currency: str
    rate: float = pa.Field(gt=0)


def rates(*, outputs=None, backup=None, **more) -> Pipeline:
    options = {"schema": Rate, "otherwise": alternate("backup")} | more
    return Pipeline(
        "t.sales",
        sources={"rates": csv_files("rates/*.csv", **options), "backup": backup or json_files("backup/*.json")},
        outputs=outputs or [table("t/rates", of="rates", mode="merge", key="currency")],
    )


class Desk(Shop):
    """Rates of one currency a file, from the usual place and from another."""

    def usual(self, name: str, rate: str, hour: int | None = None, currency: str = "EUR") -> None:
        self.put(f"rates/{name}.csv", f"currency,rate\n{currency},{rate}\n", hour)

    def other(self, name: str, rate: float, hour: int | None = None, currency: str = "EUR") -> None:
        self.put(f"backup/{name}.json", f'[{{"currency": "{currency}", "rate": {rate}}}]', hour)

    def rates(self) -> list[tuple]:
        handle = open_table(self.space.lake, "t/rates")
        kept = handle.scan().select("currency", "rate", "_source_file", is_filled("*")) if handle else None
        return sorted(kept.collect().rows()) if kept is not None else []


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(tmp_path, rates())


def stood_in(report: RunReport) -> str:
    return report.sources["backup"].stands_in


def test_alternate_stands_in_for_files_that_are_missing_and_is_named_loudly(desk):
    desk.other("a", 1.5)
    report = desk.run()
    assert desk.rates() == [("EUR", 1.5, "backup/a.json", True)]
    assert stood_in(report) == "rates, of which no file is new"
    assert "    ALTERNATE  backup stands in for rates, of which no file is new" in list(render([report]))
    assert desk.run().state == "UNCHANGED"


def test_alternate_is_passed_over_where_the_primary_has_files(desk):
    desk.usual("a", "1.25")
    desk.other("a", 1.5)
    report = desk.run()
    assert desk.rates() == [("EUR", 1.25, "rates/a.csv", False)]
    assert (stood_in(report), report.sources["backup"].rows_in) == ("", 0)
    assert desk.run().state == "UNCHANGED"


def test_primary_takes_its_place_again_even_with_a_file_that_is_older(desk):
    desk.other("a", 1.5, hour=9)
    desk.run()
    desk.usual("a", "1.25", hour=3)
    desk.run()
    assert desk.rates() == [("EUR", 1.25, "rates/a.csv", False)]
    desk.other("b", 1.75, hour=12)
    desk.run()
    assert desk.rates() == [("EUR", 1.25, "rates/a.csv", False)]


def test_alternate_stands_in_where_all_new_files_are_refused(desk):
    desk.put("rates/a.csv", "nothing\nof,this\n")
    desk.other("a", 1.5)
    report = desk.run()
    assert desk.rates() == [("EUR", 1.5, "backup/a.json", True)]
    assert stood_in(report) == "rates, of which the only new file is refused"
    assert report.sources["rates"].files_rejected == 1


def test_alternate_stands_in_for_a_source_over_its_budget_whose_files_are_quarantined_whole(desk):
    desk.pipeline = rates(budget={"rate": 0})
    desk.put("rates/a.csv", "currency,rate\nUSD,2\nEUR,-1\n")
    desk.other("a", 1.5)
    report = desk.run()
    assert desk.rates() == [("EUR", 1.5, "backup/a.json", True)]
    assert stood_in(report) == "rates, which is over its budget"
    (held,) = desk.held()
    assert (held["file"], held["line"]) == ("rates/a.csv", None)
    assert held["reasons"] == [
        "file: its source is over its budget: rate: 1 of 2 rows refused, at most 0 may be",
    ]
    desk.put("rates/a.csv", "currency,rate\nUSD,2\nEUR,1\n")
    desk.run()
    assert [row[:2] for row in desk.rates()] == [("EUR", 1.0), ("USD", 2.0)]


@pytest.mark.parametrize("more", [{"budget": {"rate": 0}}, {"on_invalid": "fail"}])
def test_source_over_its_budget_fails_the_run_where_no_alternate_is_ready(desk, more):
    desk.pipeline = rates(**more)
    desk.usual("a", "-1")
    with pytest.raises(BoundaryError):
        desk.run()
    desk.pipeline = rates(**more, otherwise=alternate("backup", when="missing"))
    desk.other("a", 1.5)
    with pytest.raises(BoundaryError):
        desk.run()


def test_policy_that_refuses_invalid_input_gives_way_to_an_alternate(desk):
    desk.pipeline = rates(on_invalid="fail")
    desk.usual("a", "-1")
    desk.other("a", 1.5)
    desk.run()
    assert desk.rates() == [("EUR", 1.5, "backup/a.json", True)]


def test_files_count_as_missing_only_once_the_newest_is_old_enough(desk):
    desk.pipeline = rates(otherwise=alternate("backup", after="3650d"))
    desk.usual("a", "1.25", hour=0)
    desk.run()
    desk.other("a", 1.5, currency="USD")
    assert desk.run().state == "UNCHANGED"
    desk.pipeline = rates(otherwise=alternate("backup", after="1h"))
    assert stood_in(desk.run()) == "rates, of which no file is new"
    assert [row[0] for row in desk.rates()] == ["EUR", "USD"]


def test_every_attempt_takes_the_files_of_the_plan(desk, monkeypatch):
    desk.other("a", 1.5)

    def die(_targets: list) -> None:
        raise RuntimeError("died")

    with monkeypatch.context() as broken:
        broken.setattr(flow, "stage", die)
        with pytest.raises(RuntimeError, match="died"):
            desk.run()
    desk.usual("a", "1.25", currency="USD")
    desk.other("b", 1.75)
    desk.run()
    assert desk.rates() == [("EUR", 1.5, "backup/a.json", True), ("USD", 1.25, "rates/a.csv", False)]


def test_attempt_after_the_quarantine_is_published_comes_to_the_same_end(desk, monkeypatch):
    desk.pipeline = rates(budget={"rate": 0})
    desk.usual("a", "-1")
    desk.other("a", 1.5)

    def die(point: str) -> None:
        if point == "publish.between":
            raise RuntimeError("died")

    with monkeypatch.context() as broken:
        broken.setattr(targets, "fault", die)
        with pytest.raises(RuntimeError, match="died"):
            desk.run()
    report = desk.run()
    assert stood_in(report) == "rates, which is over its budget"
    assert desk.rates() == [("EUR", 1.5, "backup/a.json", True)]
    assert len(desk.held()) == 1


def test_rebuild_takes_what_stood_in_before_and_nothing_else(desk):
    desk.usual("a", "1.25")
    desk.other("a", 1.5, currency="GBP")
    desk.run()
    desk.other("b", 1.75, currency="USD")
    desk.run()
    before = desk.rates()
    assert [row[0] for row in before] == ["EUR", "USD"]
    desk.run(full=True)
    assert desk.rates() == before
    desk.other("c", 1.8, currency="USD")
    desk.run()
    assert [row[:2] for row in desk.rates()] == [("EUR", 1.25), ("USD", 1.8)]
    desk.run(full=True)
    assert [row[:2] for row in desk.rates()] == [("EUR", 1.25), ("USD", 1.8)]


def test_rebuild_that_a_run_brings_about_itself_takes_what_that_run_took(desk):
    desk.usual("a", "1.25")
    desk.run()
    desk.put("rates/a.csv", "nothing\nof,this\n")
    desk.other("a", 1.5, currency="USD")
    report = desk.run()
    assert (report.seq, report.mode) == (3, "full")
    assert desk.rates() == [("USD", 1.5, "backup/a.json", True)]


def test_plan_names_alternates_that_are_ready(desk):
    desk.usual("a", "1")
    desk.other("a", 1.5)
    news = find_news(desk.pipeline, desk.space, find_position(desk.pipeline, desk.space), RunRequest())
    assert news.alternates.stand_ins == {"backup": "ready"}
    assert not any("backup" in reason for reason in news.reasons)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"otherwise": alternate("backups")}, "otherwise is 'backups', which is no source"),
        ({"otherwise": alternate("rates")}, "is its own alternate"),
        ({"backup": csv_files("b/*.csv", otherwise=alternate("rates"))}, "stand in for each other"),
        ({"backup": delta_table("t/backup")}, "otherwise is 'backup', which is a table"),
        ({"outputs": [table("t/rates", of="rates", mode="append")]}, "could not be replaced by later ones of 'rates'"),
        (
            {"outputs": [table(f"t/{n}", of=n, mode="merge", key="currency") for n in ("rates", "backup")]},
            "its alternate 'backup' is taken by table 't/backup' as well",
        ),
    ],
)
def test_alternate_that_cannot_stand_in_is_refused_with_the_reason(change, said):
    with pytest.raises(DefinitionError) as refused:
        rates(**change)
    assert said in str(refused.value)


def test_step_that_drops_the_mark_of_alternate_rows_is_refused():
    @step(returns=Rate)
    def bare(rates: LazyFrame[Rate]) -> LazyFrame[Rate]:
        return rates.drop("_filled")

    plain = rates()
    output = table("t/rates", of=bare, mode="merge", key="currency")
    (problem,) = verify(Pipeline("t.sales", sources=plain.sources, steps=[bare], outputs=[output]))
    assert "lack the column _filled that says so" in str(problem)
    assert verify(plain) == []


@pytest.mark.parametrize("options", [{"when": "stale"}, {"when": ()}, {"after": "soon"}])
def test_alternate_is_refused_that_says_nothing(options):
    with pytest.raises(DefinitionError):
        alternate("backup", **options)
