"""Rows of steps that were written down: Parquet files below an address, and a record of them that is written last.

`<address>/<node>/part-*.parquet` and `<address>/stage.json`. A folder without its record is proof of nothing: its
writer died, or is at work. Of two writers of one address the first record holds, and the files of the other one go.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.faults import fault
from framework.storage import sync_file, sync_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framework.storage import StorageLocation

RECORD = "stage.json"
USED = "used.json"
RECORD_VERSION = 1
WRITING = timedelta(days=1)
"""A folder without a record is left alone for so long: somebody may be at it."""


@dataclass(frozen=True)
class KeptFile:
    """One Parquet file below an address."""

    path: str
    rows: int
    size: int


@dataclass(frozen=True)
class KeptStage:
    """The record of a stage: which rows are where, who wrote them, and what passing them has told.

    `nodes`: the files per source and step. `refused`: those with rows for the quarantine. `code`: the fingerprints of
    its sources and steps. `effects`: the counts of its boundaries, and the warnings of its steps. `used_at`, `used_by`:
    when a run last used it, and which: the lake, the pipeline and the sequence.
    """

    address: str
    pipeline: str
    stage: str
    run_id: str
    created_at: datetime
    seconds: float
    nodes: dict[str, list[KeptFile]]
    refused: list[KeptFile] = field(default_factory=list)
    code: dict[str, str] = field(default_factory=dict)
    polars: str = pl.__version__
    parameters: dict[str, Any] = field(default_factory=dict)
    effects: dict[str, Any] = field(default_factory=dict)
    used_at: datetime | None = None
    used_by: tuple[str, str, int] | None = None

    @property
    def files(self) -> list[KeptFile]:
        """All of its files."""
        return [*(file for files in self.nodes.values() for file in files), *self.refused]

    @property
    def rows(self) -> int:
        """The rows of its sources and steps."""
        return sum(file.rows for files in self.nodes.values() for file in files)

    @property
    def size(self) -> int:
        """What it takes in storage."""
        return sum(file.size for file in self.files)

    def to_json(self) -> bytes:
        """Render as JSON."""
        document = {"schema_version": RECORD_VERSION, **asdict(self)}
        del document["used_at"], document["used_by"]
        document["created_at"] = self.created_at.isoformat()
        return json.dumps(document, indent=1, ensure_ascii=False, default=str).encode()

    @staticmethod
    def from_json(content: bytes) -> KeptStage | None:
        """Read what `to_json` wrote; None where another version of Sluice wrote it in another form."""
        document = json.loads(content)
        if document.pop("schema_version") != RECORD_VERSION:
            return None
        document["created_at"] = datetime.fromisoformat(document["created_at"])
        document["nodes"] = {name: _files(files) for name, files in document["nodes"].items()}
        document["refused"] = _files(document["refused"])
        return KeptStage(**document)


def _files(documents: Sequence[dict[str, Any]]) -> list[KeptFile]:
    return [KeptFile(**document) for document in documents]


@dataclass(frozen=True)
class StageStore:
    """The stages that are kept in one folder."""

    location: StorageLocation

    def find(self, address: str) -> KeptStage | None:
        """The stage at an address, if it is finished."""
        content = self.location.read(f"{address}/{RECORD}")
        found = KeptStage.from_json(content) if content is not None else None
        if found is None:
            return None
        used = self.location.read(f"{address}/{USED}")
        if used is None:
            return found
        told = json.loads(used)
        return replace(found, used_at=datetime.fromisoformat(told["at"]), used_by=tuple(told["by"]))

    def new_path(self, address: str, node: str) -> str:
        """A name for a file that nobody else will write."""
        path = f"{address}/{node}/part-{uuid.uuid4().hex}.parquet"
        if self.location.is_local:
            Path(self.location.uri(path)).parent.mkdir(parents=True, exist_ok=True)
        return path

    def written(self, path: str) -> KeptFile:
        """Look at a file that was written to its end."""
        rows = pl.scan_parquet(self.location.uri(path), storage_options=self._options).select(pl.len()).collect().item()
        return KeptFile(path, int(rows), self._size(path))

    def finish(self, stage: KeptStage) -> KeptStage:
        """Put the record of a stage down, once its files are on disk; if somebody was first, theirs holds."""
        fault("kept.before")
        self._sync(stage)
        self.location.create(f"{stage.address}/{RECORD}", stage.to_json())
        fault("kept.after")
        # Who was first only the record tells: the answer to one's own writing may have been lost.
        held = self.find(stage.address) or stage
        kept = {file.path for file in held.files}
        for file in stage.files:
            if file.path not in kept:
                self.location.delete(file.path)
        return held

    def use(self, stage: KeptStage, by: tuple[str, str, int], at: datetime) -> None:
        """Note that a run uses a stage, so that it is not removed."""
        with self.location.replace(f"{stage.address}/{USED}") as file:
            file.write(json.dumps({"at": at.isoformat(), "by": by}).encode())

    def damage(self, stage: KeptStage, *, is_deep: bool = False) -> str:
        """Say what is wrong with the files of a stage: their sizes and row counts; empty where nothing is.

        `is_deep`: read all of it.
        """
        for file in stage.files:
            try:
                found = self.written(file.path)
                if is_deep:
                    pl.read_parquet(self.location.uri(file.path), storage_options=self._options)
            except FileNotFoundError:
                return f"{file.path} is gone"
            except BaseException as error:
                if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                    raise
                return f"{file.path} cannot be read: {(str(error).splitlines() or [''])[0]}"
            if found != file:
                return f"{file.path} has {found.rows} rows in {found.size} bytes, not {file.rows} in {file.size}"
        return ""

    def scan(self, files: Sequence[KeptFile]) -> pl.LazyFrame:
        """The rows of some files, lazy, in their order; there is at least one file."""
        return pl.scan_parquet([self.location.uri(f.path) for f in files], storage_options=self._options)

    def stages(self) -> Iterator[KeptStage]:
        """Every finished stage, in no particular order."""
        for address in self.location.folders():
            found = self.find(address)
            if found is not None:
                yield found

    def remove(self, address: str) -> None:
        """Remove a stage: first its record, so that nobody finds the rest."""
        for name in (RECORD, USED):
            self.location.delete(f"{address}/{name}")
        for node in self.location.folders(address):
            for file in self.location.files(f"{address}/{node}/*.parquet"):
                self.location.delete(file.path)
        if self.location.is_local:
            _remove_folder(Path(self.location.uri(address)))

    def remove_unfinished(self, now: datetime) -> int:
        """Remove what writers left behind that died before they put a record down; gives how much that was."""
        gone = 0
        for address in self.location.folders():
            if self.location.exists(f"{address}/{RECORD}"):
                continue
            names = self.location.folders(address)
            files = [file for name in names for file in self.location.files(f"{address}/{name}/*.parquet")]
            if files and all(now - file.modified > WRITING for file in files):
                self.remove(address)
                gone += 1
        return gone

    @property
    def _options(self) -> dict[str, str] | None:
        return self.location.options() or None

    def _size(self, path: str) -> int:
        if self.location.is_local:
            return Path(self.location.uri(path)).stat().st_size
        return int(self.location.filesystem().size(self.location.uri(path)))

    def _sync(self, stage: KeptStage) -> None:
        if not self.location.is_local:
            return
        paths = [Path(self.location.uri(file.path)) for file in stage.files]
        for path in paths:
            sync_file(path)
        for folder in {path.parent for path in paths}:
            sync_folders(folder, stop=Path(self.location.root))


def _remove_folder(folder: Path) -> None:
    """Remove the empty folders of a stage; one in which somebody writes meanwhile stays."""
    for found in (*(p for p in folder.glob("*") if p.is_dir()), folder):
        try:
            found.rmdir()
        except OSError:
            return
