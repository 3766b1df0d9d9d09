"""What a worker does to its own process: memory limits for Polars, an end that waits for nobody, its peak memory."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from pathlib import Path

SPILL_SHARE = 0.5
ABORT_SHARE = 0.95
_PR_SET_PDEATHSIG = 1


def limit_memory(memory_mb: int | None, share_mb: float | None = None) -> None:
    """Make Polars spill at half of the limit and abort just below it. Before Polars is imported.

    `share_mb`: where there is no limit, what this process may take beside others: Polars spills at half of it. By
    itself it would take the whole machine for its own.
    """
    if memory_mb is None and share_mb is not None:
        os.environ.setdefault("POLARS_OOC_MEMORY_BUDGET_MB", str(int(share_mb * SPILL_SHARE)))
    if memory_mb is None:
        return
    os.environ.setdefault("POLARS_OOC_MEMORY_BUDGET_MB", str(int(memory_mb * SPILL_SHARE)))
    os.environ.setdefault("POLARS_OOMKILL_THRESHOLD_MB", str(int(memory_mb * ABORT_SHARE)))


def end_with(supervisor: int, handle: int) -> None:
    """End this process at once when SIGTERM comes or the supervisor dies, also while Rust code runs.

    SIGTERM keeps the kernel's own action: a handler in Python would wait for the query to end. On Linux the kernel
    watches the supervisor; elsewhere, and should that fail, a thread watches the pipe.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if supervisor and os.getppid() != supervisor:
        os._exit(1)
    threading.Thread(target=_watch_pipe, args=(handle,), daemon=True, name="sluice-watch").start()


def _watch_pipe(handle: int) -> None:
    poll = select.poll()
    poll.register(handle, 0)  # errors are always reported: here that the reading end is closed
    poll.poll()
    os._exit(1)


def reset_peak_memory() -> None:
    """Let the kernel count this process' peak memory anew, where it can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mb() -> float:
    """The peak of the resident memory, in MiB, since the last reset (without /proc: since the start)."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024, 1)
    import resource

    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
