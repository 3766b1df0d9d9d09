"""Why a child died without a word: from its exit status, its last lines and the kernel's counters."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

from framework.core.report import Failure

TAIL_LINES = 5
_OUT_OF_MEMORY = "OutOfMemory"
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
    if number == signal.SIGKILL:
        return _killed(before, after, last)
    if number in _CRASHES:
        return _crashed(name, "\n".join(tail), last, memory_mb)
    return Failure("killed", name, f"killed by {name}{last}", retryable=True)


def may_be_a_file(failure: Failure) -> bool:
    """Whether a child that died in reading may have died of a file: it crashed, or took too much memory."""
    return failure.kind == "crashed" or failure.error in {_OUT_OF_MEMORY, signal.SIGKILL.name}


def _killed(before: OomKills, after: OomKills, last: str) -> Failure:
    """SIGKILL comes from the kernel when memory runs out, or from somebody. Another attempt may fare better."""
    where = "container" if after.group > before.group else "host" if after.host > before.host else None
    if where is not None:
        text = f"killed by the kernel, as the {where} ran out of memory; {_ADVICE}"
        return Failure("resource", _OUT_OF_MEMORY, text, retryable=True)
    text = f"killed by SIGKILL: often the kernel's out-of-memory killer, or somebody{last}"
    return Failure("killed", "SIGKILL", text, retryable=True)


def _crashed(name: str, text: str, last: str, memory_mb: int | None) -> Failure:
    """The process ended itself: at its own memory limit, for a failed allocation, or because of a crash."""
    if _OWN_LIMIT in text:
        over = f"over the memory limit of {memory_mb} MiB (SLUICE_MEMORY_MB)"
        return Failure("resource", _OUT_OF_MEMORY, f"{over}; raise it, or split the input")
    if any(mark in text for mark in _ALLOCATION):
        return Failure("resource", _OUT_OF_MEMORY, f"an allocation failed ({name}); {_ADVICE}{last}")
    return Failure("crashed", name, f"the process crashed with {name}; a damaged input file can be the cause{last}")


_ADVICE = "give it more memory, or set SLUICE_MEMORY_MB so that Polars spills to disk earlier"
