"""The command as users have it: a process of its own, in a project made by `sluice init`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120


def command(*arguments):
    return [sys.executable, "-P", "-m", "framework.cli.main", *map(str, arguments)]


def environment(**variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    return {**kept, "PYTHONPATH": str(ROOT), **variables}


@pytest.fixture(name="environment")
def environment_fixture():
    """Build the environment of a command: this one without the settings of whoever runs the tests."""
    return environment


@pytest.fixture
def start():
    """Start `sluice` with arguments; what is left of it is killed after the test."""
    started = []

    def begin(*arguments, cwd):
        pipe = subprocess.PIPE
        process = subprocess.Popen(command(*arguments), cwd=cwd, env=environment(), stdout=pipe, stderr=pipe, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        for stream in (process.stdout, process.stderr):
            stream.close()
        process.wait()


@pytest.fixture
def sluice():
    """Run `sluice` with arguments; gives the finished process."""

    def run(*arguments, cwd=None, **variables):
        return subprocess.run(
            command(*arguments),
            cwd=cwd,
            env=environment(**variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    return run


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory):
    """A project that has run once. Copied, never changed."""
    folder = tmp_path_factory.mktemp("finished") / "shop"
    for arguments in (("init", folder), ("-C", folder, "run")):
        done = subprocess.run(command(*arguments), env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(tmp_path, sluice):
    """A fresh project."""
    done = sluice("init", tmp_path / "shop")
    assert done.returncode == 0, done.stderr
    return tmp_path / "shop"


@pytest.fixture
def ran(finished_project, tmp_path):
    """A copy of the project that has run once."""
    return Path(shutil.copytree(finished_project, tmp_path / "shop"))
