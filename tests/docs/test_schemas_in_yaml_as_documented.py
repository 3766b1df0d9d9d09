"""docs/reference/schemas-in-yaml.md: its examples are read, and it knows every key, option and type."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

import framework
from framework.boundary.yaml_schema import read_yaml_schema
from framework.boundary.yaml_schema.keys import CHECKS, COLUMN, COLUMN_LAST, OPTIONS, RULE, SCHEMA
from framework.boundary.yaml_schema.types import PLAIN, SHAPES, read_type

PAGE = (Path(__file__).parents[2] / "docs/reference/schemas-in-yaml.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)


def section(title):
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_examples_are_read():
    whole, column = EXAMPLES
    assert read_yaml_schema(whole.encode(), "x.yaml").name == "Campaign"
    text = f"schema: S\ncolumns:\n{textwrap.indent(column, '  ')}"
    assert len(read_yaml_schema(text.encode(), "x.yaml").columns["quantity"].checks) == 3


@pytest.mark.parametrize(
    ("title", "keys"),
    [
        ("The schema", SCHEMA),
        ("Columns", [*COLUMN, *COLUMN_LAST, *CHECKS, *OPTIONS]),
        ("Rules", [key for key in RULE if key not in OPTIONS]),
    ],
)
def test_every_key_is_described(title, keys):
    assert [key for key in keys if f"`{key}`" not in section(title)] == []


def test_every_type_is_described():
    told = re.findall(r"`([^`]+)`", section("Columns"))
    plain = [word for word in PLAIN if not re.fullmatch(r"u?int(8|16|32|64|128)", word)]
    assert [word for word in plain if word not in told] == []
    shapes = [words for words in told if words.partition("[")[0].partition("(")[0].partition("{")[0] in SHAPES]
    assert {words.partition("[")[0].partition("(")[0].partition("{")[0] for words in shapes} == set(SHAPES)
    assert [str(read_type(words)) for words in shapes]


def test_what_python_offers_is_there():
    assert {"load_schema", "yaml_schema", "json_schema"} <= set(framework.__all__)
    assert framework.yaml_schema(framework.load_schema("schemas/campaign.yaml")).startswith("schema: Campaign\n")
