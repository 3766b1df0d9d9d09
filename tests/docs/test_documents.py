"""The documents say what is true: code in them is code of the repository, links and commands exist."""

import ast
import re
import shlex
from inspect import signature
from pathlib import Path

import pytest

import framework
from framework import transforms

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def test_the_examples_of_the_readme_stand_in_pipelines():
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    pipelines = [path.read_text() for path in (ROOT / "pipelines").rglob("*.py")]
    assert examples[0] in (ROOT / "pipelines/retail/sales.py").read_text()
    assert [example for example in examples if not any(example in text for text in pipelines)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def commands():
    for page in PAGES:
        for block in re.findall(r"^```\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            for line in block.splitlines():
                for part in line.split("#")[0].split("&&"):
                    if part.strip().startswith("sluice "):
                        yield tuple(shlex.split(part)[1:])


@pytest.mark.parametrize("words", sorted(set(commands())), ids=" ".join)
def test_commands_of_the_documents_can_be_parsed(words):
    from framework.cli.main import build

    words = [word for word in words if word != "--json"]  # a flag of every command
    build().parse_args(words, exit_on_error=False, print_error=False)


def test_every_setting_is_in_the_reference():
    from framework.settings import RetrySettings, S3Settings, Settings

    text = (ROOT / "docs/reference/settings.md").read_text()
    names = [n for n in Settings.model_fields if n not in {"project", "retry", "s3"}]
    assert [n for n in names if f"`SLUICE_{n.upper()}`" not in text] == []
    nested = [*S3Settings.model_fields, *RetrySettings.model_fields]
    assert [n for n in nested if f"__{n.upper()}`" not in text] == []


def code_blocks():
    for page in PAGES:
        for number, block in enumerate(
            re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        ):
            yield pytest.param(block, id=f"{page.name}-{number}")


@pytest.mark.parametrize("block", list(code_blocks()))
def test_code_of_the_documents_parses_and_calls_what_there_is_as_it_wants_to_be_called(block):
    known = {name: getattr(module, name) for module in (framework, transforms) for name in module.__all__}
    for call in (node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Call)):
        called, *rest = [call.func, *call.args]
        if isinstance(called, ast.Attribute) and called.attr == "pipe":  # what is piped comes first
            called, rest = call.args[0], call.args
        if isinstance(called, ast.Name) and callable(known.get(called.id)):
            options = {keyword.arg: None for keyword in call.keywords if keyword.arg}
            signature(known[called.id]).bind(*rest, **options)
