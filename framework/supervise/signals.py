"""Signals as data: received ones are kept, and waiting ends when one comes."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import FrameType, TracebackType

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """While open, the signals that ask a process to stop are collected. In a thread other than the main one: none."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._before: dict[int, Any] = {}
        self._wake, self._bell = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._bell, False)

    @property
    def first(self) -> int | None:
        """The signal that came first, if any."""
        return self.received[0] if self.received else None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._wakeup_before = signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
            self._before = {number: signal.signal(number, self._receive) for number in STOPPING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before:
            for number, action in self._before.items():
                signal.signal(number, action)
            signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._wake)
        os.close(self._bell)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.received.append(number)

    def fileno(self) -> int:
        """A handle that becomes readable when a signal has come."""
        return self._wake

    def clear(self) -> None:
        """Make the handle wait for the next signal."""
        with contextlib.suppress(BlockingIOError):  # nothing came
            os.read(self._wake, 4096)


def reap_orphans(own: Collection[int]) -> None:
    """As a container's first process: bury orphans that were handed to us; leaves our own children alone."""
    if os.getpid() != 1:
        return
    with contextlib.suppress(ChildProcessError):  # none at all
        while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and found.si_pid not in own:
            os.waitpid(found.si_pid, 0)


def signal_name(number: int) -> str:
    """Say what a signal is called."""
    return signal.Signals(number).name
