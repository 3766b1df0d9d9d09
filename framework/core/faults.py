"""Named points at which tests break a run on purpose: `SLUICE_FAULT=<point>:<action>[:<hit>]`.

Actions: `kill` (SIGKILL to this process), `raise` (an OSError), `stop` (SIGSTOP to this process). `hit` is the how
manyth passage acts (default 1). Without the variable a point costs one look-up in a dictionary.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

POINTS: dict[str, str] = {
    "plan.before": "the run plan is about to be written",
    "plan.after": "the run plan is written",
    "apart.before": "the reading has failed, each file is about to be read by a process apart",
    "apart.after": "the files to be left out are known, and written nowhere",
    "kept.before": "the rows of a checkpoint are written, its record is not",
    "kept.after": "the record of a checkpoint is written",
    "stage.before": "the streaming execution is about to start",
    "stage.after": "data files are written, nothing is visible",
    "table.create": "a table is about to be created",
    "merge.before": "staged rows are about to be reconciled with the table",
    "merge.after": "reconciled, actions are ready",
    "sync.before": "new data files are about to be forced to disk",
    "commit.before": "the Delta commit is about to happen",
    "commit.after": "the Delta commit has happened, its outcome is not known yet",
    "commit.synced": "the commit is on disk",
    "publish.between": "one table is published, the next is not",
    "export.before": "all tables are published, a file is about to be made of one",
    "manifest.before": "all tables are published, the run manifest is not written",
    "manifest.after": "the run manifest is written",
    "record.before": "the run is about to be reported",
}
"""Every point, with what is true when it is passed."""

_hits: Counter[str] = Counter()


def fault(point: str) -> None:
    """Pass a named point; break here when the environment says so."""
    wanted = os.environ.get("SLUICE_FAULT")
    if not wanted:
        return
    name, action, *rest = wanted.split(":")
    if name != point:
        return
    _hits[point] += 1
    if _hits[point] != int(rest[0] if rest else 1):
        return
    if action == "raise":
        raise OSError(f"fault injected at {point}")
    os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)
