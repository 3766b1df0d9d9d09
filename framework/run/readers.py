"""Files read in a process of their own, with limits: whatever a file does to its reader, it does to that file only."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Self

from framework.errors import ResourceError
from framework.sources.judging import Verdict

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from framework.core.plan import FileInput
    from framework.core.source import FileSource
    from framework.storage import StorageLocation

TICK_S = 0.05
START_S = 120.0
_LAST_LINES = 3
_ROOT = str(Path(__file__).parents[2])
_BOOT = (
    "import sys; sys.path[:0] = [] if {root!r} in sys.path else [{root!r}];"
    " from framework.run.reader import main; main({handle})"
)


@dataclass(frozen=True)
class Limits:
    """What the reader of one file may take: resident memory, and seconds of wall time, more for a large file."""

    memory_mb: int = 2048
    seconds: float = 60.0
    seconds_per_mb: float = 0.0

    def seconds_for(self, file: FileInput) -> float:
        """How long the reading of a file may take."""
        return self.seconds + self.seconds_per_mb * file.size / 2**20


@dataclass(frozen=True)
class Death:
    """How a reader ended early: at which file (None: before the first), and why."""

    at: int | None
    kind: Literal["crashed", "memory", "hung"]
    reason: str


def judge_files(
    files: Sequence[tuple[FileSource, FileInput]], location: StorageLocation, limits: Limits | None = None
) -> Iterator[Verdict]:
    """Read files and give one verdict on each, in their order. One reader takes many; after a death comes a new one.

    A file that a reader died at, with others read before it, gets a second chance in a reader of its own.

    Raises:
        ResourceError: when no reader can be started.
    """
    allowed = limits or Limits()
    start, is_second_chance = 0, False
    while start < len(files):
        batch = files[start : start + 1] if is_second_chance else files[start:]
        death = yield from _read(batch, location, allowed)
        if death is None:
            start, is_second_chance = start + len(batch), False
            continue
        if death.at is None:
            raise ResourceError(f"the process that reads files cannot start: {death.reason}")
        start += death.at
        if death.at > 0 and death.kind != "hung":
            is_second_chance = True
            continue
        file = files[start][1]
        yield Verdict(file.path, "crashed" if death.kind == "crashed" else "limit", death.reason, bytes=file.size)
        start, is_second_chance = start + 1, False


def _read(
    batch: Sequence[tuple[FileSource, FileInput]], location: StorageLocation, limits: Limits
) -> Generator[Verdict, None, Death | None]:
    """Let one reader read; gives the verdicts it comes to, and returns how it died, or None."""
    with tempfile.TemporaryFile() as printed, _Reader(_job(batch, location, limits), printed) as reader:
        at, allowed = None, START_S
        deadline = time.monotonic() + allowed
        while True:
            for said in reader.hear():
                if "at" in said:
                    at, allowed = said["at"], limits.seconds_for(batch[said["at"]][1])
                    deadline = time.monotonic() + allowed
                else:
                    yield Verdict(**said["verdict"])
                    if at == len(batch) - 1:
                        return None
            if reader.has_ended:
                return Death(at, *reader.obituary(limits.memory_mb))
            if reader.memory_mb() > limits.memory_mb:
                return Death(at, "memory", f"reading it takes more than {limits.memory_mb} MiB of memory")
            if time.monotonic() > deadline:
                return Death(at, "hung", f"reading it takes more than {allowed:g} s")


def _job(batch: Sequence[tuple[FileSource, FileInput]], location: StorageLocation, limits: Limits) -> bytes:
    s3: dict[str, Any] = {}
    if location.s3 is not None:
        s3 = location.s3.model_dump()
        s3 |= {k: v.get_secret_value() for k, v in s3.items() if hasattr(v, "get_secret_value")}
    files = [
        {"format": s.format, "options": s.options, "path": f.path, "size": f.size, "modified": f.modified.isoformat()}
        for s, f in batch
    ]
    return json.dumps({"root": location.root, "s3": s3, "memory_mb": limits.memory_mb, "files": files}).encode()


class _Reader:
    """A reader at work, in a process group of its own; killed when the block ends."""

    def __init__(self, job: bytes, printed: IO[bytes]) -> None:
        self._printed = printed
        self._says, said = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT.format(root=_ROOT, handle=said)],
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=printed,
            pass_fds=(said,),
            process_group=0,
        )
        os.close(said)
        os.set_blocking(self._says, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._says, selectors.EVENT_READ)
        self._rest = b""
        self.has_ended = False
        with contextlib.suppress(BrokenPipeError):  # it died already: its end will be heard
            self._hand_over(job)

    def _hand_over(self, job: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - asked for above
        stdin.write(job)
        stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._selector.close()
        os.close(self._says)

    def hear(self) -> Iterator[dict[str, Any]]:
        """Wait a moment, and give what it said."""
        if not self._selector.select(TICK_S):
            return
        chunk = os.read(self._says, 1 << 16)
        self.has_ended = not chunk
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            yield json.loads(line)

    def memory_mb(self) -> float:
        """Its resident memory; 0 where the system does not tell."""
        with contextlib.suppress(OSError, IndexError):
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        return 0.0

    def obituary(self, memory_mb: int) -> tuple[Literal["crashed", "memory"], str]:
        """Say of what it died."""
        code = self._process.wait()
        self._printed.seek(0)
        lines = [line for line in self._printed.read().decode(errors="replace").splitlines() if line.strip()]
        last = "; ".join(line.strip() for line in lines[-_LAST_LINES:])
        if any("memory allocation of" in line or "MemoryError" in line or "bad_alloc" in line for line in lines):
            return "memory", f"reading it takes more than {memory_mb} MiB of memory: {last}"
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"exit code {code}"
        return "crashed", f"the reader died with {name}" + (f": {last}" if last else "")
