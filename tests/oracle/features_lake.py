"""The feature pipelines run in place on two folders, and what they leave in the lake read back as plain values."""

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
from tests.oracle.features_reading import Row
from tests.oracle.lake import House

KEYS = {
    "features/events": ("event_id",),
    "features/transactions": ("transaction_id",),
    "features/users": ("user_id", "exported"),
    "features/labels": ("user_id", "as_of"),
    "features/session_features": ("user_id", "session_start"),
    "features/user_days": ("user_id", "day"),
    "features/churn_labels": ("as_of",),
    "features/churn_encodings": ("way", "feature", "value", "is_prior"),
    "features/churn_training": ("user_id", "as_of"),
    "features/value_labels": ("as_of",),
    "features/value_encodings": ("way", "feature", "value", "is_prior"),
    "features/value_training": ("user_id", "as_of"),
    "features/serving_features": ("user_id",),
    "features/serving": ("user_id",),
    "features/drift": ("feature",),
}


@cache
def features() -> list[Pipeline]:
    """The feature pipelines in the order in which they run."""
    return select(load_pipelines(Settings(packages=("pipelines.features",))))


@dataclass(frozen=True)
class FeatureHouse(House):
    """A raw folder and a lake of the features domain."""

    def run(self, *, full: bool = False) -> dict[str, RunReport]:
        """Run all pipelines; gives their reports."""
        space = Workspace(StorageLocation(str(self.raw)), self.at(), now=self.now)
        return {pipeline.name: run_in(pipeline, space, RunRequest(full=full)) for pipeline in features()}

    def table(self, name: str) -> dict[tuple[Any, ...], Row]:
        """The rows of a table by key, without where they came from; a key that occurs twice is an error."""
        handle = open_table(self.at(), name)
        assert handle is not None, f"there is no table {name}"
        rows = [
            {column: value for column, value in row.items() if not column.startswith("_source")}
            for row in handle.scan().collect().to_dicts()
        ]
        found = {tuple(row[column] for column in KEYS[name]): row for row in rows}
        assert len(found) == len(rows), f"{name} has a key twice"
        return found

    def tables(self) -> dict[str, dict[tuple[Any, ...], Row]]:
        """All tables."""
        return {name: self.table(name) for name in KEYS}
