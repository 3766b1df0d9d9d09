"""Where log lines go, in which form, and what is kept of a run."""

from __future__ import annotations

import io
import json
import logging
import os

import pytest

from framework.core.events import Event, emit, listening
from framework.observe.forward import forward_loguru, forward_stdlib
from framework.observe.lines import text_line
from framework.observe.logs import Logs, LogStyle, prune, wants_color
from framework.observe.redact import Redactor

STYLE = LogStyle()


def event(name="run.planned", message="2 new files", level="INFO", **fields):
    return Event(name, message, level, fields)


@pytest.fixture
def said(tmp_path):
    """Make logs whose lines for standard error are kept in a list."""
    lines = []

    def make(style=STYLE, secrets=(), folder=tmp_path / "logs"):
        return Logs(folder, style, Redactor(secrets), lines.append), lines

    return make


def test_text_shows_clock_level_and_message(said):
    logs, lines = said()
    logs(event())
    assert [line[8:] for line in lines] == [" INFO    2 new files"]


def test_verbose_text_adds_where_and_the_fields(said):
    logs, lines = said(LogStyle(verbose=True))
    logs(event(run_id="r1", pipeline="a.b", attempt=2, seq=3))
    assert lines[0].endswith("2 new files [run.planned run_id=r1 pipeline=a.b attempt=2 seq=3]")


def test_json_is_one_document_per_line_with_the_whole_context(said):
    logs, lines = said(LogStyle(format="json"))
    logs(event(run_id="r1", pipeline="a.b", attempt=1, seq=3))
    document = json.loads(lines[0])
    assert document.pop("at").endswith("+00:00")
    assert document == {
        "level": "INFO",
        "event": "run.planned",
        "message": "2 new files",
        "run_id": "r1",
        "pipeline": "a.b",
        "step": None,
        "attempt": 1,
        "seq": 3,
    }


def test_lines_below_the_level_stay_out_of_standard_error_but_in_the_file(said, tmp_path):
    logs, lines = said(LogStyle(level="WARNING"))
    logs(event(run_id="r1", pipeline="a.b"))
    assert lines == []
    assert len((tmp_path / "logs/r1.jsonl").read_text().splitlines()) == 1


def test_what_comes_before_the_run_is_known_is_in_its_file_too(said, tmp_path):
    logs, _ = said()
    logs(event("run.begun", pipeline="a.b"))
    logs(event(run_id="r1", pipeline="a.b"))
    logged = [json.loads(line) for line in (tmp_path / "logs/r1.jsonl").read_text().splitlines()]
    assert [(line["event"], line["run_id"]) for line in logged] == [("run.begun", "r1"), ("run.planned", "r1")]


def test_a_run_with_nothing_new_leaves_no_file(said, tmp_path):
    logs, _ = said()
    logs(event("run.begun", "looking", "DEBUG", pipeline="a.b"))
    logs(event("run.reported", "nothing new", "DEBUG", pipeline="a.b", state="UNCHANGED", run_id=""))
    assert not (tmp_path / "logs").exists()


def test_secrets_reach_neither_standard_error_nor_the_file(said, tmp_path):
    logs, lines = said(LogStyle(verbose=True), secrets=["hunter2hunter2"])
    logs(
        event(message="with hunter2hunter2", run_id="r1", url="s3://k:hunter2hunter2@x", deep=[{"a": "hunter2hunter2"}])
    )
    assert "hunter2" not in lines[0] + (tmp_path / "logs/r1.jsonl").read_text()


def test_a_folder_that_cannot_be_written_is_a_warning_once(said, tmp_path):
    (tmp_path / "file").touch()
    logs, lines = said(folder=tmp_path / "file/logs")
    logs(event(run_id="r1"))
    logs(event(run_id="r2"))
    lost = f"run logs cannot be written to {tmp_path}/file/logs, so this run has none"
    why = f"[Errno 20] Not a directory: '{tmp_path}/file/logs'"
    assert [line[9:] for line in lines if "WARNING" in line] == [f"WARNING {lost}: {why}"]


def test_the_oldest_files_are_pruned(tmp_path):
    for age in range(5):
        file = tmp_path / f"run{age}.jsonl"
        file.touch()
        os.utime(file, (1000 - age, 1000 - age))
    prune(tmp_path, keep=2)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["run0.jsonl", "run1.jsonl"]


def test_printed_lines_stay_as_they_are():
    document = {"at": "2026-11-20T08:15:00+00:00", "level": "INFO", "event": "output", "message": "  raw {x}"}
    assert text_line(document) == "  raw {x}"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_whose_user_wants_it(monkeypatch, variables, wanted):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert wants_color(Terminal()) is wanted
    assert wants_color(io.StringIO()) is False


@pytest.fixture
def _root_logger():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    logging.captureWarnings(False)


@pytest.mark.usefixtures("_root_logger")
def test_records_of_libraries_become_events():
    heard = []
    with listening(heard.append):
        forward_stdlib("INFO", ["mine"])
        logging.getLogger("mine.step").info("from a step")
        logging.getLogger("other").info("chatter")
        logging.getLogger("other").warning("slow")
    assert [(e.message, e.level, e.fields["logger"]) for e in heard] == [
        ("from a step", "INFO", "mine.step"),
        ("slow", "WARNING", "other"),
    ]


@pytest.mark.usefixtures("_root_logger")
def test_records_of_other_threads_are_heard_too():
    import threading

    heard = []
    with listening(heard.append):
        forward_stdlib("INFO")
        thread = threading.Thread(target=lambda: logging.getLogger("x").warning("from a thread"))
        thread.start()
        thread.join()
    assert [e.message for e in heard] == ["from a thread"]


def test_loguru_lines_become_events():
    from loguru import logger

    heard = []
    with listening(heard.append):
        forward_loguru("INFO")
        logger.bind(rows=3).info("half {}", "done")
        logger.debug("not asked for")
    logger.remove()
    assert [(e.name, e.message, e.fields["rows"]) for e in heard] == [("log", "half done", 3)]


def test_the_library_is_silent_until_somebody_listens(capsys):
    emit("run.planned", "2 new files")
    assert capsys.readouterr() == ("", "")
