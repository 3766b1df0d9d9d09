"""The history of profiles as rows of one table: a row per run, table and column, and one for the table as a whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.quality import COLUMN_METRICS, TABLE_METRICS, Finding
from framework.quality.columns import SAFE, ColumnProfile
from framework.quality.distribution import Distribution
from framework.quality.score import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from framework.core.quality import QualityReport
    from framework.quality.profile import Profile

FOLDER = "_quality"
METRICS = (*TABLE_METRICS, *COLUMN_METRICS, "score", *WEIGHTS)
_COUNTED = pl.List(pl.Struct({"value": pl.String(), "count": pl.Int64()}))

SCHEMA = pl.Schema(
    {
        "table": pl.String(),
        "column": pl.String(),
        "seq": pl.Int64(),
        "run_id": pl.String(),
        "at": pl.Datetime("us", "UTC"),
        "scope": pl.String(),
        "sampled": pl.Int64(),
        "dtype": pl.String(),
        "is_sensitive": pl.Boolean(),
        **{name: pl.Float64() for name in METRICS},
        "low": pl.String(),
        "high": pl.String(),
        "top": _COUNTED,
        "patterns": _COUNTED,
        "edges": pl.List(pl.Float64()),
        "values": pl.List(pl.String()),
        "counts": pl.List(pl.Int64()),
        "types": pl.String(),
        "findings": pl.String(),
    }
)
"""One row per run, table and column; `column` is empty in the row of the table as a whole.

`types` (of all columns) and `findings` (everything that was held against a band) are JSON, in that row only.
"""


def table_name(pipeline: str) -> str:
    """The name of a pipeline's history."""
    return f"{FOLDER}/{pipeline}"


@dataclass(frozen=True)
class Run:
    """Which run a profile is of."""

    seq: int
    run_id: str
    at: datetime


@dataclass(frozen=True)
class Record:
    """What was recorded of one table in one run."""

    run: Run
    scope: str
    sampled: int
    metrics: dict[str, float]
    columns: dict[str, ColumnProfile]
    types: dict[str, str] = field(default_factory=dict)
    checks: str = "[]"
    hidden: frozenset[str] = frozenset()
    """Columns that have become sensitive since."""

    @cached_property
    def findings(self) -> list[Finding]:
        """Everything that was held against a band in this run, with the evidence of that time."""
        found = (Finding(**finding) for finding in json.loads(self.checks))
        return [f for f in found if f.column not in self.hidden or f.metric in {*SAFE, "schema"}]

    def held(self, metric: str, column: str = "") -> Finding | None:
        """What a metric was held against: a band that it broke, or else the one that was learned or pinned."""
        same = [f for f in self.findings if (f.metric, f.column) == (metric, column)]
        return min(same, key=lambda f: (f.state != "broken", f.origin == "expected"), default=None)

    def masked(self, sensitive: Collection[str] | None) -> Record:
        """The record without the values of sensitive columns; None: it is not known which, and all count as such."""
        hidden = frozenset(self.columns if sensitive is None else self.columns.keys() & set(sensitive))
        columns = {n: c.without_values() if n in hidden else c for n, c in self.columns.items()}
        return replace(self, columns=columns, hidden=hidden)

    @property
    def rows(self) -> int:
        """How many rows the run staged."""
        return int(self.metrics["rows"])

    def value(self, metric: str, column: str = "") -> float | None:
        """The value of a metric, None where there is none."""
        of = self.columns[column].metrics if column in self.columns else {}
        return (of if column else self.metrics).get(metric)


def to_rows(
    run: Run, profile: Profile, report: QualityReport, *, findings: Sequence[Finding], types: Mapping[str, str]
) -> pl.DataFrame:
    """Render a profile as rows of the history. `types`: of all columns, also those that were not looked at."""
    score = {} if report.score is None else {"score": report.score}
    as_a_whole: dict[str, Any] = {"column": "", **profile.metrics, **score, **report.parts}
    as_a_whole["findings"] = json.dumps([asdict(finding) for finding in findings])
    as_a_whole["types"] = json.dumps(dict(types))
    own = {"table": report.table, **asdict(run), "scope": report.scope, "sampled": profile.sampled}
    rows = [{**own, **row} for row in (as_a_whole, *(_of_column(column) for column in profile.columns))]
    return pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in rows], schema=SCHEMA)


def _of_column(column: ColumnProfile) -> dict[str, Any]:
    distribution = column.renewed or column.distribution
    return {
        **column.metrics,
        "column": column.name,
        "dtype": column.dtype,
        "is_sensitive": column.is_sensitive,
        "low": column.low,
        "high": column.high,
        "top": [{"value": value, "count": count} for value, count in column.top],
        "patterns": [{"value": value, "count": count} for value, count in column.patterns],
        "edges": list(distribution.edges) if distribution else None,
        "values": list(distribution.values) if distribution else None,
        "counts": list(distribution.counts) if distribution else None,
    }


def from_rows(rows: pl.DataFrame) -> list[Record]:
    """Read the rows of one table, in the order of its runs; a run recorded twice counts once."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows.sort("seq", maintain_order=True).iter_rows(named=True):
        found.setdefault(row["seq"], []).append(row)
    return [record for seq in sorted(found) for record in _record(found[seq])]


def _record(rows: list[dict[str, Any]]) -> Iterable[Record]:
    whole = next((row for row in rows if not row["column"]), None)
    if whole is None:
        return
    yield Record(
        Run(whole["seq"], whole["run_id"], whole["at"]),
        whole["scope"],
        whole["sampled"],
        _metrics(whole),
        {row["column"]: _column(row) for row in rows if row["column"]},
        json.loads(whole["types"] or "{}"),
        whole["findings"] or "[]",
    )


def _metrics(row: dict[str, Any]) -> dict[str, float]:
    return {name: row[name] for name in METRICS if row[name] is not None}


def _column(row: dict[str, Any]) -> ColumnProfile:
    return ColumnProfile(
        name=row["column"],
        dtype=row["dtype"],
        is_sensitive=bool(row["is_sensitive"]),
        metrics=_metrics(row),
        low=row["low"],
        high=row["high"],
        top=_counted(row["top"]),
        patterns=_counted(row["patterns"]),
        distribution=_distribution(row),
    )


def _counted(pairs: list[dict[str, Any]] | None) -> tuple[tuple[str, int], ...]:
    return tuple((pair["value"], pair["count"]) for pair in pairs or [])


def _distribution(row: dict[str, Any]) -> Distribution | None:
    if row["counts"] is None:
        return None
    return Distribution(tuple(row["counts"]), tuple(row["edges"] or ()), tuple(row["values"] or ()))
