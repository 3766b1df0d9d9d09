"""A worker: loads the project once, does one task after another, and tells the supervisor, until the first failure.

It may be killed at any instant. A failed task ends it, so that whatever comes next starts in a clean process. What is
heavy is imported only after the settings are known, because Polars reads its limits when it is imported.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

from framework.core import events
from framework.core.failures import classify, traceback_of
from framework.core.report import RunReport
from framework.observe.redact import Redactor, secrets_of
from framework.supervise.channel import Channel, Printed
from framework.supervise.memory import memory_limit_mb
from framework.supervise.messages import Begun, Happened, Job, Ready, Refused, Reported, Selected, Split, Task
from framework.supervise.process import end_with, limit_memory, peak_memory_mb, reset_peak_memory

if TYPE_CHECKING:
    from framework.run.request import RunRequest
    from framework.settings import Settings
    from framework.supervise.work import Work

MOST_WORKERS = 4
"""So many processes work side by side at most where nothing is set: Polars itself uses every core."""


def main(handle: int) -> NoReturn:
    """Do the tasks on stdin, report to a file descriptor, and end without Python's own tear-down."""
    channel = Channel(handle)
    sys.stdout = sys.stderr = printed = Printed(channel)
    try:
        with _commands() as commands:
            job = Job.from_json(commands.readline())
            end_with(job.supervisor, handle)
            sys.path[:] = [job.project, *(p for p in job.path if p != job.project)]
            _work(job, channel, commands)
    except BaseException as error:  # noqa: BLE001 - panics and exits of user code included: say so, then end
        channel.send(Refused(classify(error), traceback_of(error)))
    printed.close()
    os._exit(0)


def _commands() -> IO[bytes]:
    """What the supervisor says, taken away from stdin: a step that reads that, or starts something, gets nothing."""
    handle = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return os.fdopen(handle, "rb")


def _work(job: Job, channel: Channel, commands: IO[bytes]) -> None:
    from framework.settings import load_settings

    settings = load_settings(Path(job.project))
    channel.redactor = Redactor(secrets_of(settings))
    slots = job.workers or settings.workers or usual_workers()
    channel.send(_ready(settings, slots))
    limit_memory(settings.memory_mb, _share_mb(slots))
    module, _, name = job.entry.partition(":")
    work: Work = getattr(import_module(module), name)(settings, job.selection)
    channel.send(Selected(work.upstream, work.kept, work.policies))
    with events.listening(lambda event: channel.send(Happened(event))):
        _forward_logs(settings)
        for line in commands:
            if not _do(Task.from_json(line), work, channel, job.request):
                break


def usual_workers() -> int:
    """How many processes work side by side where nothing is set: one for each core that may be used, four at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_WORKERS)


def _share_mb(slots: int) -> float | None:
    limit = memory_limit_mb() if slots > 1 else None
    return limit / slots if limit is not None else None


def _do(task: Task, work: Work, channel: Channel, request: RunRequest) -> bool:
    """Do one task and report it; whether the next may follow."""
    channel.send(Begun(task))
    started_at, start = datetime.now(UTC), time.monotonic()
    reset_peak_memory()
    trace = ""
    try:
        with events.context(
            pipeline=task.pipeline, attempt=task.attempt, **({"stage": task.stage} if task.stage else {})
        ):
            found = _found(task, work, replace(request, apart=task.apart, takes_up=request.takes_up or task.takes_up))
    except BaseException as error:  # noqa: BLE001 - a panic of Polars is no Exception; every failure is reported
        failure = classify(error)
        trace = traceback_of(error)
        found = RunReport("", task.pipeline, "FAILED", failure=failure)
    if isinstance(found, Split):
        channel.send(found)
        return True
    report = replace(
        found,
        attempts=task.attempt,
        started_at=found.started_at or started_at.isoformat(),
        duration_s=found.duration_s or round(time.monotonic() - start, 3),
        peak_memory_mb=peak_memory_mb(),
    )
    channel.send(Reported(report, trace))
    return report.state != "FAILED"


def _found(task: Task, work: Work, request: RunRequest) -> RunReport | Split:
    """Do a task, or say into which it falls apart."""
    if task.stage and work.stage is not None:
        work.stage(task.pipeline, task.stage, request)
        return RunReport("", task.pipeline, "SUCCESS")
    if task.may_split and work.stages is not None:
        stages = work.stages(task.pipeline, request)
        if stages:
            return Split(stages)
    return work.run(task.pipeline, request)


def _ready(settings: Settings, slots: int) -> Ready:
    return Ready(
        project=str(settings.project.absolute()),
        ledger=settings.ledger_url,
        logs=settings.path(settings.logs),
        log_level=settings.log_level,
        log_format=settings.log_format,
        grace_s=settings.grace_s,
        memory_mb=settings.memory_mb,
        secrets=secrets_of(settings),
        workers=slots,
        pools=settings.pools,
    )


def _forward_logs(settings: Settings) -> None:
    from framework.observe.forward import forward_loguru, forward_stdlib

    forward_stdlib(settings.log_level, settings.packages)
    if "loguru" in sys.modules:
        forward_loguru(settings.log_level)
