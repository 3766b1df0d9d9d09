"""What supervisor and workers say to each other: job and tasks on a worker's stdin, messages on a pipe back, as JSON.

Everything here is plain data and imports nothing heavy: the supervisor must start in a blink.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from framework.core.events import Event, Level
from framework.core.policy import Policy
from framework.core.report import Failure, RunReport
from framework.run.request import RunRequest

DEFAULT_ENTRY = "framework.supervise.work:selected_work"


@dataclass(frozen=True)
class Job:
    """What a worker works for. `entry` finds the work (tests: their own); `workers`: how many there may be (None: set).

    `supervisor`: its process, with which a worker ends.
    """

    project: str
    selection: tuple[str, ...]
    request: RunRequest = field(default_factory=RunRequest)
    entry: str = DEFAULT_ENTRY
    path: tuple[str, ...] = ()
    supervisor: int = 0
    workers: int | None = None

    def to_json(self) -> bytes:
        """Render as one line for the worker's stdin."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @staticmethod
    def from_json(content: bytes) -> Job:
        """Read what `to_json` wrote."""
        document = json.loads(content)
        request = RunRequest(**document.pop("request"))
        selection, path = (tuple(document.pop(name)) for name in ("selection", "path"))
        return Job(request=request, selection=selection, path=path, **document)


@dataclass(frozen=True)
class Task:
    """One thing for a worker to do: run a pipeline, or one stage of it.

    `apart`: the last attempt died while it read, so each file is first read apart. `may_split`: whether the worker may
    say into which stages the run falls apart instead of doing it.
    """

    pipeline: str
    stage: str = ""
    attempt: int = 1
    apart: bool = False
    may_split: bool = False
    takes_up: bool = False

    def to_json(self) -> bytes:
        """Render as one line for the worker's stdin."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @staticmethod
    def from_json(content: bytes) -> Task:
        """Read what `to_json` wrote."""
        return Task(**json.loads(content))


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
    workers: int = 1
    pools: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Selected:
    """The pipelines that will run, in dependency order, each with those of them that it depends on.

    `kept`: by pipeline, the tables of which it can use the last version, each with the pipeline that writes it.
    `policies`: how each is run.
    """

    upstream: dict[str, tuple[str, ...]]
    kept: dict[str, dict[str, str]] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)


@dataclass(frozen=True)
class Begun:
    """A task begins."""

    task: Task


@dataclass(frozen=True)
class Split:
    """A pipeline's run falls apart into stages that can be done first, by anybody: each with those that it needs."""

    stages: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Happened:
    """An event of the run."""

    event: Event


@dataclass(frozen=True)
class Reported:
    """A task is over."""

    report: RunReport
    traceback: str = ""


@dataclass(frozen=True)
class Refused:
    """Nothing can run: settings, definitions or the selection are wrong."""

    failure: Failure
    traceback: str = ""


Message = Ready | Selected | Begun | Split | Happened | Reported | Refused
_TYPES: dict[str, type[Message]] = {c.__name__: c for c in (Ready, Selected, Begun, Split, Happened, Reported, Refused)}


def encode(message: Message) -> dict[str, Any]:
    """Render a message as plain data."""
    document = {"type": type(message).__name__, **asdict(message)}
    if isinstance(message, Selected):
        document["policies"] = {name: policy.to_dict() for name, policy in message.policies.items()}
    return document


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


def _tuples(document: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(names) for name, names in document.items()}


_BUILD: dict[str, Any] = {
    "event": _event,
    "report": RunReport.from_dict,
    "failure": lambda value: Failure(**value),
    "secrets": tuple,
    "upstream": _tuples,
    "stages": _tuples,
    "policies": lambda value: {name: Policy.from_dict(one) for name, one in value.items()},
    "task": lambda value: Task(**value),
}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "__dataclass_fields__"):
        return {f.name: getattr(value, f.name) for f in fields(value)}  # type: ignore[arg-type]
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return str(value)
