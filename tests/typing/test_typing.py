"""What a type checker says of pipelines: well-typed steps pass, an unchecked frame where rows are promised does not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SNIPPETS = ROOT / "tests/typing/snippets"
EXPECTED = re.compile(r"# error: (.+)$")


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, list[tuple[int, str]]]:
    """The errors of every snippet, by line, from one strict run."""
    files = sorted(SNIPPETS.glob("*.py"))
    command = [
        sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--no-error-summary", "--no-pretty",
        "--cache-dir", str(tmp_path_factory.mktemp("mypy")), "--follow-imports", "silent", *map(str, files),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    found: dict[str, list[tuple[int, str]]] = {file.name: [] for file in files}
    for line in done.stdout.splitlines():
        parts = re.fullmatch(r"(.+?):(\d+): error: (.+)", line)
        if parts:
            text = re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", parts[3])  # LazyFrame, from wherever it is
            found.setdefault(Path(parts[1]).name, []).append((int(parts[2]), text))
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in SNIPPETS.glob("*.py")))
def test_snippet_gives_the_errors_it_names_and_no_other(name, told):
    lines = (SNIPPETS / name).read_text(encoding="utf-8").splitlines()
    expected = {n: match[1] for n, line in enumerate(lines, 1) if (match := EXPECTED.search(line))}
    found = dict(told[name])
    assert sorted(found) == sorted(expected), found
    for number, text in expected.items():
        assert text in found[number]


def test_there_are_snippets_of_both_kinds():
    texts = {path.name: path.read_text(encoding="utf-8") for path in SNIPPETS.glob("*.py")}
    assert {name.startswith("fail_") for name, text in texts.items() if "# error: " in text} == {True}
    assert {name.startswith("pass_") for name, text in texts.items() if "# error: " not in text} == {True}
