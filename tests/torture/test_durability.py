"""What a run reports as done has been forced to the disk: data files before their commit, all else before the end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.torture.deliveries import deliver
from tests.torture.history import TABLES, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.torture.conftest import Place
    from tests.torture.runners import Crew


@dataclass(frozen=True)
class Record:
    """What was forced to the disk and when, over all runs of a lake; a file is known by its inode."""

    lake: Path
    synced: list[str]

    def times(self, path: Path) -> list[int]:
        """When a file or folder was synced."""
        status = path.stat()
        wanted = f"{status.st_dev}:{status.st_ino}"
        return [at for at, name in enumerate(self.synced) if name == wanted]

    def commits(self, table: Path) -> list[int]:
        """When commits to a table were made."""
        return [at for at, name in enumerate(self.synced) if name == f"commit {table}"]

    def unsafe(self, path: Path, after: int = -1, before: int | None = None) -> Iterator[str]:
        """Say what of a file, or of the folders that lead to it, was not synced in time."""
        end = len(self.synced) if before is None else before
        times = [at for at in self.times(path) if after < at < end]
        if not times:
            yield f"{path.relative_to(self.lake)} was not synced"
            return
        for child, folder in pairwise([path, *path.parents[: len(path.relative_to(self.lake).parts)]]):
            first = min(self.times(child), default=end)
            if not any(first < at < end for at in self.times(folder)):
                yield f"{folder.relative_to(self.lake)} was not synced after {child.name}"


def unsafe_files(record: Record) -> list[str]:
    """Everything that a power cut after the run could take away."""
    found: list[str] = []
    for pipeline, names in TABLES.items():
        for name in names:
            table = read_table(record.lake, name)
            commits = record.commits(table.root)
            assert len(commits) == len(table.entries) - 1
            for version in table.entries:
                log = table.root / "_delta_log" / f"{version:020}.json"
                found += record.unsafe(log, after=commits[version - 1] if version else -1)
            for version, add in table.actions("add"):
                found += record.unsafe(table.root / unquote(add["path"]), before=commits[version - 1])
        for document in (record.lake / "_sluice" / pipeline).rglob("*.json"):
            found += record.unsafe(document)
    return found + list(unsafe_records(record))


def unsafe_records(record: Record) -> Iterator[str]:
    """The files of checkpoints that were not synced before the record that names them."""
    cache = record.lake / "_sluice/_cache"
    kept = list(cache.glob("*/stage.json"))
    assert kept
    for path in kept:
        stage = json.loads(path.read_text())
        files = [file["path"] for files in (*stage["nodes"].values(), stage["refused"]) for file in files]
        for file in files:
            if not any(at < min(record.times(path), default=-1) for at in record.times(cache / file)):
                yield f"{file} was not synced before its record"


def run(crew: Crew, at: Place, **job: Any) -> list[str]:
    """Run and give what was synced, in order."""
    answer = crew.do(**at.job, trick="records_syncs", **job)
    return answer["told"]["synced"]


def test_everything_published_is_on_disk_before_the_run_reports(crew: Crew, place: Callable[[], Place]):
    at = place()
    synced: list[str] = []
    for number in (1, 2):
        deliver(at.raw, number)
        synced += run(crew, at)
    assert unsafe_files(Record(at.lake, synced)) == []


def test_a_commit_that_a_dead_attempt_left_unsynced_is_synced_by_the_next(crew: Crew, place: Callable[[], Place]):
    at = place()
    deliver(at.raw, 1)
    runner = crew.take()
    runner.ask(**at.job, fault="commit.after:kill:2")
    assert runner.answer() is None
    runner.bury()
    left = at.lake / "retail/products/_delta_log/00000000000000000001.json"
    assert left.exists()
    record = Record(at.lake, run(crew, at))
    manifest = at.lake / "_sluice/retail.products/runs/00000001.json"
    assert record.times(left)[0] < record.times(manifest)[0]
