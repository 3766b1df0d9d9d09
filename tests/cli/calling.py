"""Two ways to call `sluice`: as users do, in a process of its own, and in this one, which saves importing it all."""

from __future__ import annotations

import contextlib
import contextvars
import importlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from framework.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
PACKAGES = {"pipelines", "schemas"}


def command(*arguments) -> list[str]:
    return [sys.executable, "-P", "-m", "framework.cli.main", *map(str, arguments)]


def environment(**variables) -> dict[str, str]:
    """The variables of whoever runs the tests, without settings. Modules are edited within a second: none is kept."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **variables}


def in_a_process(*arguments, cwd=None, **variables) -> subprocess.CompletedProcess[str]:
    """Run `sluice` in a process of its own."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def in_this_process(*arguments, cwd=None) -> subprocess.CompletedProcess[str]:
    """Run `sluice` here, in a project's folder, whose modules are forgotten afterwards."""
    out, err = io.StringIO(), io.StringIO()
    words = list(map(str, arguments))
    with (
        contextlib.chdir(cwd or Path.cwd()),
        patch.dict(os.environ, environment(), clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        _other_project(),
    ):
        try:
            code = contextvars.copy_context().run(main, words)
        except SystemExit as left:
            code = left.code
    return subprocess.CompletedProcess(words, int(code or 0), out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _other_project() -> Iterator[None]:
    """Let packages be imported that are called as those of this repository."""
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in PACKAGES}
    with patch.object(sys, "path", list(sys.path)), patch.object(sys, "dont_write_bytecode", new=True):
        _forget()
        try:
            yield
        finally:
            _forget()
            sys.modules.update(kept)


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
        del sys.modules[name]
    importlib.invalidate_caches()
