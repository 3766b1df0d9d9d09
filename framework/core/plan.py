"""The run plan: what one sequence of a pipeline covers, fixed before any data is read, and never changed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

SCHEMA_VERSION = 1

Mode = Literal["incremental", "full"]
StandIn = Literal["taken", "ready", "unreachable"]


@dataclass(frozen=True, order=True)
class FileInput:
    """One file to read. `changed` says that an earlier sequence has covered another content of the same path."""

    modified: datetime
    path: str
    size: int
    etag: str | None = None
    changed: bool = False


@dataclass(frozen=True)
class FilesInput:
    """The files of one source, oldest first (by time of change, then by path)."""

    files: tuple[FileInput, ...]
    kind: Literal["files"] = "files"


@dataclass(frozen=True)
class TableInput:
    """A lake table at a version; what changed after version `since` is new (None: all of it)."""

    table: str
    version: int
    since: int | None
    kind: Literal["table"] = "table"


Input = FilesInput | TableInput


@dataclass(frozen=True)
class RunPlan:
    """What sequence `seq` of a pipeline covers. Every attempt at it reads exactly this.

    `planned_at` is the run's only notion of now. `waiting_version` pins the quarantine table of which rows are judged
    again: those that wait or are queued, in a rebuild those that were mended (None: there are none). `lookups`: the
    versions of the tables that are asked for last known values (None: it is not there yet). `stand_ins`: alternate
    sources with files in the plan, which are `taken`, also as their primary was `unreachable`, or `ready` in case that
    all files of their primary are refused.
    `passed_over`: files of theirs that a rebuild covers and does not read, as no sequence before took them.
    `rebuilt`: tables that are computed again whole, as what they are made by has changed; `kept`: tables that stay as
    they are, as neither that nor their input has; `skipped`: tables that stay as they are, each with the condition that
    does not hold.
    """

    pipeline: str
    seq: int
    mode: Mode
    run_id: str
    planned_at: datetime
    fingerprint: str
    inputs: dict[str, Input]
    parameters: dict[str, Any] = field(default_factory=dict)
    waiting_version: int | None = None
    reason: str = ""
    lookups: dict[str, int | None] = field(default_factory=dict)
    stand_ins: dict[str, StandIn] = field(default_factory=dict)
    passed_over: dict[str, list[str]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    rebuilt: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def to_json(self) -> bytes:
        """Render as a stable, readable JSON document."""
        document = {"schema_version": SCHEMA_VERSION, **asdict(self)}
        return json.dumps(document, default=_encode, indent=1, ensure_ascii=False).encode()

    @staticmethod
    def from_json(content: bytes) -> RunPlan:
        """Read what `to_json` wrote."""
        document = json.loads(content)
        document.pop("schema_version")
        document["planned_at"] = datetime.fromisoformat(document["planned_at"])
        document["inputs"] = {name: _input(value) for name, value in document["inputs"].items()}
        return RunPlan(**document)


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"a run plan cannot hold {value!r}")


def _input(value: dict[str, Any]) -> Input:
    if value["kind"] == "table":
        return TableInput(**value)
    files = (FileInput(**{**f, "modified": datetime.fromisoformat(f["modified"])}) for f in value["files"])
    return FilesInput(tuple(files))
