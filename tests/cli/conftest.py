"""The command, and projects made by `sluice init` for it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.calling import command, environment, in_a_process, in_this_process


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
    """Run `sluice` with arguments; gives the finished process.

    What runs pipelines or is told something by the environment has a process of its own; the others share this one,
    and `test_same_in_a_process` holds each of them against the real thing.
    """

    def run(*arguments, cwd=None, **variables):
        if variables or {"run", "retry"} & set(arguments):
            return in_a_process(*arguments, cwd=cwd, **variables)
        return in_this_process(*arguments, cwd=cwd)

    return run


@pytest.fixture(scope="session")
def new_project(tmp_path_factory):
    """A project as `sluice init` makes it. Copied, never changed."""
    folder = tmp_path_factory.mktemp("new") / "shop"
    done = in_a_process("init", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def finished_project(new_project, tmp_path_factory):
    """A project that has run once. Copied, never changed."""
    folder = Path(shutil.copytree(new_project, tmp_path_factory.mktemp("finished") / "shop"))
    done = in_a_process("-C", folder, "run")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(new_project, tmp_path):
    """A fresh project."""
    return Path(shutil.copytree(new_project, tmp_path / "shop"))


@pytest.fixture
def ran(finished_project, tmp_path):
    """A copy of the project that has run once."""
    return Path(shutil.copytree(finished_project, tmp_path / "shop"))
