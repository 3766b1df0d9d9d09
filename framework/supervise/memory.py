"""How much memory there is for all that runs here: the container's limit, where there is one, or the machine's."""

from __future__ import annotations

from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_MACHINE = Path("/proc/meminfo")
_OWN = Path("/proc/self/cgroup")
MIB = 2**20
SMALLEST_MB = 256


def memory_limit_mb(groups: Path = _GROUPS, machine: Path = _MACHINE, own: Path = _OWN) -> float | None:
    """The memory that this process and its children may take together, in MiB; None where nothing says so.

    Control groups of version 2 (`memory.max`, of the process' own group and of those around it) and of version 1
    (`memory.limit_in_bytes`) count, and the memory of the machine; the least of them holds.
    """
    found = [size for path in _candidates(groups, own) if (size := _size(path)) is not None]
    machine_mb = next((int(line.split()[1]) / 1024 for line in _lines(machine) if line.startswith("MemTotal:")), None)
    limits = [*(size / MIB for size in found), *([machine_mb] if machine_mb is not None else [])]
    return min(limits, default=None)


def memory_class_mb(peak_mb: float | None) -> int | None:
    """The class of something that took so much at its peak: the next power of two, from 256 MiB; None: not known.

    >>> memory_class_mb(100), memory_class_mb(900), memory_class_mb(1025), memory_class_mb(None)
    (256, 1024, 2048, None)
    """
    if not peak_mb:
        return None
    size = SMALLEST_MB
    while size < peak_mb:
        size *= 2
    return size


def _candidates(groups: Path, own: Path) -> list[Path]:
    """The files that hold a limit: of the own group and of each around it."""
    found = []
    for line in _lines(own):
        _, controllers, below = line.split(":", 2)
        is_v2 = not controllers
        if not is_v2 and "memory" not in controllers.split(","):
            continue
        root = groups if is_v2 else groups / "memory"
        name = "memory.max" if is_v2 else "memory.limit_in_bytes"
        inside = Path(below.strip("/"))
        found += [root / part / name for part in (inside, *inside.parents)]
    return found


def _size(path: Path) -> int | None:
    text = next(iter(_lines(path)), "")
    return int(text) if text.isdigit() else None  # "max": no limit


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # no such file on this platform or in this container
        return []
