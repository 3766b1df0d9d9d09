"""What can be wrong with a lake: a torn last commit, tables that cannot be read, stray files, unfinished sequences."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from framework.cli.output import plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.storage import FileInfo, StorageLocation

MAX_DEPTH = 6


@dataclass(frozen=True)
class Finding:
    """Something that was looked at: what it is, whether it is in order, and what to do if not."""

    subject: str
    state: Literal["ok", "warn", "fail"]
    what: str
    fix: str = ""

    @property
    def is_whole_table(self) -> bool:
        """Whether this is about a table with nothing wrong."""
        return self.state == "ok" and self.subject.startswith("table ")


def examine_lake(lake: StorageLocation) -> Iterator[Finding]:
    """Look at every table, the quarantine included, and at the plans of every pipeline."""
    from framework.lake.quarantine import FOLDER, pipelines
    from framework.lake.tables import table_names

    for name in (*table_names(lake), *(f"{FOLDER}/{pipeline}" for pipeline in pipelines(lake))):
        yield from _table(lake, name)
    for pipeline in lake.folders("_sluice"):
        yield from _sequences(lake, pipeline)


def _table(lake: StorageLocation, name: str) -> Iterator[Finding]:
    subject = f"table {name}"
    torn = _torn_commit(lake, name)
    if torn:
        yield Finding(subject, "fail", *torn)
        return
    try:
        yield from _files(lake, name, subject)
    except Exception as error:  # noqa: BLE001 - a damaged log can break deltalake in any way; each is a finding
        fix = f"restore the file it names, or remove {lake.uri(name)} and run with --full"
        yield Finding(subject, "fail", f"cannot be read: {type(error).__name__}: {error}", fix)


def _torn_commit(lake: StorageLocation, name: str) -> tuple[str, str] | None:
    """Whether the last commit is cut off, as it is after a power failure; then what and the fix.

    An empty one opens without a word, without its rows and without its position: both are gone together, so the next
    run repeats it. A half-written one makes every reader fail.
    """
    commits = lake.files(f"{name}/_delta_log/*.json")
    if not commits:
        return None
    last = commits[-1]
    content = lake.read(last.path) or b""
    if content.strip() and all(_is_json(line) for line in content.splitlines() if line.strip()):
        return None
    state = "is empty" if not content.strip() else "is cut off"
    what = f"its last commit {lake.uri(last.path)} {state}: it was never fully written, as after a power failure"
    return what, f"delete {lake.uri(last.path)}, then run again: what it held is taken in once more"


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:  # which is what is being asked
        return False
    return True


def _files(lake: StorageLocation, name: str, subject: str) -> Iterator[Finding]:
    """Hold the files in the table's folder against those of its log."""
    from framework.lake import open_table

    handle = open_table(lake, name)
    if handle is None:
        yield Finding(subject, "fail", "has a log without a table", f"remove {lake.uri(name)} and run with --full")
        return
    there = {info.path.removeprefix(f"{name}/"): info for info in _walk(lake, name)}
    current = {unquote(file.path) for file in handle.files()}
    gone = sorted(current - there.keys())
    if gone:
        what = f"{plural(len(gone), 'data file')} of its current version cannot be found: {gone[0]}"
        yield Finding(subject, "fail", what, "restore them from a backup, or rebuild with --full")
        return
    yield Finding(subject, "ok", f"version {handle.version}, {plural(len(current), 'file')}")
    stray = [there[path] for path in there.keys() - current - _earlier(handle.delta)]
    if stray:
        what = f"{plural(len(stray), 'file')} ({size(sum(f.size for f in stray))}) belong to no version"
        yield Finding(subject, "warn", what, "none needed: left by an attempt that died, or of a run in progress")


def _earlier(delta: Any) -> set[str]:
    """Files that only earlier versions have."""
    return {unquote(path) for path in delta.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False)}


def _walk(lake: StorageLocation, folder: str, depth: int = 0) -> Iterator[FileInfo]:
    yield from (info for info in lake.files(f"{folder}/*.parquet"))
    if depth < MAX_DEPTH:
        for name in lake.folders(folder):
            if name != "_delta_log":
                yield from _walk(lake, f"{folder}/{name}", depth + 1)


def _sequences(lake: StorageLocation, pipeline: str) -> Iterator[Finding]:
    planned = {info.path.rpartition("/")[2] for info in lake.files(f"_sluice/{pipeline}/plans/*.json")}
    finished = {info.path.rpartition("/")[2] for info in lake.files(f"_sluice/{pipeline}/runs/*.json")}
    open_ones = sorted(planned - finished)
    if open_ones:
        numbers = ", ".join(str(int(name.removesuffix(".json"))) for name in open_ones)
        what = f"sequence {numbers} was begun and is not finished"
        yield Finding(f"pipeline {pipeline}", "warn", what, f"sluice run {pipeline}")
