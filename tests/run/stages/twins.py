"""Two shops that are delivered the same: in one checkpoints are kept, in the other they are passed over."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from framework.core.events import listening
from framework.lake import StageStore, open_table
from framework.lake.quarantine import Selection, rows
from framework.run.flow import run_in
from framework.run.request import RunRequest
from tests.run.quarantine_shop import START, Shop

if TYPE_CHECKING:
    from pathlib import Path

    from framework import Pipeline
    from framework.core.events import Event
    from framework.core.report import RunReport

OWN = ("id", "run_id", "quarantined_at")
RUN = re.compile("run [0-9a-f]{12}")


class Twins:
    """`kept` and `plain`; whatever one is told, the other is told as well."""

    def __init__(self, root: Path, pipeline: Pipeline, *also: Pipeline) -> None:
        self.kept, self.plain = Shop(root / "kept", pipeline), Shop(root / "plain", pipeline)
        self.plain.space = replace(self.plain.space, keep=None)
        self.also = also
        self.events: list[Event] = []

    def put(self, name: str, content: str, hour: int | None = None) -> None:
        for shop in (self.kept, self.plain):
            shop.put(name, content, hour)

    def run(self, *, full: bool = False) -> RunReport:
        """Run both, hold one against the other, and give the report of the one with checkpoints."""
        reports = []
        for shop in (self.kept, self.plain):
            shop.space = replace(shop.space, now=START + timedelta(days=9, hours=shop.hour))
            for other in self.also:
                run_in(other, shop.space, RunRequest(full=full))
            with listening(self.events.append if shop is self.kept else _nobody):
                reports.append(run_in(shop.pipeline, shop.space, RunRequest(full=full)))
        assert told(reports[0]) == told(reports[1])
        assert reports[1].stages == {}
        self.hold()
        return reports[0]

    def hold(self) -> None:
        """Hold the tables and the quarantines of both against each other."""
        for output in self.kept.pipeline.outputs:
            assert content(self.kept, output.table) == content(self.plain, output.table), output.table
        if self.kept.pipeline.file_sources:
            assert held(self.kept) == held(self.plain)

    @property
    def store(self) -> StageStore:
        return StageStore(self.kept.space.kept)

    def said(self, name: str) -> list[str]:
        return [event.message for event in self.events if event.name == name]


def _nobody(_event: Event) -> None: ...


def states(report: RunReport) -> dict[str, str]:
    """What became of each stage."""
    return {name: stage.state for name, stage in report.stages.items()}


def told(report: RunReport) -> dict:
    """What a report says that is the same with checkpoints and without."""
    document = report.to_dict()
    own = ("run_id", "started_at", "duration_s", "timings_s", "stages", "peak_memory_mb", "exports", "quality", "nodes")
    found = {name: value for name, value in document.items() if name not in own}
    for output in found["outputs"].values():
        del output["files_added"], output["files_removed"]
    return found


def content(shop: Shop, table: str) -> list[tuple]:
    handle = open_table(shop.space.lake, table)
    return [] if handle is None else sorted(map(repr, handle.scan().collect().rows()))


def held(shop: Shop) -> list[str]:
    found = rows(shop.space.lake, shop.pipeline.name, Selection()).to_dicts()
    return sorted(RUN.sub("run", repr({k: v for k, v in row.items() if k not in OWN})) for row in found)
