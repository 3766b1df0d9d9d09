"""Which process keeps a run going, and whether it still lives."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")


@dataclass(frozen=True)
class Owner:
    """A process, told apart from a later one with the same number by its start.

    `start`: the boot, the tick of the start and, after `@`, the space in which the number means something.
    """

    host: str
    pid: int
    start: str


def this_process() -> Owner:
    """The process that asks."""
    start = _start_of(os.getpid()) or ""
    return Owner(socket.gethostname(), os.getpid(), f"{start}@{_namespace()}" if start else "")


def user_name() -> str:
    """Who runs this process; the number where nobody gave it a name, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def actor() -> str:
    """Who acts here, for the audit trail: `user@host`."""
    return f"{user_name()}@{socket.gethostname()}"


def is_visible(owner: Owner) -> bool:
    """Whether this process can know if that one lives: same host, and not in another container of its name."""
    space = owner.start.partition("@")[2]
    return owner.host == socket.gethostname() and space in {"", _namespace()}


def is_gone(owner: Owner) -> bool:
    """Whether a process has certainly ended. One of another host or container is never known to have."""
    if not is_visible(owner):
        return False
    start = _start_of(owner.pid)
    if start is None:
        return True
    return bool(owner.start) and start != owner.start.partition("@")[0]


def _namespace() -> str:
    try:
        return str(_NAMESPACE.readlink())
    except OSError:  # not on Linux
        return ""


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
