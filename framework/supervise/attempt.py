"""One child process seen from outside: started in its own group, listened to, stopped, buried."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from framework.supervise.messages import Happened, decode

if TYPE_CHECKING:
    from framework.supervise.messages import Job, Message, Task

KEPT_LINES = 50
CHUNK = 1 << 16
LONGEST_LINE = 1 << 20
_ROOT = str(Path(__file__).parents[2])
_BOOT = "import sys; sys.path.append({root!r}); from framework.supervise.child import main; main({handle})"


@dataclass(frozen=True)
class Output:
    """A line that something below Python printed, such as a library that aborts."""

    line: str


class Child:
    """A child at work. `read` gives what it says; after its end `returncode` and `peak_memory_mb` are known.

    It can be waited for as a file is: `fileno` becomes readable when it says something or ends.
    """

    def __init__(self, job: Job) -> None:
        self._says, said = os.pipe()
        self._prints, printed = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-P", "-c", _BOOT.format(root=_ROOT, handle=said)],
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=printed,
            pass_fds=(said,),
            process_group=0,
        )
        os.close(said)
        os.close(printed)
        self._rest = {self._prints: b"", self._says: b""}
        self._pidfd = os.pidfd_open(self._process.pid) if hasattr(os, "pidfd_open") else None
        self._selector = selectors.DefaultSelector()
        for handle in self._rest:
            os.set_blocking(handle, False)
            self._selector.register(handle, selectors.EVENT_READ)
        if self._pidfd is not None:
            self._selector.register(self._pidfd, selectors.EVENT_READ)
        self.tail: deque[str] = deque(maxlen=KEPT_LINES)
        self.returncode: int | None = None
        self.peak_memory_mb = 0.0
        self._tell(job.to_json())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self.returncode is None:  # whoever listened has failed: nothing may be left behind
            self.kill()
            self._bury()

    @property
    def pid(self) -> int:
        """The child's process id, also that of its group."""
        return self._process.pid

    def fileno(self) -> int:
        """A handle that becomes readable when the child says something or ends."""
        handle: int = self._selector.fileno()
        return handle

    def give(self, task: Task) -> None:
        """Give it something to do."""
        self._tell(task.to_json())

    def dismiss(self) -> None:
        """Say that nothing more will come: it ends when it is done."""
        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it died already: its exit status will tell
                stdin.close()

    def _tell(self, line: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - asked for above
        with contextlib.suppress(BrokenPipeError):  # it died already: its exit status will tell
            stdin.write(line)
            stdin.flush()

    def read(self, timeout: float | None = 0) -> list[Message | Output]:
        """Wait for something to happen and give what the child said meanwhile."""
        ready = {key.fd for key, _ in self._selector.select(timeout)}
        said = [item for handle in (self._prints, self._says) if handle in ready for item in self._take(handle) or []]
        ended = self._says not in self._rest if self._pidfd is None else self._pidfd in ready
        return [*said, *self._bury()] if ended else said

    def _take(self, handle: int) -> list[Message | Output] | None:
        """Read what is there as lines; None when there is nothing. A stream that has ended is forgotten."""
        try:
            chunk = os.read(handle, CHUNK)
        except BlockingIOError:
            return None
        *lines, rest = (self._rest[handle] + chunk).split(b"\n")
        if handle == self._says:
            said: list[Message | Output] = [decode(line) for line in lines]
            self.tail.extend(m.event.message for m in said if isinstance(m, Happened) and m.event.name == "output")
        else:
            if rest and (not chunk or len(rest) > LONGEST_LINE):
                lines, rest = [*lines, rest], b""
            said = [Output(line.decode(errors="replace")) for line in lines]
            self.tail.extend(line.decode(errors="replace") for line in lines)
        self._rest[handle] = rest
        if not chunk:
            self._selector.unregister(handle)
            os.close(handle)
            del self._rest[handle]
        return said

    def _bury(self) -> list[Message | Output]:
        """Kill what is left of the group, take the exit status, and read what is still in the pipes."""
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)  # as a zombie it still keeps its group's number
        self.kill()
        _, status, usage = os.wait4(self.pid, 0)
        self.returncode = self._process.returncode = os.waitstatus_to_exitcode(status)
        self.peak_memory_mb = round(usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
        said: list[Message | Output] = []
        for handle in list(self._rest):
            while handle in self._rest and (more := self._take(handle)) is not None:
                said += more
        for left in (*self._rest, self._pidfd):
            if left is not None:
                os.close(left)
        self.dismiss()
        self._selector.close()
        return said

    def stop(self) -> None:
        """Ask the child to end. It does at once, unless code of its own refuses."""
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the child and whatever it has started."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # nobody is left in the group
                os.killpg(self.pid, number)
