"""The house rules that no type checker sees: who imports whom, and what code must not do where."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
COLLECTORS = {"collect", "collect_all", "collect_async", "collect_batches"}
PICKLERS = {"pickle", "cloudpickle", "dill", "marshal", "shelve"}
HEAVY = {"polars", "pandera", "deltalake", "sqlalchemy", "alembic", "pydantic_settings", "pyarrow"}
# A folder of somebody's machine: not part of a longer path, URL or word.
MACHINE_PATH = re.compile(r"(?<![\w./~}-])/(?:(?:root|work)\b(?![.-])|(?:home|Users)/\w)")


def test_rooms_import_in_the_direction_the_contract_allows():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", ["pipelines", "schemas", "framework/boundary", "framework/transforms"])
def test_stage_code_never_collects(folder):
    assert offenders(folder, collected) == []


@pytest.mark.parametrize("folder", ["framework", "pipelines", "schemas"])
def test_no_exception_is_swallowed_by_a_bare_pass(folder):
    assert offenders(folder, swallowed) == []


def test_framework_never_unpickles():
    assert offenders("framework", unpickled) == []


def test_no_tracked_text_names_a_machine_path():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked_files()
        for number, line in enumerate(text_lines(path), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt"])
def test_locks_name_no_index_and_hash_every_package(lock):
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9].*$", text, flags=re.MULTILINE)
    assert "://" not in text
    assert re.findall(r"^-.*$", text, flags=re.MULTILINE) == []
    assert len(pins) > 0
    assert [pin for pin in pins if not pin.endswith("\\")] == []


def test_command_line_starts_without_heavy_libraries():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import framework.cli.main"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.splitlines()[-3:]
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "framework" in imported
    assert sorted(imported & HEAVY) == []


@pytest.mark.parametrize(
    ("finder", "code"),
    [
        ("collected", "sales.filter(x).collect()"),
        ("collected", "pl.collect_all([sales])"),
        ("collected", "from polars import collect_all"),
        ("collected", "sales.pipe(pl.LazyFrame.collect)"),
        ("swallowed", "try:\n    run()\nexcept OSError:\n    pass"),
        ("swallowed", "try:\n    run()\nexcept OSError:\n    '''why'''\n    ..."),
        ("unpickled", "import pickle"),
        ("unpickled", "from pickle import loads"),
        ("unpickled", "pl.LazyFrame.deserialize(file)"),
    ],
)
def test_each_rule_sees_what_it_forbids(finder, code):
    assert len(list(globals()[finder](ast.parse(code)))) == 1


@pytest.mark.parametrize(
    ("line", "is_machine_path"),
    [
        ("open('/{}/data')".format("root"), True),
        ("cd /{}".format("work"), True),
        ("PYTHON=/{}/me/python".format("home"), True),
        ("https://example.org/{}/item".format("work"), False),
        ("framework/{0}.py and ./{0}/x".format("root"), False),
        ("the path /working/ or /rooted", False),
    ],
)
def test_machine_paths_are_told_from_other_paths(line, is_machine_path):
    assert bool(MACHINE_PATH.search(line)) is is_machine_path


def offenders(folder: str, find: Callable[[ast.AST], Iterator[ast.AST]]) -> list[str]:
    """Places below a folder where a rule is broken; an empty folder fails, for it would prove nothing."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths, f"no Python below {folder}"
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in paths
        for node in find(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
    ]


def collected(tree: ast.AST) -> Iterator[ast.AST]:
    """Find what would run a plan."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in COLLECTORS:
            yield node
        if isinstance(node, ast.ImportFrom) and COLLECTORS & {alias.name for alias in node.names}:
            yield node


def swallowed(tree: ast.AST) -> Iterator[ast.AST]:
    """Find exception handlers that do nothing at all."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and all(does_nothing(statement) for statement in node.body):
            yield node


def does_nothing(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)


def unpickled(tree: ast.AST) -> Iterator[ast.AST]:
    """Find what runs code that data brings along."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").partition(".")[0]}
        else:
            names = set()
        if names & PICKLERS or (isinstance(node, ast.Attribute) and node.attr == "deserialize"):
            yield node


def tracked_files() -> list[Path]:
    """Files that git has or would add; a copy without git has nothing to compare with."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git working copy")
    paths = [ROOT / name for name in done.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def text_lines(path: Path) -> list[str]:
    """The lines of a text file; none for a binary one."""
    content = path.read_bytes()
    return [] if b"\0" in content else content.decode("utf-8", errors="replace").splitlines()
