"""What a report says of one run of a table, gathered from the history: the one source of all its forms."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from framework.quality.score import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.core.quality import Finding
    from framework.quality.columns import ColumnProfile
    from framework.quality.history import Record

SCHEMA_VERSION = 1
SHOWN_RUNS = 400


@dataclass(frozen=True)
class Document:
    """One run of a table with the runs before it, oldest first. `facts`: of the table as it is now."""

    table: str
    pipeline: str
    record: Record
    past: Sequence[Record]
    facts: Mapping[str, Any]

    @property
    def parts(self) -> dict[str, float]:
        """What the score is made of."""
        return {name: self.record.metrics[name] for name in WEIGHTS if name in self.record.metrics}

    @property
    def score(self) -> float | None:
        """The score of the run."""
        return self.record.metrics.get("score")

    @property
    def columns(self) -> list[ColumnProfile]:
        """The columns of the run."""
        return list(self.record.columns.values())

    def findings(self, state: str) -> list[Finding]:
        """What was found of a state: `broken`, `holds` or `unknown`."""
        return [finding for finding in self.record.findings if finding.state == state]

    def trend(self, metric: str, column: str = "") -> list[dict[str, Any]]:
        """A metric over the runs of the same scope up to this one, with the band that held in each."""
        points = []
        for record in self.comparable:
            value = record.value(metric, column)
            held = record.held(metric, column)
            if value is not None:
                band = {"low": held.low if held else None, "high": held.high if held else None}
                is_broken = held is not None and held.state == "broken"
                points.append({"at": record.run.at.isoformat(), "value": value, **band, "is_broken": is_broken})
        return points

    @property
    def comparable(self) -> list[Record]:
        """The newest runs of the same scope, this one the last."""
        return [record for record in [*self.past, self.record] if record.scope == self.record.scope][-SHOWN_RUNS:]

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        record = self.record
        return {
            "schema_version": SCHEMA_VERSION,
            "table": self.table,
            "pipeline": self.pipeline,
            "run": {"seq": record.run.seq, "run_id": record.run.run_id, "at": record.run.at.isoformat()},
            "scope": record.scope,
            "rows": record.rows,
            "sampled": record.sampled,
            "score": self.score,
            "parts": self.parts,
            "weights": WEIGHTS,
            "metrics": {name: value for name, value in record.metrics.items() if name not in {*WEIGHTS, "score"}},
            "findings": [asdict(finding) for finding in record.findings],
            "columns": [asdict(column) for column in self.columns],
            "history": {"runs": len(self.comparable), "rows": self.trend("rows"), "score": self.trend("score")},
            "table_now": dict(self.facts),
        }


def make_document(table: str, pipeline: str, records: Sequence[Record], *, facts: Mapping[str, Any]) -> Document:
    """Gather what a report says of the last of some runs."""
    return Document(table, pipeline, records[-1], records[:-1], facts)
