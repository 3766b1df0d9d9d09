"""The live display on a terminal."""

from __future__ import annotations

import io
import re

from framework.core.events import Event
from framework.observe.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_each_pipeline_has_a_line_with_its_state_and_rows(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    progress = Progress(stream, color=False)
    progress(Event("run.begun", "looking", "DEBUG", {"pipeline": "shop.orders"}))
    progress(Event("run.planned", "2 files", "INFO", {"pipeline": "shop.orders", "rows": 1200}))
    progress.write("08:15:00 WARNING [odd] {line}")
    report = {"sources": {"orders": {"rows_in": 1500}}}
    progress(Event("run.reported", "done", "INFO", {"pipeline": "shop.orders", "state": "SUCCESS", "report": report}))
    progress.close()
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    assert "08:15:00 WARNING [odd] {line}" in shown
    assert re.search(r"shop\.orders +done +1,500 rows +\d:\d\d:\d\d", shown)


def test_nothing_is_shown_when_nothing_happened():
    stream = Terminal()
    Progress(stream).close()
    assert stream.getvalue() == ""
