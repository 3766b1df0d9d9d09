"""Files read in a process apart: whatever a file does to its reader, it gets one verdict, and the others theirs."""

from __future__ import annotations

import os
import signal
import textwrap
from datetime import UTC, datetime

import pytest

from framework.core.plan import FileInput
from framework.core.source import FileSource
from framework.errors import ResourceError
from framework.run import readers
from framework.run.readers import Limits, judge_files
from framework.storage import StorageLocation

pytestmark = pytest.mark.drawn(2)

CSV = b"a,b\n1,2\n3,4,5\n\n"
HARM = """
    import os, signal, sys, time
    sys.path.insert(0, {root!r})
    from framework.run import reader
    judged = reader._judged
    def harmful(file, location):
        name = file["path"]
        if name.startswith("abort"):
            os.abort()
        if name.startswith("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith("exit"):
            os._exit(3)
        if name.startswith("hang"):
            time.sleep(1000)
        if name.startswith("eat"):
            eaten = [bytes(2**20) + os.urandom(1) for _ in range(100_000)]
        if name.startswith("huge"):
            judging = sys.modules["framework.sources.judging"]
            judging._judge = lambda *_: bytes(2**45)
        return judged(file, location)
    reader._judged = harmful
    reader.main({handle})
"""


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """Judge files by their names, with a reader that does what the names say."""

    def run(*names: str, harm: str = HARM, **limits):
        boot = textwrap.dedent(harm).replace("{root!r}", repr(readers._ROOT))
        monkeypatch.setattr(
            readers, "_BOOT", boot.replace("{", "{{").replace("}", "}}").replace("{{handle}}", "{handle}")
        )
        files = []
        for name in names:
            (tmp_path / name).write_bytes(CSV)
            files.append((FileSource("csv", (name,)), FileInput(datetime.now(UTC), name, len(CSV))))
        return list(judge_files(files, StorageLocation(str(tmp_path)), Limits(**limits) if limits else None))

    return run


@pytest.mark.parametrize(
    ("name", "outcome", "reason"),
    [
        ("abort", "crashed", "the reader died with SIGABRT"),
        ("kill", "crashed", "the reader died with SIGKILL"),
        ("exit", "crashed", "the reader died with exit code 3"),
        ("hang", "limit", "reading it takes more than 6 s"),
        ("eat", "limit", "reading it takes more than 300 MiB of memory"),
    ],
)
def test_harm_costs_the_file_that_does_it(judge, name, outcome, reason):
    verdicts = judge("1.csv", f"{name}.csv", "2.csv", memory_mb=300, seconds=6.0 if name == "hang" else 60.0)
    assert [v.path for v in verdicts] == ["1.csv", f"{name}.csv", "2.csv"]
    assert [v.outcome for v in verdicts] == ["quarantine", outcome, "quarantine"]
    assert verdicts[1].reason.startswith(reason)
    assert {(v.rows, v.quarantined, v.dropped) for v in verdicts[::2]} == {(3, 1, 1)}


def test_harm_at_the_first_and_the_last_file_costs_no_other(judge):
    verdicts = judge("abort1.csv", "abort2.csv", "1.csv", "abort3.csv", seconds=30.0)
    assert [v.outcome for v in verdicts] == ["crashed", "crashed", "quarantine", "crashed"]


def test_absurd_allocation_is_a_limit_not_a_crash(judge):
    (verdict,) = judge("huge.csv")
    assert (verdict.outcome, verdict.reason) == ("limit", "not enough memory to read it")


def test_large_file_may_take_longer():
    limits = Limits(seconds=60.0, seconds_per_mb=5.0)
    sizes = (0, 2**20, 2**30)
    assert [limits.seconds_for(FileInput(datetime.now(UTC), "f", size)) for size in sizes] == [60.0, 65.0, 5180.0]
    assert Limits(seconds=60.0).seconds_for(FileInput(datetime.now(UTC), "f", 2**30)) == 60.0


def test_reader_that_cannot_start_is_an_error_of_its_own(judge):
    with pytest.raises(
        ResourceError, match=r"^the process that reads files cannot start: the reader died with exit code"
    ):
        judge("1.csv", harm="raise SystemExit(7)")


def test_no_reader_is_left_behind_when_nobody_listens_any_more(judge, tmp_path):
    started = []
    begin = readers._Reader.__enter__
    readers._Reader.__enter__ = lambda self: (started.append(self._process.pid), begin(self))[1]
    try:
        (tmp_path / "1.csv").write_bytes(CSV)
        files = [(FileSource("csv", (n,)), FileInput(datetime.now(UTC), n, 1)) for n in ("1.csv", "2.csv")]
        verdicts = judge_files(files, StorageLocation(str(tmp_path)))
        assert next(verdicts).outcome == "quarantine"
        verdicts.close()
    finally:
        readers._Reader.__enter__ = begin
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], signal.SIG_DFL)
