"""Mended rows that are judged again: broken at every point, raced and repeated, they land once, as if delivered so."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from framework.lake.quarantine import Selection, rows
from framework.run.quarantine.mending import Correction, mend
from framework.run.quarantine.rows import Desk
from framework.run.workspace import Workspace
from framework.storage import StorageLocation
from tests.torture.deliveries import EVENTS, NOW, deliver
from tests.torture.history import state_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.torture.conftest import Place
    from tests.torture.runners import Crew

pytestmark = pytest.mark.drawn(2)

JOB = {"pipelines": [EVENTS.name], "queue": EVENTS.name}
TABLES = ("torture/told", "torture/latest")
DELIVERED = (1, 2)
SPOILED = "many"
POINTS = [
    "plan.before",
    "plan.after",
    "stage.before",
    "stage.after",
    "merge.before",
    "merge.after",
    "sync.before",
    "commit.before",
    "commit.after",
    "commit.synced",
    "publish.between",
    "manifest.before",
    "manifest.after",
    "record.before",
]
"""What a replay passes: all of a run on tables that are there, and that makes no file of them."""


@dataclass(frozen=True)
class Mended:
    """A lake whose spoiled rows were mended and not judged again yet, and the tables that must come of it."""

    raw: Path
    lake: Path
    wanted: dict[str, Any]
    passed: Counter[str]


def desk(raw: Path, lake: Path) -> Desk:
    return Desk(EVENTS.name, Workspace(StorageLocation(str(raw)), StorageLocation(str(lake)), NOW), EVENTS)


@pytest.fixture(scope="session")
def mended(crew: Crew, quick: Path) -> Mended:
    """The lake after two deliveries, the spoiled line of each mended; held against one where they came right."""
    root = quick / "mended"
    right = {"raw": str(root / "right_raw"), "lake": str(root / "right_lake"), "pipelines": JOB["pipelines"]}
    wrong = {**right, "raw": str(root / "raw"), "lake": str(root / "lake")}
    deliver(root / "raw", *DELIVERED)
    shutil.copytree(root / "raw", root / "right_raw")
    for file in (root / "right_raw" / "events").iterdir():
        times = file.stat()
        file.write_text(file.read_text().replace(SPOILED, "77"))
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    for job in (right, wrong):
        assert crew.do(**job)["error"] is None
    at = desk(root / "raw", root / "lake")
    held = rows(at.space.lake, at.name, Selection())
    assert held.height == len(DELIVERED)
    mend(at, [Correction(row, {"amount": "77"}) for row in held["id"]], by="ann", where="a test")
    wanted = {name: state_of(root / "right_lake")[name] for name in TABLES}
    trial = root / "trial"
    shutil.copytree(root / "lake", trial)
    answer = crew.do(raw=str(root / "raw"), lake=str(trial), **JOB)
    assert answer["error"] is None
    return Mended(root / "raw", root / "lake", wanted, Counter(answer["passed"]))


@pytest.fixture
def begin(mended: Mended, place: Callable[[], Place]) -> Callable[[], Place]:
    """Make a copy of the mended lake."""

    def make() -> Place:
        at = place()
        shutil.copytree(mended.raw, at.raw)
        shutil.copytree(mended.lake, at.lake)
        return at

    return make


def check_landed(at: Place, mended: Mended, *, is_counted: bool = True) -> None:
    """Every row is there once, every mended one is released once, and the accounts of all runs close.

    `is_counted`: a run has come to its end that saw the rows; what one counted that was killed before, nobody knows.
    """
    assert {name: state_of(at.lake)[name] for name in TABLES} == mended.wanted
    found = rows(desk(at.raw, at.lake).space.lake, EVENTS.name, Selection())
    assert found["state"].to_list() == ["released"] * len(DELIVERED)
    assert found["attempts"].to_list() == [1] * len(DELIVERED)
    for trail in found["trail"]:
        assert [json.loads(entry)["did"] for entry in trail] == ["mended", "queued", "released"]
    manifests = sorted((at.lake / "_sluice" / EVENTS.name / "runs").glob("*.json"))
    reports = [json.loads(path.read_text())["report"]["sources"]["events"] for path in manifests]
    for report in reports:
        assert report["rows_in"] == report["accepted"] + report["quarantined"] + sum(report["dropped"].values())
    assert sum(report["released"] for report in reports) == (len(DELIVERED) if is_counted else 0)


def finish(crew: Crew, at: Place) -> None:
    """Let a run without faults make good what is left."""
    answer = crew.do(**at.job, pipelines=JOB["pipelines"], until_unchanged=True)
    assert answer["error"] is None


def passage(point: str, mended: Mended) -> int:
    """Which passage of a point breaks: it differs from point to point."""
    return 1 + POINTS.index(point) % mended.passed[point]


def test_a_replay_passes_every_point_that_it_is_broken_at(mended: Mended):
    assert set(mended.passed) == set(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_a_replay_that_was_killed_lands_once(point: str, crew: Crew, mended: Mended, begin: Callable[[], Place]):
    at = begin()
    runner = crew.take()
    runner.ask(**at.job, **JOB, fault=f"{point}:kill:{passage(point, mended)}")
    assert runner.answer() is None
    assert runner.bury() == -signal.SIGKILL
    again = crew.take()
    again.ask(**at.job, **JOB, until_unchanged=True)  # the command once more, as somebody would who saw it die
    answer = again.answer()
    assert answer is not None
    crew.give_back(again)
    assert answer["error"] is None or "is being judged again by sequence" in answer["error"] or (
        "no row of torture.events's quarantine is meant" in answer["error"]
    )  # fmt: skip
    finish(crew, at)
    check_landed(at, mended, is_counted=point != "manifest.before")


@pytest.mark.parametrize("point", ["plan.before", "plan.after", "stage.after", "commit.before", "publish.between"])
def test_a_replay_that_slept_while_another_was_done_changes_nothing(
    point: str, crew: Crew, mended: Mended, begin: Callable[[], Place]
):
    at = begin()
    sleeper = crew.take()
    hit = 2 if point == "commit.before" else 1  # the first commit is the one that queues
    sleeper.ask(**at.job, **JOB, fault=f"{point}:stop:{hit}")
    sleeper.await_stop()
    finish(crew, at)
    sleeper.go_on()
    assert sleeper.answer()["error"] is None
    crew.give_back(sleeper)
    finish(crew, at)
    check_landed(at, mended)


@pytest.mark.parametrize("round_", range(2))
def test_replays_and_a_run_at_once_land_every_row_once(
    round_: int, crew: Crew, mended: Mended, begin: Callable[[], Place]
):
    at = begin()
    racers = [crew.take() for _ in range(3)]
    jobs: list[dict[str, Any]] = [{**JOB, "by": "ann"}, {**JOB, "by": "bob"}, {"pipelines": JOB["pipelines"]}]
    for racer, job in zip(racers, jobs, strict=True):
        racer.ask(**at.job, **job)
    errors = []
    for racer in racers:
        answer = racer.answer()
        assert answer is not None
        errors.append(answer["error"] or "")
        crew.give_back(racer)
    told = ("changed while this was under way", "is being judged again by sequence", "quarantine is meant")
    assert all(not error or any(words in error for words in told) for error in errors), errors
    finish(crew, at)
    check_landed(at, mended)


def test_a_replay_whose_commits_lose_their_answers_lands_once(crew: Crew, mended: Mended, begin: Callable[[], Place]):
    at = begin()
    assert crew.do(**at.job, **JOB, trick="lands_then_raises")["error"] is None
    finish(crew, at)
    check_landed(at, mended)
