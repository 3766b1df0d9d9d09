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


def shown_of(monkeypatch, *events):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    progress = Progress(stream, color=False)
    for fields in events:
        progress(Event("task.state", "", "DEBUG", {"pipeline": "shop.orders", "stage": None, **fields}))
    progress.close()
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())


def test_a_pipeline_that_only_waits_for_others_has_no_line(monkeypatch):
    assert shown_of(monkeypatch, {"state": "QUEUED"}) == ""


def test_a_line_says_what_a_pipeline_waits_for(monkeypatch):
    assert "shop.orders waits for crm_api" in shown_of(monkeypatch, {"state": "QUEUED", "reason": "waits for crm_api"})


def test_a_line_says_how_long_a_pipeline_usually_takes_and_how_far_its_stages_are(monkeypatch):
    stage = {"state": "RUNNING", "stage": "matched"}
    shown = shown_of(monkeypatch, {"state": "RUNNING", "usual_s": 41.7}, stage)
    assert re.search(r"shop\.orders stage matched: running +\d:\d\d:\d\d usually 42 s", shown)
