"""The process that reads files nobody vouches for: one after the other, telling where it is and what it found.

It may crash, hang or be killed at any file: that is what it is for. See `readers` for the side that survives.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from framework.storage import StorageLocation

_PR_SET_PDEATHSIG = 1
_ADDRESS_SPACE = 16
"""Address space allowed, as a multiple of the memory: allocators and threads reserve far more than they use."""


def main(handle: int) -> NoReturn:
    """Read the files of the job on stdin, and report to a file descriptor, a line of JSON at a time."""
    job = json.loads(sys.stdin.buffer.read())
    _limit(job["memory_mb"])
    location = _location(job)
    import_module("framework.sources.judging")  # before the first file's time begins
    for number, file in enumerate(job["files"]):
        _say(handle, {"at": number})
        _say(handle, {"verdict": _judged(file, location)})
    os._exit(0)


def _say(handle: int, document: dict[str, Any]) -> None:
    line = memoryview(json.dumps(document).encode() + b"\n")
    while line:
        line = line[os.write(handle, line) :]


def _limit(memory_mb: int) -> None:
    """Die with the parent, leave no core file, and let absurd allocations fail. Before Polars is imported."""
    import resource

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        space = memory_mb * _ADDRESS_SPACE * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (space, space))


def _location(job: dict[str, Any]) -> StorageLocation:
    from framework.settings import S3Settings
    from framework.storage import StorageLocation

    return StorageLocation(job["root"], S3Settings(**job["s3"]) if job["s3"] else None)


def _judged(file: dict[str, Any], location: StorageLocation) -> dict[str, Any]:
    """The verdict on a file; a panic of Polars, which is no Exception, costs it as well."""
    from framework.core.plan import FileInput
    from framework.core.source import FileSource
    from framework.sources.judging import Verdict, judge_file

    path, size = file["path"], file["size"]
    source = FileSource(file["format"], (path,), options=file["options"])
    try:
        verdict = judge_file(source, FileInput(datetime.fromisoformat(file["modified"]), path, size), location)
    except BaseException as error:  # noqa: BLE001
        first = (str(error).splitlines() or [""])[0]
        verdict = Verdict(path, "crashed", f"the reader panicked: {first}", bytes=size)
    return verdict.to_dict()
