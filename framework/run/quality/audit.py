"""The quality of what a run staged: profiled, judged by history and expectations, recorded; nothing is published yet.

Tables without `quality=` are not looked at. What cannot be measured or recorded is said, and stops a run only where
something that may fail the run rests on it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from framework.core.events import emit
from framework.core.quality import QualityReport
from framework.errors import MAX_GROUPS, BoundaryError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from framework.core.plan import RunPlan
    from framework.core.quality import Expectation, Finding, Quality
    from framework.core.report import SourceReport
    from framework.definition import Output, Pipeline
    from framework.lake.delta import DataFile
    from framework.quality import Facts, Profile, Record, Watch
    from framework.run.targets import Target
    from framework.run.workspace import Workspace


def asks_for_quality(pipeline: Pipeline) -> bool:
    """Whether any table of a pipeline is to be looked at."""
    return any(output.quality for output in pipeline.outputs)


def audit_quality(
    pipeline: Pipeline,
    plan: RunPlan,
    space: Workspace,
    targets: Sequence[Target],
    sources: Mapping[str, SourceReport],
) -> dict[str, QualityReport]:
    """Judge what was staged, and record it under the plan's sequence.

    Raises:
        BoundaryError: when something does not hold that is to fail the run.
    """
    from framework.run.quality.history import record

    outputs = {output.table: output for output in pipeline.outputs}
    looks = [
        _Looked(pipeline, outputs[target.table], quality, plan, space, target, target.watch, sources)
        for target in targets
        if target.watch is not None and (quality := outputs[target.table].quality) is not None
    ]
    done = {}
    rows = []
    for look in looks:
        try:
            done[look.output.table] = look.report
            rows.append(look.rows)
        except (Exception, pl.exceptions.PanicException) as error:
            if look.may_fail:
                raise
            text = f"{look.output.table}: its quality could not be measured: {error}"
            emit("quality.not_measured", text, level="WARNING", table=look.output.table)
    for finding in (finding for report in done.values() for finding in report.findings):
        emit("quality.broken", f"{finding.table}: {finding.text}", level="WARNING", **asdict(finding))
    require_quality(done.values())
    record(space.lake, plan, rows)
    return done


@dataclass(frozen=True)
class _Looked:
    """One table that a run has staged rows for, looked at when it is asked for its report."""

    pipeline: Pipeline
    output: Output
    quality: Quality
    plan: RunPlan
    space: Workspace
    target: Target
    watch: Watch
    sources: Mapping[str, SourceReport]

    @property
    def may_fail(self) -> bool:
        """Whether anything could stop the run."""
        stated = [*self.quality.expect, *self.quality.pins, *self.pins]
        return self.quality.history == "fail" or any(one.severity == "fail" for one in stated)

    @cached_property
    def pins(self) -> list[Expectation]:
        """The bands that an operator fixed."""
        from framework.quality.pins import read_pins

        return read_pins(self.space.lake, self.output.table)

    @property
    def scope(self) -> str:
        """How much of the table the run has staged."""
        return "whole" if self.target.is_whole else "batch"

    @cached_property
    def past(self) -> list[Record]:
        """The earlier runs, of whatever scope."""
        from framework.run.quality.history import read_past

        found = read_past(self.space.lake, self.pipeline.name, self.output.table)
        return [record for record in found if record.run.seq < self.plan.seq]

    @cached_property
    def comparable(self) -> list[Record]:
        """The earlier runs that staged as much as this one: the whole table, or a batch."""
        return [record for record in self.past if record.scope == self.scope]

    @cached_property
    def types(self) -> dict[str, str]:
        """The types of the staged columns."""
        return {name: str(dtype) for name, dtype in self.watch.schema.items()}

    @cached_property
    def profile(self) -> Profile:
        """What the staged rows look like, and how far they are from those before."""
        from framework.quality import Look, bins_of, profile, with_drift

        facts = facts_of(self.target.area.files(), list(self.types), self.watch.sensitive)
        look = Look(self.plan.planned_at, bins_of(self.comparable), facts)
        found = with_drift(profile(self.watch, look), self.comparable)
        if not self.past:
            return found
        interval = (self.plan.planned_at - self.past[-1].run.at) / timedelta(hours=1)
        return replace(found, metrics={**found.metrics, "interval_h": interval})

    @cached_property
    def findings(self) -> list[Finding]:
        """Everything that was held against a band."""
        from framework.quality import Case, judge

        return judge(
            Case(
                table=self.output.table,
                profile=self.profile,
                at=self.plan.planned_at,
                past=self.comparable,
                quality=self.quality,
                pins=self.pins,
                types=self.types,
                before=self.past[-1].types if self.past else {},
            )
        )

    @cached_property
    def report(self) -> QualityReport:
        """The verdict."""
        from framework.quality import parts_of, score

        feeds = self.pipeline.upstream(self.output.of) & self.sources.keys()
        parts = parts_of(
            self.profile,
            self.findings,
            accepted=sum(self.sources[name].accepted for name in feeds),
            quarantined=sum(self.sources[name].quarantined for name in feeds),
            time=self.quality.time,
        )
        return QualityReport(
            table=self.output.table,
            scope=self.scope,
            rows=self.profile.rows,
            score=score(parts),
            parts=parts,
            checks=sum(finding.state != "unknown" for finding in self.findings),
            learning=sum(finding.state == "unknown" for finding in self.findings),
            findings=[finding for finding in self.findings if finding.state == "broken"],
        )

    @property
    def rows(self) -> pl.DataFrame:
        """The rows of the history."""
        from framework.quality import Run, to_rows

        run = Run(self.plan.seq, self.plan.run_id, self.plan.planned_at)
        return to_rows(run, self.profile, self.report, findings=self.findings, types=self.types)


def facts_of(files: Sequence[DataFile], columns: Sequence[str], sensitive: Collection[str] = ()) -> dict[str, Facts]:
    """What staged files know of columns: nulls, and the range where every file with a value has one.

    Of sensitive columns no range is taken along.
    """
    from framework.quality import Facts

    nulls = [json.loads(file.stats).get("nullCount", {}) for file in files]
    found = {}
    for name in columns:
        if not files or any(name not in known for known in nulls):
            continue
        count = sum(known[name] for known in nulls)
        valued = [file for file, known in zip(files, nulls, strict=True) if known[name] < file.rows]
        if name in sensitive or not valued or any(name not in file.ranges for file in valued):
            found[name] = Facts(count)
            continue
        ranges = [file.ranges[name] for file in valued]
        found[name] = Facts(count, min(low for low, _ in ranges), max(high for _, high in ranges))
    return found


def require_quality(reports: Iterable[QualityReport]) -> None:
    """Fail the run where something does not hold that is to fail it.

    Raises:
        BoundaryError: with every such finding of every table.
    """
    lines = []
    for report in reports:
        broken = [finding for finding in report.findings if finding.severity == "fail"]
        if broken:
            lines.append(
                f"table '{report.table}': the quality of the {report.rows:,} rows staged is not as it must be:"
            )
            lines += [f"  {finding.text}" for finding in broken[:MAX_GROUPS]]
            lines += [f"  and {len(broken) - MAX_GROUPS} more"] if len(broken) > MAX_GROUPS else []
            lines.append(_fix(broken[0]))
    if lines:
        raise BoundaryError("\n".join(lines))


def _fix(finding: Finding) -> str:
    """What to do about something that is not as it must be; a band that was learned can be pinned."""
    fix = "nothing of this run is published; correct the input, or change what is expected: quality= of the table"
    if finding.origin in {"expected", "schema"}:
        return fix
    of = f" --column {finding.column}" if finding.column else ""
    pin = f"sluice quality pin {finding.table} {finding.metric}{of}"
    return f"nothing of this run is published; correct the input; what is usual can be pinned: {pin}"
