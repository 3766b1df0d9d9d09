"""The documents say what is true: code in them is code of the repository, links and commands exist."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def test_the_example_of_the_readme_stands_in_the_pipeline_it_names():
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert example in (ROOT / "pipelines/retail/sales.py").read_text()


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
    from framework.settings import S3Settings, Settings

    text = (ROOT / "docs/reference/settings.md").read_text()
    names = [n for n in Settings.model_fields if n not in {"project", "s3"}]
    assert [n for n in names if f"`SLUICE_{n.upper()}`" not in text] == []
    assert [n for n in S3Settings.model_fields if f"__{n.upper()}`" not in text] == []
