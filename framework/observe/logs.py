"""Where log lines go: standard error as text or JSON, and one JSON-lines file per run. On loguru.

The library says nothing until a process configures it, and loguru is imported only with the first line that is to be
written: a run with nothing new writes none.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TextIO

from framework.core.events import Event
from framework.observe.lines import json_fields, json_line, text_line
from framework.observe.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from framework.core.events import Level

KEPT_RUNS = 200
ENDING = ".jsonl"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LogFormat = Literal["auto", "text", "json"]
_COLORS: dict[str, str] = {"DEBUG": "\x1b[2m", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m"}
_RESET = "\x1b[0m"


@dataclass(frozen=True)
class LogStyle:
    """What standard error shows. `auto` is text; JSON only when asked for."""

    level: Level = "INFO"
    format: LogFormat = "auto"
    verbose: bool = False
    color: bool = False


def wants_color(stream: TextIO) -> bool:
    """Whether a stream is a terminal whose user has nothing against colour."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


FOR_THE_LEDGER = {"task.state", "invocation.begun", "invocation.ended"}
"""Events that say to the ledger what the log says in other words."""


@dataclass
class Logs:
    """The logs of one process: give it events. `write` is where lines for standard error go (default: there)."""

    folder: Path | None
    style: LogStyle = LogStyle()
    redactor: Redactor = field(default_factory=Redactor)
    write: Callable[[str], None] | None = None
    _early: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _files: dict[str, int] = field(default_factory=dict)
    _started: bool = False
    _muted: bool = False

    def __call__(self, event: Event) -> None:
        """Log an event: to standard error by level, and to its run's file once the run is known."""
        if event.name in FOR_THE_LEDGER:
            return
        document = self.redactor.data(json_fields(event))
        if LEVELS.index(event.level) >= LEVELS.index(self.style.level):
            self._log(document, "stderr")
        if self.folder is not None:
            try:
                self._keep(document, self.folder)
            except OSError as error:  # a full disk must not end a run for the sake of its log
                folder, self.folder = self.folder, None
                self._warn(f"run logs cannot be written to {folder}, so this run has none: {error}")

    def _keep(self, document: dict[str, Any], folder: Path) -> None:
        """Write to the run's file. What is said before the run is known waits for it, or is dropped if none comes."""
        pipeline, run_id = document.get("pipeline") or "", document.get("run_id")
        if document["event"] == "run.reported" and document.get("state") in {"UNCHANGED", "SKIPPED"}:
            self._early.pop(pipeline, None)
        elif not run_id:
            self._early.setdefault(pipeline, []).append(document)
        else:
            for earlier in self._early.pop(pipeline, []):
                self._log({**earlier, "run_id": run_id}, self._open(run_id, folder))
            self._log(document, self._open(run_id, folder))
            if document["event"] == "run.reported":
                self._close(run_id)

    def _warn(self, text: str) -> None:
        self._log(self.redactor.data(json_fields(Event("logs.lost", text, "WARNING"))), "stderr")

    def _log(self, document: dict[str, Any], sink: str) -> None:
        self._start()
        from loguru import logger

        logger.bind(document=document, sink=sink).log(document["level"], "{}", document["event"])

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        from loguru import logger

        logger.remove()
        logger.add(
            self._to_stderr, level=0, format="", filter=lambda r: r["extra"].get("sink") == "stderr", catch=False
        )

    def _to_stderr(self, message: Any) -> None:
        line = self.render(message.record["extra"]["document"])
        if self.write is not None:
            self.write(line)
        elif not self._muted:
            try:
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()
            except BrokenPipeError:  # nobody reads any more, which is no reason to stop the run
                self._muted = True

    def render(self, document: dict[str, Any]) -> str:
        """A document as the style wants it on standard error."""
        if self.style.format == "json":
            return json_line(document)
        line = text_line(document, verbose=self.style.verbose)
        color = _COLORS.get(document["level"]) if self.style.color else None
        return f"{color}{line}{_RESET}" if color else line

    def _open(self, run_id: str, folder: Path) -> str:
        sink = f"run:{run_id}"
        if run_id not in self._files:
            from loguru import logger

            self._start()
            folder.mkdir(parents=True, exist_ok=True)
            prune(folder, keep=KEPT_RUNS - 1)
            self._files[run_id] = logger.add(
                folder / f"{run_id}{ENDING}",
                level=0,
                format=_json_format,
                filter=lambda r: r["extra"].get("sink") == sink,
                encoding="utf-8",
                catch=False,
            )
        return sink

    def _close(self, run_id: str) -> None:
        from loguru import logger

        logger.remove(self._files.pop(run_id))


def _json_format(record: Any) -> str:
    record["extra"]["line"] = json_line(record["extra"]["document"])
    return "{extra[line]}\n"


def prune(folder: Path, *, keep: int) -> None:
    """Delete the oldest runs' files beyond a number, with what was saved beside them."""
    files = sorted(folder.glob(f"*{ENDING}"), key=lambda f: f.stat().st_mtime_ns, reverse=True)
    for old in files[keep:]:
        for file in (old, old.with_suffix(".traceback.txt")):
            file.unlink(missing_ok=True)
