"""Why a child died without a word: from its exit status, its last lines and the kernel's counters."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

from framework.core.report import Failure

TAIL_LINES = 5
_OWN_LIMIT = "POLARS_OOMKILL_THRESHOLD"
_ALLOCATION = ("memory allocation of", "MemoryError", "bad_alloc")
_CRASHES = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP}
_HOST_COUNTER = Path("/proc/vmstat")
_GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class OomKills:
    """How often the kernel has killed for memory so far: in this process' control group and on the whole host."""

    group: int = 0
    host: int = 0


def oom_kills(groups: Path = _GROUPS, host: Path = _HOST_COUNTER, own: Path = Path("/proc/self/cgroup")) -> OomKills:
    """Read the kernel's counters; zero where the platform has none."""
    below = next((line.partition("::")[2] for line in _lines(own) if line.startswith("0::")), "/")
    candidates = (
        groups / below.strip("/") / "memory.events",
        groups / "memory.events",
        groups / "memory/memory.oom_control",
    )
    group = next((c for c in candidates if c.is_file()), None)
    return OomKills(_counter(group) if group else 0, _counter(host))


def _counter(path: Path) -> int:
    found = (line.split() for line in _lines(path))
    return next((int(words[1]) for words in found if len(words) == 2 and words[0] == "oom_kill"), 0)  # noqa: PLR2004


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def explain_death(
    returncode: int, tail: list[str], before: OomKills, after: OomKills, memory_mb: int | None
) -> Failure:
    """Turn the end of a child into a failure: its class, what happened, and what to do."""
    last = "".join(f"\n    {line}" for line in tail[-TAIL_LINES:])
    if returncode >= 0:
        return Failure("bug", "ChildExit", f"the process ended with exit code {returncode} before it reported{last}")
    number = -returncode
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    text = "\n".join(tail)
    if number == signal.SIGABRT and _OWN_LIMIT in text:
        return Failure(
            "resource", "OutOfMemory", f"over the memory limit of {memory_mb} MiB (SLUICE_MEMORY_MB); {_ADVICE}"
        )
    if number == signal.SIGKILL and after.group > before.group:
        return Failure(
            "resource", "OutOfMemory", f"killed by the kernel: the container is out of memory; {_ADVICE}", True
        )
    if number == signal.SIGKILL and after.host > before.host:
        return Failure("resource", "OutOfMemory", f"killed by the kernel: the host is out of memory; {_ADVICE}", True)
    if number == signal.SIGKILL:
        return Failure(
            "killed", name, f"killed by SIGKILL: often the kernel's out-of-memory killer, or somebody{last}", True
        )
    if number in _CRASHES and any(mark in text for mark in _ALLOCATION):
        return Failure("resource", "OutOfMemory", f"an allocation failed ({name}); {_ADVICE}{last}")
    if number in _CRASHES:
        return Failure("crashed", name, f"the process crashed with {name}; a damaged input file can be the cause{last}")
    return Failure("killed", name, f"killed by {name}{last}", retryable=True)


_ADVICE = "give it more memory, or set SLUICE_MEMORY_MB so that Polars spills to disk earlier"
