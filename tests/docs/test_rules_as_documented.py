"""docs/reference/rules.md and the how-to: their YAML is read, and every key and argument is described."""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path

import pytest

from framework import agree, references, rule
from framework.boundary.rule_files import read_rules
from framework.boundary.yaml_schema.keys import AGREE, ALONE, REFERENCES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference/rules.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to/business-rules.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "count"), [(PAGE, 2), (HOW_TO, 1)])
def test_files_of_rules_are_read(page, count):
    (text,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert len(read_rules(text.encode(), "rules.yaml")) == count


@pytest.mark.parametrize("keys", [AGREE, REFERENCES, [key for key in ALONE if key != "holds_for"]])
def test_every_key_is_described(keys):
    assert [key for key in keys if f"`{key}`" not in PAGE and f"`{key}:" not in PAGE and f"`{key}(" not in PAGE] == []


@pytest.mark.parametrize("function", [rule, agree, references])
def test_every_argument_is_described(function):
    assert [name for name in signature(function).parameters if name != "expression" and f"`{name}`" not in PAGE] == []
