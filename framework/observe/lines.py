"""An event as a line: text for people, JSON for machines. Pure."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framework.core.events import Event

CONTEXT = ("run_id", "pipeline", "step", "attempt")
_HIDDEN = {*CONTEXT, "report", "traceback", "state"}
_LIMIT = 120


def json_fields(event: Event) -> dict[str, Any]:
    """The event as one flat document: time, level, name and message, where it happened, then its own fields."""
    where = {name: event.fields.get(name) for name in CONTEXT}
    own = {name: value for name, value in event.fields.items() if name not in CONTEXT}
    at = event.at.isoformat(timespec="milliseconds")
    return {"at": at, "level": event.level, "event": event.name, "message": event.message, **where, **own}


def json_line(document: dict[str, Any]) -> str:
    """One line of JSON."""
    return json.dumps(document, default=str, ensure_ascii=False)


def text_line(document: dict[str, Any], *, verbose: bool = False) -> str:
    """The document of an event as a line for people; what user code printed stays as it is.

    >>> text_line({"at": "2026-11-20T08:15:00+00:00", "level": "INFO", "event": "run.planned", "message": "2 files"})
    '08:15:00 INFO    2 files'
    """
    if document["event"] == "output":
        return str(document["message"])
    clock = datetime.fromisoformat(document["at"]).strftime("%H:%M:%S")
    line = f"{clock} {document['level']:<7} {document['message']}"
    if not verbose:
        return line
    own = {k: v for k, v in document.items() if k not in {*_HIDDEN, "at", "level", "event", "message"}}
    where = {name: document[name] for name in CONTEXT if document.get(name) is not None}
    words = " ".join(f"{name}={_short(value)}" for name, value in {**where, **own}.items())
    return f"{line} [{document['event']}{' ' if words else ''}{words}]"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LIMIT else f"{text[:_LIMIT]}..."
