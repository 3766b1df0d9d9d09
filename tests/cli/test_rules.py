"""The rule book on the command line: listed, shown, written as a document, and tried."""

from __future__ import annotations

import json
import sys

import pytest

from framework.cli.main import main
from framework.cli.options import Options, choose

PIPELINE = """
import pandera.polars as pa
import polars as pl
from framework import Pipeline, agree, csv_files, load_rules, rule, table

class Line(pa.DataFrameModel):
    net: int = pa.Field(ge=0)
    gross: int

    net_within_gross = rule("net_within_gross", "net <= gross", message="net: must not exceed gross", owner="finance",
        description="A | takes off.", budget="1%", holds=[{"net": 1, "gross": 2}], breaks=[{"net": 3, "gross": 2}])

lines = csv_files("lines/*.csv", schema=Line, rules=load_rules("rules.yaml"))
pipeline = Pipeline("shop.lines", sources={"lines": lines},
    outputs=[table("shop/lines", of="lines"), table("shop/again", of="lines", mode="append")])
"""
RULES = "rules:\n  - {name: sold, holds: gross > 0, message: 'gross: must be sold', severity: warning%s}\n"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A project of its own, under a name that no other test's modules have."""
    package = f"shop_{tmp_path.name.replace('-', '_')}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    (tmp_path / package / "lines.py").write_text(PIPELINE)
    (tmp_path / "rules.yaml").write_text(RULES % "")
    monkeypatch.setenv("SLUICE_PACKAGES", json.dumps([package]))
    monkeypatch.setattr("sys.path", [*sys.path])
    yield tmp_path
    choose(Options())


@pytest.fixture
def sluice_here(shop, capsys):
    def run(*words):
        code = main([*words, "--project", str(shop)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_rules_are_listed_with_where_they_stand_and_who_answers_for_them(sluice_here):
    code, out, err = sluice_here("rules", "shop")
    assert (code, err) == (0, "next: sluice rules show net_within_gross\n")
    assert out.splitlines() == [
        "rule                          where                    kind  severity  owner    message                     budget  examples",  # noqa: E501
        "net_within_gross              schema Line              row   error     finance  net: must not exceed gross  1%             2",  # noqa: E501
        "sold                          source shop.lines:lines  row   warning   -        gross: must be sold         -              0",  # noqa: E501
        "net.greater_than_or_equal_to  schema Line              row   error     -        net: must be >= 0           -              0",  # noqa: E501
        "3 rules: 3 row",
    ]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--owner", "finance"], ["net_within_gross"]),
        (["--named"], ["net_within_gross", "sold"]),
        (["--kind", "window"], []),
        (["shop.lines"], ["net_within_gross", "sold", "net.greater_than_or_equal_to"]),
    ],
)
def test_rules_can_be_picked(sluice_here, words, names):
    code, out, _ = sluice_here("rules", *words, "--json")
    assert (code, [one["name"] for one in json.loads(out)["rules"]]) == (0, names)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["rules", "shopp"], 4, "error: no pipeline is called 'shopp'; did you mean 'shop'"),
        (["rules", "--owner", "finanse"], 4, "error: no rule is owned by 'finanse'; did you mean 'finance'?"),
        (
            ["rules", "show", "net_in_gross"],
            4,
            "error: no rule is called 'net_in_gross'; did you mean 'net_within_gros",
        ),
        (["rules", "test", "slod"], 4, "error: no rule is called 'slod'; did you mean 'sold'?"),
    ],
)
def test_name_that_nothing_has_is_told_with_the_nearest(sluice_here, words, code, told):
    found, _, err = sluice_here(*words)
    assert (found, err[: len(told)]) == (code, told)


def test_rule_is_shown_with_its_expression_and_examples(sluice_here):
    code, out, _ = sluice_here("rules", "show", "net_within_gross")
    assert (code, out.splitlines()) == (
        0,
        [
            "net_within_gross",
            "  description A | takes off.",
            "  message     net: must not exceed gross",
            '  expression  [(col("net")) <= (col("gross"))]',
            "  kind        row",
            "  severity    error",
            "  owner       finance",
            "  budget      1%",
            "  where       schema Line",
            "  used by     shop.lines:lines",
            "  holds for   {'net': 1, 'gross': 2}",
            "  breaks for  {'net': 3, 'gross': 2}",
        ],
    )


def test_book_is_written_as_a_document(sluice_here):
    code, out, err = sluice_here("rules", "--named", "--format", "markdown")
    assert (code, err) == (0, "")
    assert "## Schema Line\n" in out
    assert "| `net_within_gross` | net: must not exceed gross | row | error | finance | 1% | 2 |\n" in out
    assert "\n`net_within_gross`: A | takes off.\n" in out


def test_rules_are_tried_and_one_without_examples_fails_only_where_that_is_asked(sluice_here):
    code, out, _ = sluice_here("rules", "test")
    assert (code, out.splitlines()) == (
        0,
        [
            "ok        net_within_gross: schema Line (2 examples)",
            "untested  sold: source shop.lines:lines",
            "2 rules tried: 1 passed, 1 untested",
        ],
    )
    assert sluice_here("rules", "test", "--strict")[0] == 1
    assert sluice_here("rules", "test", "net_within_gross", "--strict")[0] == 0


def test_wrong_example_fails_the_command(sluice_here, shop):
    (shop / "rules.yaml").write_text(RULES % ", breaks_for: [{gross: 1}]")
    code, out, _ = sluice_here("rules", "test", "shop.lines", "--json")
    (wrong,) = [one for one in json.loads(out)["rules"] if one["state"] == "failed"]
    assert (code, wrong["findings"]) == (1, ['example 1 of breaks: {"gross": 1} must break it, and holds'])
