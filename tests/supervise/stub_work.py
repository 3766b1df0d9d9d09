"""Work for children under test: what a pipeline does is the last part of its name. Runs in the child process."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from framework import errors
from framework.core.events import emit
from framework.core.policy import Policy, Retry
from framework.core.report import OutputReport, RunReport, SourceReport
from framework.supervise.work import Work

FOREVER_S = 3600
PATIENCE_S = 60


def work(settings, selection):
    """`b.ok<a.kill` is pipeline `b.ok`, which depends on `a.kill`; later children know them by name only."""
    names = {text.partition("<")[0]: tuple(text.split("<")[1:]) for text in selection}
    policies = {name: POLICIES[domain] for name in names if (domain := name.partition(".")[0]) in POLICIES}
    project = settings.project
    return Work(
        names,
        lambda name, request: run(name, project, request),
        policies=policies,
        stages=lambda name, request: stages_of(name, project),
        stage=lambda name, stage, request: ACTIONS[stage.partition("_of_")[0]](f"{name}.{stage}", project),
    )


POLICIES = {
    "api": Policy(pools=("api",)),
    "late": Policy(deadline="2s"),
    "slow": Policy(expected="1us"),
    "stop": Policy(on_failure="stop"),
    "keen": Policy(retry=Retry(attempts=3, first="1us", longest="1us")),
    "patient": Policy(retry=Retry(attempts=2, first="1s", longest="1s")),
}
"""How pipelines of a domain are run."""


def stages_of(name, project):
    """`x.stages-meet_of_1-meet_of_2` falls apart into two stages; the others, and it the next time, do not."""
    kind, *stages = name.rpartition(".")[2].split("-")
    if kind != "stages" or (project / f"{name}.split").exists():
        return {}
    emit("run.planned", f"{name}: 2 new files", run_id=f"run-{name}", seq=3, mode="incremental", reason="2 new files")
    (project / f"{name}.split").touch()
    return {stage: tuple(stages[:at]) if stage.startswith("ok") else () for at, stage in enumerate(stages)}


def dying_in_the_second_worker(settings, selection):
    """The work, for the first worker that asks."""
    try:
        os.close(os.open(settings.project / "asked", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        os.kill(os.getpid(), signal.SIGKILL)
    return work(settings, selection)


def refusing_work(settings, selection):
    raise errors.SelectionError(f"no pipeline is called '{selection[0]}'")


def dying_work(settings, selection):
    os.kill(os.getpid(), signal.SIGKILL)


def run(name, project, request):
    action = name.rpartition(".")[2].partition("-")[0]
    if action == "unchanged":
        return RunReport("", name, "UNCHANGED", reason="nothing is new")
    emit("run.planned", f"{name}: 2 new files", run_id=f"run-{name}", seq=3, mode="incremental", reason="2 new files")
    print(f"printed by {name}")  # noqa: T201 - what a step may do
    print(f"last words of {name}", file=sys.stderr)  # noqa: T201
    Path(project, f"{name}.pid").write_text(str(os.getpid()))
    Path(project, f"{name}.apart").write_text(str(request.apart))
    ACTIONS[action](name, Path(project))
    source = SourceReport(rows_in=10, accepted=8, quarantined=1, dropped={"duplicate": 1}, files=2, reasons={"bad": 1})
    output = OutputReport("shop/orders", 4, 8, 0, 1, 1, 0)
    return RunReport(f"run-{name}", name, "SUCCESS", seq=3, sources={"orders": source}, outputs={"o": output})


def once(action):
    """Do something in the first attempt only."""

    def act(name, project):
        marker = project / f"{name}.done"
        if not marker.exists():
            marker.touch()
            action(name, project)

    return act


def fail(error):
    def act(name, project):
        raise error

    return act


def kill(name, project):
    os.kill(os.getpid(), signal.SIGKILL)


def panic(name, project):
    import polars as pl

    raise pl.exceptions.PanicException("made up")


def over_the_limit(name, project):
    os.write(2, b"polars: memory usage exceeded POLARS_OOMKILL_THRESHOLD_MB, aborting\n")
    os.abort()


def staged(action):
    """Do something when nothing is read any more."""

    def act(name, project):
        emit("run.staged", f"{name}: staged", level="DEBUG", seq=3)
        action(name, project)

    return act


def abort(name, project):
    os.abort()


def abort_then_storage(name, project):
    """Crash in the first attempt, fail for storage in the second."""
    attempts = project / f"{name}.attempts"
    before = int(attempts.read_text()) if attempts.exists() else 0
    attempts.write_text(str(before + 1))
    (abort, ACTIONS["storage"], ACTIONS["ok"])[before](name, project)


def meet(name, project):
    """Wait until two have come this far."""
    (project / f"{name}.here").touch()
    deadline = time.monotonic() + PATIENCE_S
    while len(list(project.glob("*.here"))) < 2:
        assert time.monotonic() < deadline, "nobody else is at work"
        time.sleep(0.01)


def alone(name, project):
    """Fail when somebody else is here."""
    os.close(os.open(project / "taken", os.O_CREAT | os.O_EXCL))
    time.sleep(0.05)  # long enough for another to come, if nothing keeps it from it
    (project / "taken").unlink()


def meet_and_die(name, project):
    meet(name, project)
    kill(name, project)


def meet_and_outlive(name, project):
    """Wait until the other that came this far has died."""
    meet(name, project)
    (other,) = (file for file in project.glob("*.pid") if file.stem != name)
    status = Path(f"/proc/{other.read_text()}/stat")
    deadline = time.monotonic() + PATIENCE_S
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline, "the other lives on"
        time.sleep(0.01)


def terminate(name, project):
    os.kill(os.getpid(), signal.SIGTERM)


def sleep(name, project):
    (project / "asleep").touch()
    time.sleep(FOREVER_S)


def stubborn(name, project):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep(name, project)


def grandchild(name, project):
    import subprocess

    child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({FOREVER_S})"])
    (project / "grandchild.pid").write_text(str(child.pid))
    kill(name, project)


ACTIONS = {
    "ok": lambda name, project: None,
    "stages": lambda name, project: (project / f"{name}.whole").touch(),
    "meet": meet,
    "meet_and_die": meet_and_die,
    "meet_and_outlive": meet_and_outlive,
    "alone": alone,
    "reads_stdin": lambda name, project: (project / "stdin").write_text(str(sys.stdin.readlines())),
    "kill": kill,
    "kill_once": once(kill),
    "abort": abort,
    "abort_once": once(abort),
    "abort_staged": staged(abort),
    "abort_then_storage": abort_then_storage,
    "kill_staged_once": once(staged(kill)),
    "limit_once": once(over_the_limit),
    "terminate_once": once(terminate),
    "exit": lambda name, project: os._exit(7),
    "quit": lambda name, project: sys.exit(3),
    "data": fail(errors.SourceError("orders.csv cannot be read")),
    "storage_once": once(fail(errors.StorageError("s3://bucket cannot be reached"))),
    "storage": fail(errors.StorageError("s3://bucket cannot be reached")),
    "memory": fail(MemoryError("no more")),
    "disk": fail(OSError(28, "No space left on device")),
    "bug": fail(ZeroDivisionError("division by zero")),
    "panic": panic,
    "limit": over_the_limit,
    "sleep": sleep,
    "stubborn": stubborn,
    "grandchild": grandchild,
}
