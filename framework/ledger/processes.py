"""Which process keeps a run going, and whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Owner:
    """A process, told apart from a later one with the same number by its start."""

    host: str
    pid: int
    start: str


def this_process() -> Owner:
    """The process that asks."""
    return Owner(socket.gethostname(), os.getpid(), _start_of(os.getpid()) or "")


def is_gone(owner: Owner) -> bool:
    """Whether a process has certainly ended. One of another host is never known to have."""
    if owner.host != socket.gethostname():
        return False
    start = _start_of(owner.pid)
    if start is None:
        return True
    return bool(owner.start) and start != owner.start


def _start_of(pid: int) -> str | None:
    """What identifies a process' start; empty where the platform does not say, None when there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # it lives, under another user
        return _from_proc(pid)
    return _from_proc(pid)


def _from_proc(pid: int) -> str:
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return f"{_BOOT_ID.read_text().strip()}:{after_name[19]}"
    except OSError:  # no /proc here
        return ""
