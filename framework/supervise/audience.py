"""Who listens to an invocation: the log, the progress display, the ledger. Put together once the settings are known."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from framework.core.events import Event
from framework.observe.logs import LogFormat, Logs, LogStyle, wants_color
from framework.observe.redact import Redactor
from framework.supervise.board import Usual
from framework.supervise.memory import memory_class_mb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from framework.core.events import Level
    from framework.ledger.recorder import Recorder
    from framework.observe.progress import Progress
    from framework.supervise.messages import Ready


CANCEL = "sluice cancel"
"""What ends an invocation that somebody asked the ledger to end."""


@dataclass
class Audience:
    """Opens the listeners of one invocation. Choices of the command line go over the settings.

    Args:
        invocation_id: What the ledger files the runs under.
        quiet: Only errors on standard error, and no progress.
        verbose: How often `-v` was given: more words, then debugging.
        color: Whether colour may be used at all.
        log_format: Overrides the settings.
    """

    invocation_id: str
    quiet: bool = False
    verbose: int = 0
    color: bool = True
    log_format: LogFormat | None = None
    redactor: Redactor = field(default_factory=Redactor)
    ready: Ready | None = None
    _progress: Progress | None = None
    _recorder: Recorder | None = None

    def __call__(self, ready: Ready | None) -> Callable[[Event], None]:
        """Open the listeners; without settings only standard error is left."""
        self.ready = ready
        self.redactor = Redactor(ready.secrets if ready else ())
        style = self._style(ready)
        if self._shows_progress(style):
            from framework.observe.progress import Progress

            self._progress = Progress(sys.stderr, color=style.color)
        logs = Logs(
            Path(ready.logs) if ready else None,
            style,
            self.redactor,
            self._progress.write if self._progress else None,
        )
        listeners: list[Callable[[Event], None]] = [logs]
        if self._progress:
            listeners.append(self._progress)
        if ready:
            from framework.ledger.recorder import Recorder

            def warn(text: str) -> None:
                logs(Event("ledger.lost", text, "WARNING"))

            self._recorder = Recorder(ready.ledger, self.invocation_id, warn, self.redactor.data)
            listeners.append(self._recorder)

        def tell(event: Event) -> None:
            for listener in listeners:
                listener(event)

        return tell

    def usual(self, pipelines: Iterable[str]) -> dict[str, Usual]:
        """What pipelines took before, as the ledger knows; nothing where it cannot be asked."""
        known = self._recorder.usual(pipelines) if self._recorder is not None else {}
        return {name: Usual(one.seconds, memory_class_mb(one.memory_mb)) for name, one in known.items()}

    def beat(self) -> str:
        """Note in the ledger that the invocation lives; gives who wants it to end, empty when nobody does."""
        return CANCEL if self._recorder is not None and self._recorder.beat() else ""

    def _style(self, ready: Ready | None) -> LogStyle:
        wanted: Level = ready.log_level if ready else "INFO"
        chosen = self.log_format or (ready.log_format if ready else "auto")
        is_bar = self._is_terminal() and chosen != "json"
        quiet: Level = "WARNING" if is_bar and wanted in {"INFO", "DEBUG"} else wanted
        level: Level = "ERROR" if self.quiet else "DEBUG" if self.verbose > 1 else "INFO" if self.verbose else quiet
        color = self.color and chosen != "json" and wants_color(sys.stderr)
        return LogStyle(level, chosen, self.verbose > 0, color)

    def _is_terminal(self) -> bool:
        return not self.quiet and sys.stderr.isatty()

    def _shows_progress(self, style: LogStyle) -> bool:
        return self._is_terminal() and style.format != "json"

    def close(self) -> None:
        """Leave the display as it stands."""
        if self._progress:
            self._progress.close()
