"""Reports in all their forms: they say the same, hold no value of a sensitive column, and need nothing from outside."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import polars as pl
import pytest

from framework.core.quality import Quality, QualityReport, expect
from framework.quality import Case, Look, Run, bins_of, from_rows, judge, parts_of, score, to_rows, with_drift
from framework.quality.report import make_document, to_markdown
from framework.quality.report.html import to_html
from framework.quality.score import WEIGHTS
from tests.quality.profiled import profiled

START = datetime(2026, 1, 5, 6, tzinfo=UTC)
EVIL = "</script><script>alert(1)</script>|x"


def history(days: int, *, shift: float = 0.0):
    """Runs of a table with numbers, text, hostile text and a sensitive column; the last one is shifted."""
    records = []
    for day in range(days):
        moved = shift if day == days - 1 else 0.0
        frame = pl.DataFrame(
            {
                "spent": [float((i * 7 + day) % 50) + moved for i in range(100)],
                "shop": [EVIL if i % 3 else "B" for i in range(100)],
                "email": [f"p{i % 9}@secret.org" for i in range(100)],
            }
        )
        at = START + timedelta(days=day)
        look = Look(at, bins_of(records))
        found = with_drift(profiled(frame, look, sensitive={"email"}), records)
        types = {name: str(dtype) for name, dtype in frame.schema.items()}
        wanted = Quality(min_points=2, expect=[expect("max", "spent", at_most=60)])
        findings = judge(Case("a/b", found, at, records, wanted, types=types, before=types if records else {}))
        parts = parts_of(found, findings)
        report = QualityReport("a/b", "batch", 100, score(parts), parts)
        rows = to_rows(Run(day + 1, f"run{day + 1}", at), found, report, findings=findings, types=types)
        records += from_rows(rows)
    return records


FACTS = {"version": 8, "rows": 800, "files": 8, "bytes": 9, "updated_at": "2026-01-12T06:00:00+00:00"}


@pytest.fixture(scope="module")
def document():
    return make_document("a/b", "a.pipeline", history(8, shift=100.0), facts=FACTS)


@pytest.fixture(scope="module")
def page(document):
    return to_html(document)


class Page(HTMLParser):
    """What a browser would fetch, run, or read aloud."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_a_page_fetches_nothing_and_runs_nothing(page):
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", page)
    read = Page(page)
    assert {tag for tag, _ in read.tags} & {"script", "link", "img", "iframe", "object", "base"} == set()
    for _, attributes in read.tags:
        assert not attributes.keys() & {"src", "href", "xlink:href", "srcset", "action", "onload", "onclick"}


def test_a_page_is_small_and_whole(page):
    assert len(page.encode()) < 1_000_000
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")


def test_values_of_sensitive_columns_are_in_no_form(document, page):
    for text in (page, to_markdown(document), json.dumps(document.to_dict(), default=str)):
        assert "email" in text
        assert "secret" not in text


def test_hostile_values_are_text(document, page):
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert EVIL in Page(page).text.replace("\n", "")
    assert "<script" not in to_markdown(document)
    for line in to_markdown(document).splitlines():
        if line.startswith("| shop"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 12


def test_tables_and_plots_can_be_read_without_seeing_them(page):
    read = Page(page)
    tags = [tag for tag, _ in read.tags]
    assert tags.count("table") == tags.count("caption") >= 4
    assert all(attributes.get("scope") in {"col", "row"} for tag, attributes in read.tags if tag == "th")
    plots = [attributes for tag, attributes in read.tags if tag == "svg"]
    assert len(plots) >= 4
    assert all(plot["role"] == "img" and plot["aria-label"] for plot in plots)
    assert "prefers-color-scheme: dark" in page
    assert {"html", "main", "header", "h1"} <= set(tags)


def test_ids_within_a_page_are_there_once(page):
    ids = [attributes["id"] for _, attributes in Page(page).tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)


def test_every_form_shows_what_does_not_hold_with_its_evidence(document, page):
    broken = document.findings("broken")
    assert [(f.metric, f.origin) for f in broken] == [
        ("max", "expected"),
        ("mean", "learned"),
        ("psi", "learned"),
        ("ks", "learned"),
    ]
    shown = {finding["text"] for finding in document.to_dict()["findings"]}
    for finding in broken:
        assert finding.text in Page(page).text
        assert finding.text in to_markdown(document)
        assert finding.text in shown


def test_the_score_in_a_report_can_be_computed_from_what_it_shows(document):
    shown = json.loads(json.dumps(document.to_dict(), default=str))
    weight = sum(shown["weights"][name] for name in shown["parts"])
    by_hand = 100 * sum(shown["weights"][name] * part for name, part in shown["parts"].items()) / weight
    assert shown["score"] == round(by_hand, 1)
    assert shown["weights"] == WEIGHTS
    formula = re.search(r"`100 x \((.+)\) / (\S+) = (\S+)`", to_markdown(document))
    total = sum(float(w) * float(v) for w, v in (term.split(" x ") for term in formula[1].split(" + ")))
    assert round(100 * total / float(formula[2]), 1) == float(formula[3]) == shown["score"]


def test_a_trend_holds_the_band_of_each_run(document):
    points = document.trend("mean", "spent")
    assert len(points) == 8
    assert points[0]["low"] is None
    assert points[-1]["is_broken"] is True
    assert points[-1]["low"] <= points[-2]["value"] <= points[-1]["high"]
    assert [point["value"] for point in document.trend("rows")] == [100.0] * 8


def test_runs_of_another_scope_are_no_part_of_a_trend():
    records = history(3)
    mixed = [replace(records[0], scope="whole"), *records[1:]]
    assert len(make_document("a/b", "p", mixed, facts={}).trend("rows")) == 2


def test_a_first_run_has_a_report_without_trends():
    first = make_document("a/b", "p", history(1), facts={})
    page = to_html(first)
    assert "<svg" not in page
    assert "not enough history on a Monday: 0 of 2 runs" in page
    assert "Last" not in to_markdown(first)


def test_markdown_reads_as_a_whole():
    lines = to_markdown(make_document("a/b", "a.pipeline", history(3), facts=FACTS)).splitlines()
    assert lines[:12] == [
        "# Quality of a/b: score 100.0",
        "",
        "Run run3 of a.pipeline, sequence 3, 2026-01-07 06:00 UTC:",
        "100 rows staged (batch).",
        "The table is at version 8 with 800 rows, changed 2026-01-12T06:00:00+00:00.",
        "",
        "## What does not hold",
        "",
        "Nothing.",
        "",
        lines[10],
        lines[11],
    ]
    assert lines[10] == "7 checks hold. 4 cannot be held yet:"
    assert lines[11] == "- rows is 100; not enough history on a Wednesday: 0 of 2 runs"
    assert "| email | String | 0% | 9 | sensitive | sensitive | sensitive | sensitive | - | - | ▁▁▁ |" in lines
    assert lines[-1] == "Of columns marked sensitive no value is kept, only rates."


def test_a_report_on_a_sample_says_what_is_approximate(document):
    sampled = replace(document, record=replace(document.record, sampled=10))
    text = to_markdown(sampled)
    assert "| shop | String | 0% | ~2 |" in text
    assert "of a random sample of 10 rows" in text
    assert "approximate: numbers of different values" in text


def test_without_what_draws_plots_the_error_says_what_to_install(document, monkeypatch):
    import sys

    from framework.errors import ConfigurationError

    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(ConfigurationError) as caught:
        to_html(document)
    assert str(caught.value) == (
        "the plots of an HTML report need vl-convert-python, which is not installed;"
        " install the extra 'report', or ask for --format md or json"
    )
