"""`sluice schema` as users have it: listing, showing and writing schemas, and what a broken file says."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema_rs
import pytest

from framework.cli.excerpts import with_excerpts

ORDER = """\
schema: Order
description: One row per order.
columns:
  order_id:
    type: str
    str_matches: O[0-9]+$
  day: date
  product:
    type: str
    isin: [apples, pears, plums]
  quantity:
    type: int
    gt: 0
  unit_price:
    type: decimal(18, 2)
    ge: 0
"""
RULES = """\
rules:
  - name: not_too_much
    holds: quantity * unit_price <= 9.99
    message: worth more than 9.99
    owner: sales
  - name: enough
    holds: COUNT(*) >= 100
    message: fewer than 100 orders
    severity: warning
"""
SALE = """\
schema: Sale
strict: true
columns:
  at: {type: 'datetime[us, UTC]', zone: Europe/Berlin, formats: ['%d.%m.%Y %H:%M'], required: false}
  email: {type: str, nullable: true, sensitive: true, description: of the buyer, default: '-'}
"""


@pytest.fixture(scope="module")
def shop(finished_project, tmp_path_factory):
    """The shop with its orders described in YAML, and a model in Python that inherits from it. Read, never changed."""
    project = Path(shutil.copytree(finished_project, tmp_path_factory.mktemp("schemas") / "shop"))
    (project / "schemas/order.yaml").write_text(ORDER + RULES, encoding="utf-8")
    (project / "schemas/sale.yaml").write_text(SALE, encoding="utf-8")
    module = project / "schemas/shop.py"
    before, _, after = module.read_text(encoding="utf-8").partition("class Order(")
    loaded = (
        'Order = load_schema("schemas/order.yaml")\n\n\nclass ValuedOrder' + after.partition("class ValuedOrder")[2]
    )
    module.write_text("from framework import load_schema\n" + before + loaded, encoding="utf-8")
    return project


@pytest.fixture
def own_shop(shop, tmp_path):
    """A copy of the shop that a test may change."""
    return Path(shutil.copytree(shop, tmp_path / "shop"))


def test_schemas_are_listed_with_where_they_are_and_where_they_are_used(sluice, shop):
    done = sluice("schema", "list", cwd=shop)
    assert (done.returncode, done.stderr) == (0, "next: sluice schema show schemas.shop:DailyTotal\n")
    assert done.stdout == (
        "schema       columns  rules  where                     used_by\n"
        "DailyTotal         4      2  schemas.shop:DailyTotal   shop.daily_totals:daily_totals\n"
        "Order              5      6  schemas/order.yaml        shop.orders:orders\n"
        "ValuedOrder        6      7  schemas.shop:ValuedOrder  shop.daily_totals:orders; shop.orders:valued_orders\n"
    )
    listed = json.loads(sluice("schema", "list", "--json", cwd=shop).stdout)["schemas"]
    assert listed[1] == {
        "schema": "Order",
        "columns": 5,
        "rules": 6,
        "where": "schemas/order.yaml",
        "used_by": ["shop.orders:orders"],
    }


@pytest.mark.parametrize("name", ["Order", "shop.orders.orders"])
def test_a_schema_is_shown_by_any_of_its_names(sluice, shop, name):
    done = sluice("schema", "show", name, cwd=shop)
    assert done.stdout == (
        "Order\n"
        "One row per order.\n"
        "\n"
        "column      type            empty\n"
        "order_id    str             no\n"
        "day         date            no\n"
        "product     str             no\n"
        "quantity    int             no\n"
        "unit_price  decimal(18, 2)  no\n"
        "\n"
        "rule                      column      message                                      severity  judges  owner\n"
        "str_matches               order_id    must match O[0-9]+$                          error     row     -\n"
        "isin                      product     must be one of ['apples', 'pears', 'plums']  error     row     -\n"
        "greater_than              quantity    must be > 0                                  error     row     -\n"
        "greater_than_or_equal_to  unit_price  must be >= 0                                 error     row     -\n"
        "not_too_much              -           worth more than 9.99                         error     row     sales\n"
        "enough                    -           fewer than 100 orders                        warning   batch   -\n"
    )


def test_a_schema_that_is_shown_says_how_its_columns_are_read(sluice, shop):
    assert sluice("schema", "show", "schemas/sale.yaml", cwd=shop).stdout == (
        "Sale (strict)\n"
        "\n"
        "column  type               empty              default  read_as                                       description\n"
        "at      datetime[us, UTC]  no, may be absent  -        zone: Europe/Berlin; formats: %d.%m.%Y %H:%M  -\n"
        "email   str, sensitive     allowed            -        -                                             of the buyer\n"
    )


def test_what_is_written_as_yaml_is_what_the_file_says(sluice, shop):
    done = sluice("schema", "show", "schemas/order.yaml", "--format", "yaml", cwd=shop)
    assert done.stdout == ORDER + RULES


def test_a_pipeline_by_itself_stands_for_its_output(sluice, shop):
    assert sluice("schema", "show", "shop.daily_totals", cwd=shop).stdout.startswith("DailyTotal\n")


def test_a_schema_is_written_as_json_schema(sluice, shop):
    document = json.loads(sluice("schema", "show", "schemas/order.yaml", "--format", "json-schema", cwd=shop).stdout)
    rows = jsonschema_rs.Draft202012Validator(document)
    good = {"order_id": "O1", "day": "2024-01-01", "product": "pears", "quantity": 1, "unit_price": 2.5}
    assert rows.is_valid(good)
    assert not rows.is_valid({**good, "quantity": 0})


def test_the_format_is_printed_for_editors(sluice, shop):
    document = json.loads(sluice("schema", "format", cwd=shop).stdout)
    assert document["title"] == "A schema of Sluice in YAML"


def test_what_is_not_there_is_said_with_the_nearest(sluice, shop):
    done = sluice("schema", "show", "Ordr", cwd=shop)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "error: no schema is called 'Ordr'; did you mean 'Order'?\n"


def test_two_schemas_of_a_name_are_told_apart_by_where_they_are(sluice, own_shop):
    module = own_shop / "schemas/shop.py"
    module.write_text(module.read_text(encoding="utf-8") + '\nDailyTotal.__name__ = "Order"\n', encoding="utf-8")
    done = sluice("schema", "show", "Order", cwd=own_shop)
    assert (done.returncode, done.stderr) == (
        4,
        "error: 2 schemas are called 'Order'; say which: schemas.shop:Order or schemas/order.yaml\n",
    )


def test_a_run_holds_rows_against_the_rules_of_a_file(sluice, own_shop):
    report = json.loads(sluice("run", "shop.orders", "--full", "--json", cwd=own_shop).stdout)
    source = report["runs"][0]["sources"]["orders"]
    assert source["reasons"] == {
        "product: must be one of ['apples', 'pears', 'plums']": 1,
        "quantity: must be > 0": 1,
        "worth more than 9.99": 1,
    }


def test_a_broken_file_is_shown_with_the_lines_that_are_wrong(sluice, own_shop):
    broken = (ORDER + RULES).replace("gt: 0", "gtt: 0").replace("COUNT(*) >=", "COUNT( >=")
    (own_shop / "schemas/order.yaml").write_text(broken, encoding="utf-8")
    done = sluice("check", cwd=own_shop)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: 2 problems in the definition:\n"
        "  - schemas/order.yaml:13:5: columns.quantity.gtt: this key is not known (did you mean 'gt'?)\n"
        "      13 |     gtt: 0\n"
        "         |     ^\n"
        "  - schemas/order.yaml:23:12: rules[1].holds: is no expression in SQL: unable to parse 'COUNT( >= 100' as Expr\n"
        "      23 |     holds: COUNT( >= 100\n"
        "         |            ^\n"
    )


def test_excerpts_are_of_lines_that_are_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "h2.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nlong: " + b"x" * 300 + b"\nbell: \x07\n")
    long_line = f"{'x' * 160}"
    assert with_excerpts(
        "  - h2.yaml:1:4: a\n  - h2.yaml:2:100: b\n  - h2.yaml:3:1: c\n  - h2.yaml:9:1: d\n  - gone.yaml:1:1: e\nplain: 1:2: f"
    ) == (
        "  - h2.yaml:1:4: a\n      1 | a: 1\n        |    ^\n"
        f"  - h2.yaml:2:100: b\n      2 | {long_line}\n        | {' ' * 40}^\n"
        "  - h2.yaml:3:1: c\n  - h2.yaml:9:1: d\n  - gone.yaml:1:1: e\nplain: 1:2: f"
    )
