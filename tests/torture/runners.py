"""Runner processes as tests hold them: asked, awaited, stopped, continued, killed. Never forked: Polars has threads."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE_S = 180
"""After so long a runner that says nothing is killed, so that a test that hangs fails instead."""


class Runner:
    """One process of `tests.torture.worker`."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.worker"],
            cwd=ROOT,
            env={**os.environ, "POLARS_MAX_THREADS": "2", "SLUICE_FAULT": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **job: Any) -> None:
        """Give it something to do."""
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any] | None:
        """Wait for its answer; None when it died instead."""
        guard = threading.Timer(PATIENCE_S, self.process.kill)
        guard.start()
        try:
            line = self.process.stdout.readline()
        finally:
            guard.cancel()
        return json.loads(line) if line else None

    def answers_within(self, seconds: float) -> bool:
        """Whether it answers, or dies, before so much time has passed."""
        return bool(select.select([self.process.stdout], [], [], seconds)[0])

    def do(self, **job: Any) -> dict[str, Any]:
        """Ask, and insist on an answer."""
        self.ask(**job)
        answer = self.answer()
        assert answer is not None, f"the runner died: {self.bury()}"
        return answer

    def await_stop(self) -> None:
        """Wait until it has stopped itself."""
        found = os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert found is not None
        assert found.si_code == os.CLD_STOPPED, "the runner ended instead of stopping"

    def go_on(self) -> None:
        """Continue it after a stop."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it where it is."""
        self.process.kill()

    def bury(self) -> int:
        """Wait for its end and give its exit status."""
        status = self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        return status


class Crew:
    """Runners to draw from. The next one is always warming up while the present ones work."""

    def __init__(self, spares: int = 2) -> None:
        self._all: list[Runner] = []
        self._ready = deque(self._start() for _ in range(spares))
        self._free: list[Runner] = []

    def _start(self) -> Runner:
        self._all.append(Runner())
        return self._all[-1]

    def take(self) -> Runner:
        """Draw a runner: one that was given back, or a new one."""
        if self._free:
            return self._free.pop()
        self._ready.append(self._start())
        return self._ready.popleft()

    def give_back(self, runner: Runner) -> None:
        """Return a runner that is alive and has answered."""
        self._free.append(runner)

    def do(self, **job: Any) -> dict[str, Any]:
        """Have any runner do a job."""
        runner = self.take()
        answer = runner.do(**job)
        self.give_back(runner)
        return answer

    def dismiss(self) -> None:
        """End all of them, also those that a failed test has left behind."""
        for runner in self._all:
            runner.kill()
            runner.bury()
