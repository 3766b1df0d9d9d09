"""The marketing pipelines run in place on two folders, and what they leave in the lake read back as plain values."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from framework.core.report import RunReport
from framework.definition import Pipeline
from framework.definition.load import load_pipelines
from framework.definition.selection import select
from framework.lake import open_table
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.settings import Settings
from framework.storage import StorageLocation
from tests.oracle.lake import House

Row = dict[str, Any]
SOURCES = {
    "search_ads": "marketing/search_ads",
    "social_ads": "marketing/social_ads",
    "display_ads": "marketing/display_ads",
    "events": "marketing/clicks",
    "conversions": "marketing/conversions",
    "rates": "marketing/reference",
    "channels": "marketing/reference",
    "geo": "marketing/reference",
}
"""Pipelines that read files, and the folder they read."""


@cache
def marketing() -> list[Pipeline]:
    """The marketing pipelines in the order in which they run."""
    return select(load_pipelines(Settings(packages=("pipelines.marketing",))))


@dataclass(frozen=True)
class MarketingHouse(House):
    """A raw folder and a lake of the marketing domain."""

    def run(self, *, full: bool = False, only: Sequence[str] = ()) -> dict[str, RunReport]:
        """Run all pipelines, or some by their last names; gives their reports."""
        space = Workspace(StorageLocation(str(self.raw)), self.at(), now=self.now)
        wanted = [one for one in marketing() if not only or one.name.partition(".")[2] in only]
        return {pipeline.name: run_in(pipeline, space, RunRequest(full=full)) for pipeline in wanted}

    def rows(self, name: str) -> list[Row]:
        """The rows of a table without where they came from, in no order."""
        handle = open_table(self.at(), f"marketing/{name}")
        assert handle is not None, f"there is no table {name}"
        return [
            {column: value for column, value in row.items() if not column.startswith("_source")}
            for row in handle.scan().collect().to_dicts()
        ]

    def by_key(self, name: str, key: Sequence[str]) -> dict[tuple[Any, ...], Row]:
        """The rows of a table by key; a key that occurs twice is an error."""
        rows = self.rows(name)
        found = {tuple(row[column] for column in key): row for row in rows}
        assert len(found) == len(rows), f"{name} has a key twice"
        return found

    def everything_sorted(self) -> dict[str, list[str]]:
        """All tables that pipelines write, as sorted texts of their rows: what two lakes are compared by."""
        names = sorted(output.table.partition("/")[2] for pipeline in marketing() for output in pipeline.outputs)
        return {name: sorted(json.dumps(row, default=str) for row in self.rows(name)) for name in names}

    def key(self, name: str) -> list[Row]:
        """The entries of one file of the sample's key."""
        text = (self.raw / "marketing/_truth" / f"{name}.ndjson").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]
