"""Business rules in Python: what a definition is refused for, and what becomes of a rule in a schema."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

import pandera.errors
import pandera.polars as pa
import polars as pl
import pytest

from framework import load_schema, rule, yaml_schema
from framework.boundary import as_check, compile_contract
from framework.boundary.rule import Rule
from framework.errors import DefinitionError

NET = pl.col("net") <= pl.col("gross")
WORDS = "net: must not exceed gross"


class Line(pa.DataFrameModel):
    net: int
    gross: int

    net_within_gross = rule(
        "net_within_gross",
        NET,
        message=WORDS,
        owner="finance",
        severity="warning",
        budget=["1%", 9],
        description="A discount takes off.",
        holds=[{"net": 1, "gross": 2}],
        breaks=[[{"net": 3, "gross": 2}]],
    )


class DatedLine(Line):
    day: pl.Date


def problems(make, *arguments, **options):
    with pytest.raises(DefinitionError) as caught:
        make(*arguments, **options)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("model", [Line, DatedLine])
def test_rule_of_a_model_is_a_rule_of_its_contract_and_of_those_that_inherit(model):
    (found,) = [one for one in compile_contract(model).rules if one.name == "net_within_gross"]
    assert (found.reason, found.severity, found.description) == (WORDS, "warning", "A discount takes off.")
    assert (found.terms.owner, [str(limit) for limit in found.limits]) == ("finance", ["1%", "9"])
    assert found.holds.meta.eq(NET)


def test_pandera_itself_holds_the_rule_too():
    class Strict(pa.DataFrameModel):
        net: int
        gross: int
        net_within_gross = rule("net_within_gross", "net <= gross", message=WORDS)

    Strict.validate(pl.DataFrame({"net": [1], "gross": [2]}))
    with pytest.raises(pandera.errors.SchemaErrors, match=WORDS):
        Strict.validate(pl.DataFrame({"net": [3], "gross": [2]}), lazy=True)


@pytest.mark.parametrize(
    ("expression", "reach"),
    [
        (NET, "row"),
        ("net <= gross", "row"),
        (pl.len().over("net") == 1, "window"),
        ("COUNT(*) OVER (PARTITION BY net) = 1", "window"),
        (pl.col("net").sum() <= pl.col("gross").sum(), "dataset"),
        ("SUM(net) <= 100", "dataset"),
    ],
)
def test_how_much_a_rule_looks_at_is_seen_from_its_expression(expression, reach):
    contract = compile_contract(
        pa.DataFrameSchema({"net": pa.Column(pl.Int64), "gross": pa.Column(pl.Int64)}, name="S"),
        checks=[as_check(rule("r", expression, message="m"))],
    )
    (found,) = [*contract.rules, *contract.dataset_rules]
    assert ("dataset" if not isinstance(found, Rule) else "window" if found.is_window else "row") == reach


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": "Net within"}, "rule 'Net within': 'Net within' is no name of a rule (lower case words with underscores, such as net_within_gross)"),
        ({"name": "greater_than"}, "rule 'greater_than': has the name of a check of Pandera, which would take it for that (choose another)"),
        ({"message": " "}, "rule 'r': has an empty message (say what a row that breaks it is told)"),
        ({"owner": ""}, "rule 'r': has an empty owner (say who answers for it, or leave owner out)"),
        ({"severity": "warn"}, "rule 'r': severity='warn' is unknown (did you mean 'warning'?)"),
        ({"budget": "one percent"}, "rule 'r': its budget 'one percent' is no limit (give a number of rows, or a share such as '0.1%')"),
        ({"expression": lambda: True}, "rule 'r': its expression is a function (give an expression of Polars, or SQL as text)"),
        ({"expression": "net <="}, "rule 'r': is no expression in SQL: unable to parse 'net <=' as Expr (true where the rule holds, such as net_amount <= gross_amount)"),
        ({"holds": [5]}, "rule 'r': example 1 of holds is 5 (give a row as {column: value}, or a list of rows)"),
    ],
)  # fmt: skip
def test_definition_that_cannot_be_is_refused_in_words(options, told):
    given = {"name": "r", "expression": NET, "message": "m", **options}
    assert problems(rule, given.pop("name"), given.pop("expression"), **given) == [told]


@pytest.mark.parametrize(
    ("expression", "options", "told"),
    [
        (pl.col("nett") <= pl.col("gross"), {}, "S.r: it looks at column 'nett', which the schema does not have; did you mean 'net'?"),
        ("nett <= gross", {}, "S.r: it looks at column 'nett', which the schema does not have; did you mean 'net'?"),
        (pl.col("net") + 1, {}, "S.r: it answers with Int64, not with true or false"),
        ("net + 1", {}, "S.r: it answers with Int64, not with true or false"),
        (pl.col("net").str.len_chars() > 1, {}, "S.r: it does not fit the column's type: invalid series dtype: expected `String`, got `i64` for series with name `net`"),
        (pl.col("net").sum() > 1, {"budget": 5}, "S.r: it judges all rows at once, so no rows can be counted for its budget; leave budget out"),
    ],
)  # fmt: skip
def test_expression_that_does_not_fit_its_schema_is_refused_by_the_name_of_the_rule(expression, options, told):
    schema = pa.DataFrameSchema({"net": pa.Column(pl.Int64), "gross": pa.Column(pl.Int64)}, name="S")
    check = as_check(rule("r", expression, message="m", **options))
    assert problems(compile_contract, schema, checks=[check]) == [told]


def test_name_that_two_rules_have_is_refused():
    again = as_check(rule("net_within_gross", NET, message="again"))
    assert problems(compile_contract, Line, checks=[again]) == [
        "Line.net_within_gross: 2 rules have this name (rename one, or leave one out)"
    ]


def test_rule_of_a_model_goes_to_yaml_and_back_with_all_its_terms(tmp_path, monkeypatch):
    class Sold(pa.DataFrameModel):
        net: int
        gross: int
        net_within_gross = rule("net_within_gross", "net <= gross", **TERMS)

    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "line.yaml").write_text(yaml_schema(Sold))
    read = load_schema("line.yaml")
    assert yaml_schema(read) == yaml_schema(Sold)
    (found,) = [one for one in compile_contract(read).rules if one.name == "net_within_gross"]
    assert (found.terms.owner, found.terms.budget) == ("finance", "1%")
    assert (found.terms.holds, found.terms.breaks) == (({"net": 1, "gross": 2},), ([{"net": 3, "gross": 2}],))


TERMS = {
    "message": WORDS,
    "owner": "finance",
    "budget": "1%",
    "description": "A discount takes off.",
    "holds": [{"net": 1, "gross": 2}],
    "breaks": [[{"net": 3, "gross": 2}]],
}


def test_rule_that_is_an_expression_is_written_as_a_reference_to_its_model(tmp_path, monkeypatch):
    text = yaml_schema(Line)
    assert "python: tests.boundary.test_business_rules:Line.net_within_gross" in text
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "line.yaml").write_text(text)
    (found,) = compile_contract(load_schema("line.yaml")).rules
    assert (found.name, found.reason, found.terms.owner) == ("net_within_gross", WORDS, "finance")
    assert found.holds.meta.eq(NET)


def test_rule_that_is_an_expression_without_a_home_is_refused_in_yaml():
    schema = pa.DataFrameSchema(
        {"net": pa.Column(pl.Int64)}, checks=[as_check(rule("r", pl.col("net") > 0, message="m"))], name="S"
    )
    (told,) = problems(yaml_schema, schema)
    assert told.startswith("S.r: cannot be written in YAML: '<locals>.r' is known only where it is defined")
