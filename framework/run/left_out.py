"""The files that a sequence leaves out, as they fail its reading or kill whoever reads them.

While a plan can be read, nothing here costs anything. When its reading fails, each of its files is read by a process
apart, and those that do not survive it are refused as files. Two attempts may come to different ends (a file is mended
or damaged in between, memory is short once), so what a sequence leaves out is decided where everything else of it is:
by the commit of its quarantine, the first one of every sequence. It holds the refused files as rows, so there is no
second object that could disagree with it. Any attempt that finds that commit made by another reads just what it says.
"""

from __future__ import annotations

import errno
import os
import zlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from framework.core.faults import fault
from framework.core.plan import FilesInput
from framework.errors import StorageError
from framework.lake import app_id, open_table
from framework.lake.quarantine import refused_files, table_name
from framework.run.readers import Limits, judge_files
from framework.sources.judging import ONLY
from framework.sources.text import UnreadableTextError
from framework.storage import local_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.boundary import Contract
    from framework.core.plan import FileInput, RunPlan
    from framework.core.source import FileSource
    from framework.definition import Pipeline
    from framework.run.workspace import Workspace

SECONDS_PER_MB = 5.0
"""What reading a file may take beyond the least: so much that no sound file is refused for its size."""
MEMORY_SHARE = 0.75
"""Of the machine's memory, where the settings set no limit."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE}
_DISK_FULL = "No space left on device"
_READING = (pl.exceptions.PolarsError, OSError, EOFError, zlib.error, MemoryError, UnreadableTextError)
_PANIC = "PanicException"


@dataclass(frozen=True)
class LeftOut:
    """What is not read of a plan: per source the paths, with the reason.

    `is_judged`: every file of the plan has been read apart. `is_final`: the sequence's quarantine is published and says
    so, hence no file may be left out beside these.
    """

    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    is_judged: bool = False
    is_final: bool = False

    @property
    def files(self) -> frozenset[tuple[str, str]]:
        """Source and path of each."""
        return frozenset((source, path) for source, paths in self.reasons.items() for path in paths)


NOTHING = LeftOut()


def may_be_a_file(error: BaseException) -> bool:
    """Whether what stopped a plan can be the doing of a file: not what our own code or a full disk raises."""
    if isinstance(error, OSError) and (error.errno in _FULL or _DISK_FULL in str(error)):
        return False
    return isinstance(error, _READING) or type(error).__name__ == _PANIC


def judge_plan(
    pipeline: Pipeline, plan: RunPlan, space: Workspace, known: Mapping[str, Contract], already: LeftOut = NOTHING
) -> LeftOut:
    """Read each file of a plan in a process apart, the columns that the run needs; gives those that do not survive it.

    Raises:
        StorageError: when storage fails meanwhile: that is no file's doing.
    """
    fault("apart.before")
    reasons = {name: dict(paths) for name, paths in already.reasons.items()}
    files = [(name, f) for name, f in _files(plan) if name in known and f.path not in reasons.get(name, {})]
    limits = Limits(space.memory_mb or _physical_mb(), seconds_per_mb=SECONDS_PER_MB)
    jobs = [(_narrowed(pipeline, name, known[name]), file) for name, file in files]
    for (name, file), verdict in zip(files, judge_files(jobs, space.raw, limits), strict=True):
        if verdict.is_storage:
            raise StorageError(f"{file.path} cannot be read now: {verdict.reason}")
        if verdict.outcome not in {"ok", "quarantine"}:
            reasons.setdefault(name, {})[file.path] = verdict.reason
    fault("apart.after")
    return LeftOut(reasons, is_judged=True)


def _narrowed(pipeline: Pipeline, name: str, contract: Contract) -> FileSource:
    """A source that is read as far as the run reads it: damage in columns that nobody wants costs nothing."""
    source = pipeline.file_sources[name]
    return replace(source, options={**source.options, ONLY: list(contract.columns)})


def _physical_mb() -> int:
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20 * MEMORY_SHARE)


def decided(plan: RunPlan, space: Workspace) -> LeftOut | None:
    """What the published quarantine of a sequence says was left out; None where it is not at just that sequence."""
    name = table_name(plan.pipeline)
    handle = open_table(space.lake, name)
    if handle is None or handle.sequence(app_id(plan.pipeline, name)) != plan.seq:
        return None
    return LeftOut(refused_files(handle, plan.seq, plan.run_id), is_judged=True, is_final=True)


def is_behind(plan: RunPlan, space: Workspace, tables: Sequence[str]) -> bool:
    """Whether some table is not at a plan's sequence yet."""
    for table in tables:
        handle = open_table(space.lake, table)
        if handle is None or handle.sequence(app_id(plan.pipeline, table)) < plan.seq:
            return True
    return False


Stamps = dict[str, tuple[int, datetime] | None]
"""Size and time of files, by path; None: it is gone."""


def planned_stamps(plan: RunPlan) -> Stamps:
    """The files of a plan as they were when it was fixed."""
    return {file.path: (file.size, file.modified) for _, file in _files(plan)}


def stamps(plan: RunPlan, space: Workspace) -> Stamps:
    """The files of a plan as they are now; as planned where a look at each would cost a request."""
    if not space.raw.is_local:
        return planned_stamps(plan)
    return {file.path: _stamp(space.raw.uri(file.path)) for _, file in _files(plan)}


def _stamp(path: str) -> tuple[int, datetime] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - one call per file of a run
    except FileNotFoundError:
        return None
    return found.st_size, local_time(found)


def changed_files(before: Stamps, now: Stamps, plan: RunPlan, but: frozenset[tuple[str, str]]) -> list[tuple[str, str]]:
    """The files of a plan (source and path) that are not as they were before; `but` those that are not read anyway."""
    read = [(source, file.path) for source, file in _files(plan) if (source, file.path) not in but]
    return [(source, path) for source, path in read if now[path] != before[path]]


def _files(plan: RunPlan) -> list[tuple[str, FileInput]]:
    inputs = plan.inputs.items()
    return [(name, file) for name, given in inputs if isinstance(given, FilesInput) for file in given.files]
