"""The supervisor on real processes: they fail, crash and are killed, and the reports say what happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from framework.supervise.messages import Job
from framework.supervise.supervisor import supervise
from tests.supervise.invoking import invoke, report_of, states

pytestmark = pytest.mark.drawn(2)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in [n for n in os.environ if n.startswith("SLUICE_")]:
        monkeypatch.delenv(name)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.01)


def test_one_child_works_through_all_pipelines_in_order(tmp_path):
    done, _ = invoke(tmp_path, "a.ok", "b.ok<a.ok", "c.unchanged")
    assert states(done) == {"a.ok": "SUCCESS", "b.ok": "SUCCESS", "c.unchanged": "UNCHANGED"}
    assert done.state == "SUCCESS"
    assert (tmp_path / "a.ok.pid").read_text() == (tmp_path / "b.ok.pid").read_text()
    assert report_of(done, "a.ok").sources["orders"].dropped == {"duplicate": 1}
    assert report_of(done, "a.ok").peak_memory_mb > 5


def test_nothing_new_in_any_pipeline_is_unchanged(tmp_path):
    done, events = invoke(tmp_path, "a.unchanged", "b.unchanged")
    assert done.state == "UNCHANGED"
    assert [report.run_id for report in done.reports] == ["", ""]
    assert {event.level for event in events} == {"DEBUG"}


KILLED = "killed by SIGKILL: often the kernel's out-of-memory killer, or somebody"
CRASHED = "the process crashed with SIGABRT; a damaged input file can be the cause"
LIMIT = "over the memory limit of None MiB (SLUICE_MEMORY_MB); raise it, or split the input"
EXITED = "the process ended with exit code 7 before it reported"
PANICKED = (
    "Polars panicked: a bug in Polars, or in how the plan uses it; a damaged input file can be the cause: made up"
)


@pytest.mark.parametrize(
    ("action", "kind", "error", "message", "attempts"),
    [
        ("kill", "killed", "SIGKILL", KILLED, 2),
        ("abort", "crashed", "SIGABRT", CRASHED, 2),
        ("limit", "resource", "OutOfMemory", LIMIT, 2),
        ("exit", "bug", "ChildExit", EXITED, 1),
        ("quit", "bug", "SystemExit", "3", 1),
        ("panic", "bug", "PanicException", PANICKED, 1),
        ("data", "data", "SourceError", "orders.csv cannot be read", 1),
        ("storage", "transient", "StorageError", "s3://bucket cannot be reached", 2),
        ("memory", "resource", "MemoryError", "out of memory: no more", 1),
        ("disk", "resource", "OSError", "disk full: [Errno 28] No space left on device", 1),
        ("bug", "bug", "ZeroDivisionError", "division by zero", 1),
    ],
)
def test_each_way_to_die_is_reported_with_its_class(tmp_path, action, kind, error, message, attempts):
    done, _ = invoke(tmp_path, f"a.{action}")
    report = done.reports[0]
    assert (report.state, report.failure.kind, report.failure.error) == ("FAILED", kind, error)
    assert report.failure.message.partition("\n")[0] == message
    assert report.attempts == attempts
    assert (report.run_id, report.seq, report.mode) == (f"run-a.{action}", 3, "incremental")
    assert report.started_at
    assert report.peak_memory_mb > 5


def test_last_words_of_a_killed_child_are_in_the_message(tmp_path):
    done, _ = invoke(tmp_path, "a.kill", attempts=1)
    assert done.reports[0].failure.message == f"{KILLED}\n    printed by a.kill\n    last words of a.kill"


def test_pipelines_that_do_not_depend_on_the_failed_one_still_run(tmp_path):
    done, _ = invoke(tmp_path, "a.abort", "b.ok<a.abort", "c.ok<b.ok", "d.ok")
    assert states(done) == {"a.abort": "FAILED", "b.ok": "SKIPPED", "c.ok": "SKIPPED", "d.ok": "SUCCESS"}
    assert report_of(done, "b.ok").reason == "a.abort failed"
    assert report_of(done, "c.ok").reason == "b.ok was skipped, as a.abort failed"
    assert (tmp_path / "a.abort.pid").read_text() != (tmp_path / "d.ok.pid").read_text()
    assert not (tmp_path / "b.ok.pid").exists()


@pytest.mark.parametrize("action", ["kill_once", "storage_once"])
def test_what_may_pass_is_tried_again_in_a_new_child(tmp_path, action):
    done, events = invoke(tmp_path, f"a.{action}", f"b.ok<a.{action}")
    assert states(done) == {f"a.{action}": "SUCCESS", "b.ok": "SUCCESS"}
    assert report_of(done, f"a.{action}").attempts == 2
    assert report_of(done, "b.ok").attempts == 1
    assert [event.level for event in events if event.name == "run.retry"] == ["WARNING"]
    assert [event.fields["attempt"] for event in events if event.name == "run.planned"] == [1, 2, 1]


@pytest.mark.parametrize(
    ("action", "apart"),
    [
        ("abort_once", True),
        ("kill_once", True),
        ("limit_once", True),
        ("terminate_once", False),
        ("kill_staged_once", False),
        ("storage_once", False),
    ],
)
def test_after_a_death_in_reading_the_next_attempt_reads_each_file_apart(tmp_path, action, apart):
    done, events = invoke(tmp_path, f"a.{action}", "b.ok")
    assert states(done) == {f"a.{action}": "SUCCESS", "b.ok": "SUCCESS"}
    report = report_of(done, f"a.{action}")
    assert (report.attempts, report.seq, report.mode) == (2, 3, "incremental")
    assert (tmp_path / f"a.{action}.apart").read_text() == str(apart)
    assert (tmp_path / "b.ok.apart").read_text() == "False"
    (retry,) = [event.message for event in events if event.name == "run.retry"]
    assert retry.startswith(f"a.{action}: attempt 1 of 2 failed (")
    assert ("), trying again, each file read apart first: " in retry) == apart


def test_a_crash_after_staging_is_not_tried_again(tmp_path):
    done, _ = invoke(tmp_path, "a.abort_staged")
    assert (done.reports[0].failure.error, done.reports[0].attempts) == ("SIGABRT", 1)


def test_the_last_attempt_after_a_transient_failure_knows_nothing_of_an_older_death(tmp_path):
    done, _ = invoke(tmp_path, "a.abort_then_storage", attempts=3)
    assert (states(done), report_of(done, "a.abort_then_storage").attempts) == ({"a.abort_then_storage": "SUCCESS"}, 3)
    assert (tmp_path / "a.abort_then_storage.apart").read_text() == "False"


def test_a_refused_selection_is_told_from_a_failed_run(tmp_path):
    done, _ = invoke(tmp_path, "nobody", entry="stub_work:refusing_work")
    assert (done.refusal.error, done.refusal.message) == ("SelectionError", "no pipeline is called 'nobody'")
    assert done.reports == ()


def test_a_child_that_dies_while_it_loads_refuses_with_the_reason(tmp_path):
    done, _ = invoke(tmp_path, "a.ok", entry="stub_work:dying_work")
    assert (done.refusal.kind, done.refusal.message) == ("killed", KILLED)


def test_wrong_settings_are_a_refusal(tmp_path):
    (tmp_path / "sluice.toml").write_text("rav = 'data'\n")
    done, events = invoke(tmp_path, "a.ok")
    assert done.refusal.error == "ConfigurationError"
    assert events == []


def test_what_a_step_prints_is_passed_on_with_its_pipeline(tmp_path):
    _, events = invoke(tmp_path, "a.ok")
    printed = [event for event in events if event.message == "printed by a.ok"]
    context = {"run_id": "run-a.ok", "pipeline": "a.ok", "attempt": 1}
    assert [(event.name, event.fields) for event in printed] == [("output", context)]


def test_nothing_that_a_dead_child_started_lives_on(tmp_path):
    invoke(tmp_path, "a.grandchild", attempts=1)
    pid = int((tmp_path / "grandchild.pid").read_text())
    wait_until(lambda: not is_alive(pid))


@pytest.fixture
def drive(tmp_path):
    """Start `drive.py` on stub pipelines; whatever is left of it is killed after the test."""
    started = []

    def start(*selection):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [sys.executable, HERE / "drive.py", tmp_path, *selection],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE_S)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_child_and_cancels_its_run(tmp_path, drive, number, code):
    process = drive("a.ok", "b.sleep<a.ok", "c.ok<b.sleep")
    wait_until((tmp_path / "asleep").exists)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    name = signal.Signals(number).name
    assert process.returncode == code, err
    assert json.loads(out)["reports"] == {
        "a.ok": ["SUCCESS", ""],
        "b.sleep": ["CANCELLED", f"cancelled by {name}"],
        "c.ok": ["SKIPPED", f"{name} came before it started"],
    }
    assert not is_alive(int((tmp_path / "b.sleep.pid").read_text()))


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(tmp_path, drive):
    (tmp_path / "sluice.toml").write_text("grace_s = 0.1\n")
    process = drive("a.stubborn")
    wait_until((tmp_path / "asleep").exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_S) == 143
    assert not is_alive(int((tmp_path / "a.stubborn.pid").read_text()))


def test_a_second_interrupt_does_not_wait_for_the_grace(tmp_path, drive):
    (tmp_path / "sluice.toml").write_text("grace_s = 3600\n")
    process = drive("a.stubborn")
    wait_until((tmp_path / "asleep").exists)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)  # another number, so that the kernel cannot merge the two
    assert process.wait(timeout=PATIENCE_S) in {130, 143}
    assert not is_alive(int((tmp_path / "a.stubborn.pid").read_text()))


def test_the_child_dies_with_its_supervisor(tmp_path, drive):
    process = drive("a.stubborn")
    wait_until((tmp_path / "asleep").exists)
    process.kill()
    pid = int((tmp_path / "a.stubborn.pid").read_text())
    wait_until(lambda: not is_alive(pid))


def test_the_supervisor_imports_nothing_heavy(tmp_path, drive):
    out, err = drive("a.unchanged").communicate(timeout=PATIENCE_S)
    assert json.loads(out)["heavy"] == []
    assert err == ""
    assert list(tmp_path.iterdir()) == []


def test_a_run_with_work_is_in_its_log_and_in_the_ledger(tmp_path, drive):
    from framework.ledger.runs import open_ledger, recent

    process = drive("a.ok", "b.data", "c.unchanged")
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    logged = [json.loads(line) for line in (tmp_path / "data/logs/run-a.ok.jsonl").read_text().splitlines()]
    assert [event["event"] for event in logged] == ["run.begun", "run.planned", "output", "output", "run.reported"]
    assert {event["run_id"] for event in logged} == {"run-a.ok"}
    assert logged[-1]["report"]["sources"]["orders"]["accepted"] == 8
    rows = recent(open_ledger(f"sqlite:///{tmp_path}/data/ledger.db"))
    assert {row["pipeline"]: row["state"] for row in rows} == {"a.ok": "SUCCESS", "b.data": "FAILED"}
    assert "ERROR   b.data: failed after" in err
    assert "(data): orders.csv cannot be read" in err


def test_a_ledger_that_cannot_be_written_warns_once_and_fails_no_run(tmp_path, drive):
    (tmp_path / "file").touch()
    (tmp_path / "sluice.toml").write_text('ledger = "sqlite:///file/ledger.db"\n')
    process = drive("a.ok", "b.ok")
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert err.count("the ledger cannot be written, so `sluice runs` will not show this run") == 1


def test_secrets_are_masked_wherever_a_child_says_them(tmp_path, drive, monkeypatch):
    monkeypatch.setenv("SLUICE_S3__SECRET_ACCESS_KEY", "printed by")
    monkeypatch.setenv("SLUICE_LEDGER", "sqlite:///ledger.db")
    _, err = drive("a.ok").communicate(timeout=PATIENCE_S)
    assert "printed by" not in err
    assert "*** a.ok\n" in err
    assert "printed by" not in (tmp_path / "data/logs/run-a.ok.jsonl").read_text()


def test_no_child_is_left_when_whoever_listens_fails(tmp_path):
    def audience(ready):
        def tell(event):
            if event.name == "output":
                raise RuntimeError("no more")

        return tell

    path = (str(HERE), *(p for p in sys.path if p))
    with pytest.raises(RuntimeError, match="no more"):
        supervise(Job(str(tmp_path), ("a.sleep",), entry="stub_work:work", path=path), audience=audience)
    done = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True, check=False
    )
    assert "framework.supervise.child" not in done.stdout
