"""`sluice logs`: what a run said, and what it says while it runs."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from framework.cli.options import Exit, current, settings
from framework.cli.output import show
from framework.errors import SelectionError
from framework.observe.lines import json_line, text_line
from framework.observe.logs import ENDING

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL_S = 0.2
LAST = "run.reported"


def logs(
    run: str | None = None, *, follow: Annotated[bool, Parameter(name=("--follow", "-f"), negative="")] = False
) -> int:
    """Show the log of a run.

    Args:
        run: The run's id, or the beginning of it. Default: the latest run.
        follow: Go on until the run is over. With `--json`: one event per line instead of one document.
    """
    here = settings()
    file = _find(Path(here.path(here.logs)), run)
    if follow:
        for document in _follow(file):
            print(json_line(document) if current().json else _text(document), flush=True)
        return Exit.OK
    events = list(_documents(file.read_text(encoding="utf-8").splitlines()))
    show({"run_id": file.stem, "events": events}, lambda: map(_text, events))
    return Exit.OK


def events_of(run: str) -> list[dict[str, Any]]:
    """The events of a run so far; none where it has no log here."""
    here = settings()
    file = Path(here.path(here.logs)) / f"{run}{ENDING}"
    return list(_documents(file.read_text(encoding="utf-8").splitlines())) if file.is_file() else []


def _find(folder: Path, run: str | None) -> Path:
    """The file of a run.

    Raises:
        SelectionError: when none or several begin so.
    """
    files = sorted(folder.glob(f"*{ENDING}"), key=lambda f: f.stat().st_mtime_ns)
    if run is None:
        if not files:
            raise SelectionError(f"no run has a log in {folder} yet; `sluice run` writes one when there is work")
        return files[-1]
    matching = [f for f in files if f.stem.startswith(run)]
    exact = [f for f in matching if f.stem == run]
    if len(exact or matching) == 1:
        return (exact or matching)[0]
    if matching:
        raise SelectionError(f"'{run}' is the beginning of several runs: {', '.join(sorted(f.stem for f in matching))}")
    raise SelectionError(f"no run that begins with '{run}' has a log in {folder}; `sluice runs` lists runs")


def _documents(lines: list[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:  # the last line of a run that was killed while it wrote
            print(f"skipped a damaged line: {line[:80]}", file=sys.stderr)


def _follow(file: Path) -> Iterator[dict[str, Any]]:
    """Yield events as they are written, until the one that closes the run."""
    rest = ""
    with file.open(encoding="utf-8") as stream:
        while True:
            chunk = stream.read()
            *lines, rest = (rest + chunk).split("\n")
            for document in _documents(lines):
                yield document
                if document.get("event") == LAST:
                    return
            if not chunk:
                time.sleep(POLL_S)  # files of any file system can be followed only by looking again


def _text(document: dict[str, Any]) -> str:
    line = text_line(document, verbose=current().verbose > 0)
    trace = document.get("traceback")
    return f"{line}\n{trace}".rstrip() if trace else line
