"""What steps and libraries log by other means becomes events, so that it carries the run and goes where logs go."""

from __future__ import annotations

import logging
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from framework.core.events import emit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextvars import Context

    from framework.core.events import Level

_NUMBERS: dict[int, Level] = {logging.ERROR: "ERROR", logging.WARNING: "WARNING", logging.INFO: "INFO"}


def level_of(number: int) -> Level:
    """The nearest of our levels at or below a number of the standard library."""
    return next((name for limit, name in _NUMBERS.items() if number >= limit), "DEBUG")


class _Handler(logging.Handler):
    """Emits records as events. Threads of libraries know no listener, so the one of this moment is kept."""

    def __init__(self) -> None:
        super().__init__()
        self._context = copy_context()

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"logger": record.name, "function": record.funcName}
        _emit_in(self._context, self.format(record), level_of(record.levelno), fields)


def _emit_in(context: Context, text: str, level: Level, fields: dict[str, Any]) -> None:
    known = {name: value for name, value in fields.items() if name not in {"name", "message", "level"}}
    if threading.current_thread() is threading.main_thread():
        emit("log", text, level=level, **known)
    else:
        context.copy().run(emit, "log", text, level=level, **known)


def forward_stdlib(level: str, packages: Iterable[str] = ()) -> None:
    """Forward the records of `logging`: warnings of libraries, and those of the project's packages from a level on."""
    root = logging.getLogger()
    root.handlers[:] = [_Handler()]
    root.setLevel(logging.WARNING)
    for package in packages:
        logging.getLogger(package).setLevel(level)
    logging.captureWarnings(capture=True)


def forward_loguru(level: str) -> None:
    """Forward what steps log with loguru, instead of loguru's own lines on standard error."""
    from loguru import logger

    context = copy_context()

    def sink(message: Any) -> None:
        record = message.record
        fields = {"logger": record["name"], "function": record["function"], **record["extra"]}
        _emit_in(context, str(message).rstrip("\n"), level_of(record["level"].no), fields)

    logger.remove()
    logger.add(sink, level=level, format="{message}")
