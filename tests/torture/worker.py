"""A runner process for tests: takes jobs as lines of JSON, answers each with one line of JSON, dies when a job says so.

Run as `python -m tests.torture.worker`. One process carries out many histories, one after another.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from contextlib import ExitStack
from typing import Any

from framework.core import faults
from framework.core.events import listening
from framework.lake.quarantine import Selection
from framework.run.flow import run_in
from framework.run.quarantine.replay import queue
from framework.run.quarantine.rows import Desk
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.settings import S3Settings
from framework.storage import StorageLocation
from tests.torture import bugs, tricks
from tests.torture.deliveries import NOW, PIPELINES, find_pipeline

MOST_ROUNDS = 20

passed: Counter[str] = Counter()


def record_passages() -> None:
    """Count every passage of a named point, wherever the house calls it."""
    original = faults.fault

    def recorded(point: str) -> None:
        passed[point] += 1
        original(point)

    for name, module in list(sys.modules.items()):
        if name.startswith("framework.") and getattr(module, "fault", None) is original:
            module.fault = recorded  # type: ignore[attr-defined]


def carry_out(job: dict[str, Any]) -> dict[str, Any]:
    """Run the job's pipelines once, or until nothing is new; `queue` names one whose mended rows are queued first.

    A stop that was never reached comes at the end.
    """
    passed.clear()
    faults._hits.clear()
    os.environ["SLUICE_FAULT"] = job.get("fault") or ""
    answer: dict[str, Any] = {"states": {}, "error": None, "events": []}
    with ExitStack() as stack:
        if job.get("bug"):
            stack.enter_context(bugs.BUGS[job["bug"]]())
        trick = stack.enter_context(tricks.TRICKS[job["trick"]]()) if job.get("trick") else None
        try:
            with listening(lambda event: answer["events"].append(repr(event))):
                answer["rounds"] = _rounds(job, answer["states"])
        except Exception as error:  # noqa: BLE001 - the test judges it
            answer["error"] = f"{type(error).__name__}: {error}"
    _, action, hit = (job.get("fault") or "::0").split(":")
    has_acted = faults._hits.total() >= int(hit) > 0
    if action == "stop" and not has_acted:
        os.kill(os.getpid(), signal.SIGSTOP)
    return answer | {"passed": dict(passed), "told": trick, "has_acted": has_acted}


def _rounds(job: dict[str, Any], states: dict[str, str]) -> int:
    s3 = S3Settings(**job["s3"]) if job.get("s3") else None
    space = Workspace(StorageLocation(job["raw"], s3), StorageLocation(job["lake"], s3), NOW)
    found = [find_pipeline(name) for name in job.get("pipelines") or PIPELINES]
    if job.get("queue"):
        desk = Desk(job["queue"], space, find_pipeline(job["queue"]))
        queue(desk, Selection(states=("mended", "queued")), by=job.get("by", "worker"))
    for number in range(1, MOST_ROUNDS):
        for pipeline in found:
            states[pipeline.name] = run_in(pipeline, space, RunRequest()).state
        if not job.get("until_unchanged") or set(states.values()) == {"UNCHANGED"}:
            return number
    raise AssertionError(f"after {MOST_ROUNDS} rounds there is still something new: {states}")


def main() -> None:
    """Answer jobs until the input ends."""
    record_passages()
    for line in sys.stdin:
        print(json.dumps(carry_out(json.loads(line))), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
