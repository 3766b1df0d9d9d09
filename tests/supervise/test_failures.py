"""Every way to fail has a class, and only what may pass is retryable."""

from __future__ import annotations

import errno

import polars as pl
import pytest
from deltalake.exceptions import CommitFailedError, SchemaMismatchError

from framework import errors
from framework.core.failures import classify, traceback_of
from framework.supervise.deaths import OomKills, explain_death, oom_kills

NO_KILLS = OomKills()


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (errors.SourceError("x"), "data", False),
        (errors.StepError("x"), "step", False),
        (errors.ConfigurationError("x"), "configuration", False),
        (errors.ResourceError("x"), "resource", True),
        (errors.StorageError("x"), "transient", True),
        (errors.CommitError("x"), "transient", True),
        (FileNotFoundError(errno.ENOENT, "gone"), "transient", True),
        (ConnectionResetError("x"), "transient", True),
        (TimeoutError("x"), "transient", True),
        (OSError(errno.EIO, "x"), "transient", True),
        (OSError(errno.ENOSPC, "x"), "resource", False),
        (OSError("write: No space left on device (os error 28)"), "resource", False),
        (PermissionError(errno.EACCES, "x"), "configuration", False),
        (MemoryError(), "resource", False),
        (pl.exceptions.PanicException("x"), "bug", False),
        (pl.exceptions.ComputeError("No space left on device"), "resource", False),
        (pl.exceptions.ColumnNotFoundError("x"), "bug", False),
        (CommitFailedError("x"), "transient", True),
        (SchemaMismatchError("x"), "bug", False),
        (ZeroDivisionError("x"), "bug", False),
        (KeyboardInterrupt(), "bug", False),
    ],
    ids=repr,
)
def test_an_exception_has_a_class(error, kind, retryable):
    failure = classify(error)
    assert (failure.kind, failure.retryable, failure.error) == (kind, retryable, type(error).__name__)
    assert failure.message


def fail_because_of_another():
    try:
        {}["cause"]
    except KeyError as cause:
        raise errors.StepError("effect") from cause


def test_a_traceback_tells_the_cause_too():
    with pytest.raises(errors.StepError) as caught:
        fail_because_of_another()
    text = traceback_of(caught.value)
    assert "KeyError: 'cause'" in text
    assert text.endswith("StepError: effect\n")


@pytest.mark.parametrize(
    ("returncode", "tail", "after", "kind", "error", "retryable"),
    [
        (-9, [], NO_KILLS, "killed", "SIGKILL", True),
        (-9, [], OomKills(group=1), "resource", "OutOfMemory", True),
        (-9, [], OomKills(host=1), "resource", "OutOfMemory", True),
        (-6, [], NO_KILLS, "crashed", "SIGABRT", False),
        (-6, ["memory allocation of 17 bytes failed"], NO_KILLS, "resource", "OutOfMemory", False),
        (-6, ["usage exceeded POLARS_OOMKILL_THRESHOLD_MB"], NO_KILLS, "resource", "OutOfMemory", False),
        (-11, [], NO_KILLS, "crashed", "SIGSEGV", False),
        (-15, [], NO_KILLS, "killed", "SIGTERM", True),
        (-40, [], NO_KILLS, "killed", "signal 40", True),
        (1, ["what?"], NO_KILLS, "bug", "ChildExit", False),
    ],
)
def test_a_death_has_a_class(returncode, tail, after, kind, error, retryable):
    failure = explain_death(returncode, tail, NO_KILLS, after, 512)
    assert (failure.kind, failure.error, failure.retryable) == (kind, error, retryable)


def test_the_own_limit_is_named():
    failure = explain_death(-6, ["exceeded POLARS_OOMKILL_THRESHOLD_MB"], NO_KILLS, NO_KILLS, 512)
    assert failure.message == "over the memory limit of 512 MiB (SLUICE_MEMORY_MB); raise it, or split the input"


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("job/memory.events", "0::/job\n"),
        ("memory.events", "0::/elsewhere\n"),
        ("memory/memory.oom_control", "4:memory:/x\n"),
    ],
)
def test_the_kernels_counters_are_read_in_each_layout(tmp_path, file, own):
    counter = tmp_path / "groups" / file
    counter.parent.mkdir(parents=True)
    counter.write_text("low 0\noom 3\noom_kill 2\n")
    (tmp_path / "vmstat").write_text("pgfault 17\noom_kill 5\n")
    (tmp_path / "cgroup").write_text(own)
    assert oom_kills(tmp_path / "groups", tmp_path / "vmstat", tmp_path / "cgroup") == OomKills(group=2, host=5)


def test_a_platform_without_counters_has_seen_no_kills(tmp_path):
    assert oom_kills(tmp_path, tmp_path / "no", tmp_path / "nor this") == OomKills()
