"""The child process: works through the selected pipelines and tells the supervisor, until the first failure.

It may be killed at any instant. A failed pipeline ends it, so that whatever comes next starts in a clean process.
What is heavy is imported only after the settings are known, because Polars reads its limits when it is imported.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from framework.core import events
from framework.core.events import Event
from framework.core.report import RunReport
from framework.observe.redact import Redactor, secrets_of
from framework.supervise.failures import classify, traceback_of
from framework.supervise.messages import (
    Begun,
    Ended,
    Happened,
    Job,
    Message,
    Ready,
    Refused,
    Reported,
    Selected,
    encode,
    to_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.run.request import RunRequest
    from framework.settings import Settings

SPILL_SHARE = 0.5
ABORT_SHARE = 0.95
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Work:
    """The selected pipelines in dependency order, each with those of them that it depends on, and how to run one.

    `kept`: by pipeline, the tables of which it can use the last version, each with the pipeline that writes it.
    """

    upstream: dict[str, tuple[str, ...]]
    run: Callable[[str, RunRequest], RunReport]
    kept: dict[str, dict[str, str]] = field(default_factory=dict)


def selected_work(settings: Settings, selection: tuple[str, ...]) -> Work:
    """Load the project's pipelines and select among them."""
    from framework.definition.load import load_pipelines
    from framework.definition.selection import kept_tables, select, upstream_of
    from framework.run.flow import run_pipeline

    chosen = {p.name: p for p in select(load_pipelines(settings), selection)}
    upstream = {name: tuple(sorted(upstream_of(p, chosen))) for name, p in chosen.items()}
    kept = {name: tables for name, p in chosen.items() if (tables := kept_tables(p, chosen))}
    return Work(upstream, lambda name, request: run_pipeline(chosen[name], settings, request), kept)


class Channel:
    """The pipe to the supervisor. A broken pipe means nobody is left to work for: the process ends."""

    def __init__(self, handle: int) -> None:
        os.set_inheritable(handle, False)
        self._handle = handle
        self._lock = threading.Lock()
        self.redactor = Redactor()

    def send(self, message: Message) -> None:
        """Say something. Secrets are masked, except in `Ready`, which carries them to the supervisor's own mask."""
        document = encode(message)
        self.write(document if isinstance(message, Ready) else self.redactor.data(document))

    def write(self, document: dict[str, Any]) -> None:
        """Write one line, whole."""
        line = memoryview(to_line(document))
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._handle, line) :]
            except BrokenPipeError:
                os._exit(1)


class Printed(io.TextIOBase):
    """What Python code prints, on either stream, line by line, as events in the order of all others."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._rest = ""

    def write(self, text: str) -> int:
        """Send the lines that are complete."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._channel.send(Happened(Event("output", line)))
        return len(text)

    def close(self) -> None:
        """Send what is left without a newline."""
        if self._rest:
            self.write("\n")


def main(handle: int) -> NoReturn:
    """Do the job on stdin, report to a file descriptor, and end without Python's own tear-down."""
    channel = Channel(handle)
    sys.stdout = sys.stderr = printed = Printed(channel)
    try:
        job = Job.from_json(sys.stdin.buffer.read())
        end_with(job.supervisor, handle)
        sys.path[:] = [job.project, *(p for p in job.path if p != job.project)]
        _work(job, channel)
    except BaseException as error:  # noqa: BLE001 - panics and exits of user code included: say so, then end
        channel.send(Refused(classify(error), traceback_of(error)))
    printed.close()
    os._exit(0)


def _work(job: Job, channel: Channel) -> None:
    from framework.settings import load_settings

    settings = load_settings(Path(job.project))
    channel.redactor = Redactor(secrets_of(settings))
    channel.send(_ready(settings))
    limit_memory(settings.memory_mb)
    module, _, name = job.entry.partition(":")
    work: Work = getattr(import_module(module), name)(settings, job.selection)
    channel.send(Selected(work.upstream, work.kept))
    with events.listening(lambda event: channel.send(Happened(event))):
        _forward_logs(settings)
        for pipeline in work.upstream:
            if not _run(pipeline, work, channel, job):
                break
    channel.send(Ended())


def _run(pipeline: str, work: Work, channel: Channel, job: Job) -> bool:
    """Run one pipeline and report it; whether the next may follow."""
    attempt = job.attempts.get(pipeline, 0) + 1
    channel.send(Begun(pipeline, attempt))
    started_at, start = datetime.now(UTC), time.monotonic()
    reset_peak_memory()
    trace = ""
    try:
        with events.context(pipeline=pipeline, attempt=attempt):
            report = work.run(pipeline, replace(job.request, apart=pipeline in job.apart))
    except BaseException as error:  # noqa: BLE001 - a panic of Polars is no Exception; every failure is reported
        failure = classify(error)
        trace = traceback_of(error)
        report = RunReport("", pipeline, "FAILED", failure=failure)
    report = replace(
        report,
        attempts=attempt,
        started_at=report.started_at or started_at.isoformat(),
        duration_s=report.duration_s or round(time.monotonic() - start, 3),
        peak_memory_mb=peak_memory_mb(),
    )
    channel.send(Reported(report, trace))
    return report.state != "FAILED"


def _ready(settings: Settings) -> Ready:
    return Ready(
        project=str(settings.project.absolute()),
        ledger=settings.ledger_url,
        logs=settings.path(settings.logs),
        log_level=settings.log_level,
        log_format=settings.log_format,
        grace_s=settings.grace_s,
        memory_mb=settings.memory_mb,
        secrets=secrets_of(settings),
    )


def _forward_logs(settings: Settings) -> None:
    from framework.observe.forward import forward_loguru, forward_stdlib

    forward_stdlib(settings.log_level, settings.packages)
    if "loguru" in sys.modules:
        forward_loguru(settings.log_level)


def limit_memory(memory_mb: int | None) -> None:
    """Make Polars spill at half of the limit and abort just below it. Before Polars is imported."""
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
