"""What supervisor and child say to each other: a job on the child's stdin, messages as JSON lines on a pipe back.

Everything here is plain data and imports nothing heavy: the supervisor must start in a blink.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from framework.core.events import Event, Level
from framework.core.report import Failure, RunReport
from framework.run.request import RunRequest

DEFAULT_ENTRY = "framework.supervise.child:selected_work"


@dataclass(frozen=True)
class Job:
    """What a child is to do. `attempts` counts earlier ones by pipeline; `entry` finds the work (tests: their own).

    `apart`: the pipelines whose last attempt died while it read: their files are first read apart.
    """

    project: str
    selection: tuple[str, ...]
    request: RunRequest = field(default_factory=RunRequest)
    attempts: dict[str, int] = field(default_factory=dict)
    entry: str = DEFAULT_ENTRY
    path: tuple[str, ...] = ()
    supervisor: int = 0
    apart: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """Render for the child's stdin."""
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def from_json(content: bytes) -> Job:
        """Read what `to_json` wrote."""
        document = json.loads(content)
        request = RunRequest(**document.pop("request"))
        selection, path, apart = (tuple(document.pop(name)) for name in ("selection", "path", "apart"))
        return Job(request=request, selection=selection, path=path, apart=apart, **document)


@dataclass(frozen=True)
class Ready:
    """The child's settings, as far as the supervisor needs them. Travels over the private pipe only."""

    project: str
    ledger: str
    logs: str
    log_level: Level = "INFO"
    log_format: Literal["auto", "text", "json"] = "auto"
    grace_s: float = 5.0
    memory_mb: int | None = None
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selected:
    """The pipelines that will run, in dependency order, each with those of them that it depends on.

    `kept`: by pipeline, the tables of which it can use the last version, each with the pipeline that writes it.
    """

    upstream: dict[str, tuple[str, ...]]
    kept: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Begun:
    """A pipeline's run begins."""

    pipeline: str
    attempt: int


@dataclass(frozen=True)
class Happened:
    """An event of the run."""

    event: Event


@dataclass(frozen=True)
class Reported:
    """A pipeline's run is over."""

    report: RunReport
    traceback: str = ""


@dataclass(frozen=True)
class Refused:
    """Nothing can run: settings, definitions or the selection are wrong."""

    failure: Failure
    traceback: str = ""


@dataclass(frozen=True)
class Ended:
    """The child has said everything."""


Message = Ready | Selected | Begun | Happened | Reported | Refused | Ended
_TYPES: dict[str, type[Message]] = {c.__name__: c for c in (Ready, Selected, Begun, Happened, Reported, Refused, Ended)}


def encode(message: Message) -> dict[str, Any]:
    """Render a message as plain data."""
    return {"type": type(message).__name__, **asdict(message)}


def to_line(document: dict[str, Any]) -> bytes:
    """Render plain data as one line of JSON; values JSON does not know become text."""
    return json.dumps(document, default=_plain, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def decode(line: bytes) -> Message:
    """Read one line that a child wrote."""
    document = json.loads(line)
    kind = _TYPES[document.pop("type")]
    for name, build in _BUILD.items():
        if name in document:
            document[name] = build(document[name])
    return kind(**document)


def _event(document: dict[str, Any]) -> Event:
    return Event(**{**document, "at": datetime.fromisoformat(document["at"])})


_BUILD: dict[str, Any] = {
    "event": _event,
    "report": RunReport.from_dict,
    "failure": lambda value: Failure(**value),
    "secrets": tuple,
    "upstream": lambda value: {name: tuple(names) for name, names in value.items()},
}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "__dataclass_fields__"):
        return {f.name: getattr(value, f.name) for f in fields(value)}  # type: ignore[arg-type]
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return str(value)
