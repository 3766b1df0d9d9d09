"""How a command ends badly: a message that passes through the mask for secrets, and the traceback in a file."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from framework.cli.options import Exit, current, settings
from framework.cli.output import complain, show
from framework.core.failures import classify, traceback_of
from framework.errors import ConfigurationError
from framework.observe.redact import Redactor, secrets_of


def say_error(message: str, *, kind: str, name: str, trace: BaseException | None = None) -> None:
    """Say what went wrong: on standard error for people, with `--json` also as the one document."""
    mask, _ = _mask_and_folder()
    if trace is not None:
        print(mask.text(traceback_of(trace)), file=sys.stderr, end="")
    complain(mask.text(message))
    if current().json:
        show({"error": {"kind": kind, "error": name, "message": mask.text(message)}}, list)


def report_crash(error: BaseException) -> int:
    """Report what nobody foresaw: a resource that ran out, storage that is gone, or a bug."""
    failure = classify(error)
    if failure.kind != "bug":
        say_error(failure.message, kind=failure.kind, name=failure.error, trace=error if current().debug else None)
        return Exit.UNREACHABLE if failure.kind == "transient" else Exit.FAILED
    mask, folder = _mask_and_folder()
    path = save_traceback(mask.text(traceback_of(error)), folder, f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    where = f"; traceback: {path}" if path else ""
    message = f"this is a bug: {failure.error}: {failure.message}{where}"
    say_error(message, kind="bug", name=failure.error, trace=error if current().debug else None)
    return Exit.BUG


def save_traceback(text: str, folder: Path, name: str) -> Path | None:
    """Keep a traceback, in the folder of the logs or else in the temporary one; None when neither takes it."""
    import tempfile

    for place in (folder, Path(tempfile.gettempdir())):
        try:
            place.mkdir(parents=True, exist_ok=True)
            path = place / f"{name}.traceback.txt"
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            complain(f"the traceback cannot be kept in {place}: {error}")
        else:
            return path
    return None


def _mask_and_folder() -> tuple[Redactor, Path]:
    """The mask and the folder for logs; with settings that cannot be read, what the environment tells."""
    try:
        found: Any = settings()
    except ConfigurationError:
        return Redactor(secrets_of(None)), current().project / "data/logs"
    return Redactor(secrets_of(found)), Path(found.path(found.logs))
