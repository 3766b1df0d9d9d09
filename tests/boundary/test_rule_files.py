"""Files of rules alone: what is read from them, and what each mistake is told, with its place."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

import pytest

from framework import agree, load_rules, references
from framework.boundary.rule_files import read_rules
from framework.errors import DefinitionError

DOCUMENT = """
rules:
  - name: sold
    holds: quantity > 0
    message: 'quantity: must be sold'
    owner: sales
    severity: warning
    budget: [1%, 5]
    description: Returns are kept elsewhere.
    holds_for: [{quantity: 1}]
    breaks_for: [[{quantity: 1}, {quantity: 0}]]
  - name: all_is_summed
    agree: {left: days, right: sales, on: {left: SUM(net), right: SUM(amount)}, by: {day: date}, within: 0.5%, over: run}
    owner: finance
  - name: known
    references: {of: sales, column: [shop, product], to: products, key: [shop, id]}
    budget: 5
    breaks_for: [{sales: [{product: x}], products: []}]
"""


def test_file_holds_rules_over_rows_and_across_tables(tmp_path, monkeypatch):
    (tmp_path / "rules.yaml").write_text(DOCUMENT)
    monkeypatch.syspath_prepend(tmp_path)
    sold, summed, known = load_rules("rules.yaml")
    assert (sold.expression, sold.severity, sold.terms.budget) == ("quantity > 0", "warning", ["1%", 5])
    assert (sold.terms.holds, sold.terms.breaks) == (({"quantity": 1},), ([{"quantity": 1}, {"quantity": 0}],))
    assert summed == agree(
        "all_is_summed", left="days", right="sales", on=("SUM(net)", "SUM(amount)"), by={"day": "date"}, within="0.5%", over="run", owner="finance"
    )  # fmt: skip
    assert [side.value for side in (summed.left, summed.right)] == ["SUM(net)", "SUM(amount)"]
    assert known == references(
        "known", of="sales", column=["shop", "product"], to="products", key=["shop", "id"], budget=5,
        breaks=[{"sales": [{"product": "x"}], "products": []}],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rule: []", ["r.yaml:1:1: a file of rules has one key, rules, with a list (write rules: at the top)"]),
        ("rules: [5]", ["r.yaml:1:9: rules[0]: must be a mapping, got the number 5"]),
        ("rules: [{name: a, message: m}]", ["r.yaml:1:9: rules[0]: does not say what is asked (say one of holds: <SQL>, agree: and references:)"]),
        ("rules: [{name: a, holds: x > 1}]", ["r.yaml:1:9: rules[0]: has no message (write message: beside it)"]),
        ("rules: [{holds: x >, message: m, name: a}]", ["r.yaml:1:17: rules[0].holds: is no expression in SQL: unable to parse 'x >' as Expr"]),
        ("rules: [{holds: x > 1, message: m, name: a, onwer: me}]", ["r.yaml:1:45: rules[0].onwer: this key is not known (did you mean 'owner'?)"]),
        ("rules: [{holds: x > 1, message: '', name: A}]", [
            "r.yaml:1:9: rules[0]: 'A' is no name of a rule (lower case words with underscores, such as net_within_gross)",
            "r.yaml:1:9: rules[0]: has an empty message (say what a row that breaks it is told)",
        ]),
        ("rules: [{holds: x > 1, message: m, name: a, budget: lots}]", ["r.yaml:1:53: rules[0].budget: must be a number of rows, a share such as 0.1%, or a list of both, got 'lots'"]),
        ("rules: [{holds: x > 1, message: m, name: a, holds_for: [5]}]", ["r.yaml:1:56: rules[0].holds_for: an example must be a row as {column: value}, or a list of rows, got the number 5"]),
        ("rules: [{name: a, agree: {left: x, rihgt: y, on: SUM(z)}}]", [
            "r.yaml:1:26: rules[0].agree: has no right (write right: below agree)",
            "r.yaml:1:36: rules[0].agree.rihgt: this key is not known (did you mean 'right'?)",
        ]),
        ("rules: [{name: a, agree: {left: x, right: y, on: SUM(z, over: all}}]", ["r.yaml:1:50: rules[0].agree.on: is no expression in SQL: unable to parse 'SUM(z' as Expr", "r.yaml:1:63: rules[0].agree.over: must be one of tables, run, got 'all'"]),
        ("rules: [{name: a, agree: {left: x, right: y, on: SUM(z)}, budget: 5}]", ["r.yaml:1:59: rules[0].budget: counts rows, and sums are compared (say how far the two may be apart: within: below agree)"]),
        ("rules: [{name: a, references: {of: x}}]", [
            "r.yaml:1:31: rules[0].references: has no column (write column: below references)",
            "r.yaml:1:31: rules[0].references: has no to (write to: below references)",
        ]),
    ],
)  # fmt: skip
def test_mistake_is_told_with_its_place(text, told):
    with pytest.raises(DefinitionError) as caught:
        read_rules(text.encode(), "r.yaml")
    assert [str(problem) for problem in caught.value.problems] == told
