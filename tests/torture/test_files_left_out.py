"""A run that leaves a file out, broken and run again, the file mended or not: each row is there once, or held."""

from __future__ import annotations

import io
import os
import signal
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow.parquet as pq
import pytest

from framework.core.faults import POINTS
from framework.lake import open_table
from framework.storage import StorageLocation
from tests.torture.deliveries import VISITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.torture.conftest import Place
    from tests.torture.runners import Crew

pytestmark = pytest.mark.drawn(2)

JOB = {"pipelines": [VISITS.name]}
ROWS = 500
NOT_PASSED = {"export.before", "kept.before", "kept.after"}
CASES = [
    ("apart.before", "stays"),
    ("apart.after", "stays"),
    ("stage.after", "mended"),
    ("commit.after", "stays"),
    ("publish.between", "stays"),
    ("publish.between", "mended"),
]
"""`SLUICE_TORTURE_HITS=all` breaks at every point."""
if os.environ.get("SLUICE_TORTURE_HITS") == "all":
    CASES = [(point, after) for point in sorted(set(POINTS) - NOT_PASSED) for after in ("stays", "mended")]
LATER = datetime(2026, 1, 6).timestamp()  # noqa: DTZ001 - only has to be another time


def content(first: int) -> bytes:
    target = io.BytesIO()
    rows = pl.DataFrame({"visit_id": range(first, first + ROWS), "shop": [f"shop-{n % 3}" for n in range(ROWS)]})
    pq.write_table(rows.to_arrow(), target, compression="snappy", use_dictionary=False)
    return target.getvalue()


def damaged(sound: bytes) -> bytes:
    return sound[:60] + b"\xff" * 400 + sound[460:]


def deliver(at: Place, *, b: bytes, when: float = LATER - 3600) -> None:
    folder = at.raw / "visits"
    folder.mkdir(parents=True, exist_ok=True)
    for name, one in {"a": content(0), "b": b, "c": content(2 * ROWS)}.items():
        path = folder / f"{name}.parquet"
        if name == "b" or not path.exists():
            path.write_bytes(one)
            os.utime(path, (when, when))


def tables(at: Place) -> tuple[Counter, Counter, set[str]]:
    """Rows per file of both tables, and the files in the quarantine that are open."""
    lake = StorageLocation(str(at.lake))
    counts = []
    for name in ("torture/visits", "torture/by_shop"):
        handle = open_table(lake, name)
        rows = handle.scan().group_by("_source_file").len().collect().rows() if handle else []
        counts.append(Counter({Path(file).stem: n for file, n in rows}))
    quarantine = open_table(lake, f"_quarantine/{VISITS.name}")
    if quarantine is None:
        return counts[0], counts[1], set()
    held = quarantine.scan().filter(pl.col("state") == "open").select("file").collect()["file"]
    return counts[0], counts[1], {Path(file).stem for file in held}


LEFT_OUT = (Counter(a=ROWS, c=ROWS), Counter(a=ROWS, c=ROWS), {"b"})
WHOLE = (Counter(a=ROWS, b=ROWS, c=ROWS), Counter(a=ROWS, b=ROWS, c=ROWS), set())


def test_every_point_is_passed_by_a_run_that_leaves_a_file_out(crew: Crew, place: Callable[[], Place]):
    at = place()
    deliver(at, b=damaged(content(ROWS)))
    answer = crew.do(**at.job, **JOB)
    assert (answer["error"], set(answer["passed"])) == (None, set(POINTS) - NOT_PASSED)
    assert tables(at) == LEFT_OUT


@pytest.mark.parametrize(("point", "after"), CASES)
def test_a_run_that_was_killed_is_made_good_by_the_next(point: str, after: str, crew: Crew, place: Callable[[], Place]):
    at = place()
    deliver(at, b=damaged(content(ROWS)))
    runner = crew.take()
    runner.ask(**at.job, **JOB, fault=f"{point}:kill:1")
    assert runner.answer() is None
    assert runner.bury() == -signal.SIGKILL
    if after == "mended":
        deliver(at, b=content(ROWS), when=LATER)
    assert crew.do(**at.job, **JOB, until_unchanged=True)["error"] is None
    assert tables(at) == (WHOLE if after == "mended" else LEFT_OUT)


@pytest.mark.parametrize(
    ("point", "wakes_to"),
    [("apart.before", "sound"), ("apart.after", "sound"), ("stage.after", "damaged"), ("commit.after", "damaged")],
)
def test_a_run_that_was_overtaken_in_its_sleep_follows_or_changes_nothing(
    point: str, wakes_to: str, crew: Crew, place: Callable[[], Place]
):
    """The sleeper finds the file damaged; whoever overtakes it finds it mended, and ends with only its quarantine."""
    at = place()
    deliver(at, b=damaged(content(ROWS)))
    sleeper = crew.take()
    sleeper.ask(**at.job, **JOB, fault=f"{point}:stop:1")
    sleeper.await_stop()
    deliver(at, b=content(ROWS))
    other = crew.take()
    other.ask(**at.job, **JOB, fault="publish.between:kill:1")
    assert other.answer() is None
    other.bury()
    if wakes_to == "damaged":
        deliver(at, b=damaged(content(ROWS)))
    sleeper.go_on()
    answer = sleeper.answer()
    crew.give_back(sleeper)
    was_first = point == "commit.after"
    if point == "apart.before":  # no file is to blame any more for what it has seen
        assert answer["error"].startswith("ComputeError: parquet: ")
    elif was_first or wakes_to == "sound":
        assert answer["error"] is None
    else:
        assert answer["error"].startswith(f"SourceError: sequence 1 of {VISITS.name} is published in part")
        assert tables(at) == (Counter(), Counter(), set())
        deliver(at, b=content(ROWS))
    assert crew.do(**at.job, **JOB, until_unchanged=True)["error"] is None
    assert tables(at) == (LEFT_OUT if was_first else WHOLE)
