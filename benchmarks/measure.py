"""Measure programs against each other: fresh processes, interleaved rounds, medians of per-round ratios."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """One run of a program: seconds of wall time, of CPU (its children included), and peak memory in MiB."""

    wall_s: float
    cpu_s: float
    rss_mb: float


@dataclass(frozen=True)
class Case:
    """One program: a name, the command, and what to put in place before each run (not measured)."""

    name: str
    command: Sequence[str]
    prepare: Callable[[Path], None] | None = None
    env: dict[str, str] = field(default_factory=dict)


def python(case: str, data: Path, scratch: Path, interpreter: str = sys.executable) -> list[str]:
    """The command of a program in `benchmarks.cases`."""
    return [interpreter, "-m", "benchmarks.cases", case, str(data), str(scratch)]


def measure(cases: Sequence[Case], scratch: Path, rounds: int, *, warm_up: bool = True) -> dict[str, list[Sample]]:
    """Run all cases once to warm up, then in turn, round by round."""
    samples: dict[str, list[Sample]] = {case.name: [] for case in cases}
    for number in range(0 if warm_up else 1, rounds + 1):
        for case in cases:
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
            if case.prepare:
                case.prepare(scratch)
            sample = _run(case)
            if number:
                samples[case.name].append(sample)
    return samples


def _run(case: Case) -> Sample:
    os.sync()
    start = time.perf_counter()
    process = subprocess.Popen(case.command, env={**os.environ, **case.env}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{case.name} ended with {process.returncode}: {' '.join(case.command)}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def ratio(samples: dict[str, list[Sample]], ours: str, limit: str, what: str) -> tuple[float, float, float]:
    """The median, least and greatest of the per-round ratios of a figure."""
    found = [getattr(a, what) / getattr(b, what) for a, b in zip(samples[ours], samples[limit], strict=True)]
    return statistics.median(found), min(found), max(found)


def medians(samples: Sequence[Sample]) -> Sample:
    """The median of each figure."""
    return Sample(*(statistics.median(getattr(s, name) for s in samples) for name in ("wall_s", "cpu_s", "rss_mb")))
