"""The accounts of a run: every row that came in is accepted, quarantined, or dropped with a count."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from framework.core.report import ExportReport, HookReport, OutputReport, RunReport, SourceReport, StepReport
from framework.run.verdicts import step_reports
from framework.storage import matches_any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.core.plan import RunPlan
    from framework.core.policy import Breaker
    from framework.definition import Pipeline
    from framework.lake import Committed
    from framework.run.intake import Intake
    from framework.run.resilience.calls import Calls
    from framework.run.targets import Target

NO_STEP = StepReport()


def source_report(intake: Intake, policy: str, warnings: Sequence[str] = ()) -> SourceReport:
    """Account for the rows of one source, once they have passed; `warnings`: what its batch as a whole breaks."""
    tally = intake.fresh.tally
    dropped = {"blank": tally.blank} if tally.blank else {}
    if policy == "drop" and tally.refused:
        dropped["invalid"] = tally.refused
    if intake.discarded:
        dropped["discarded"] = intake.discarded
    # Warnings are counted over all rows, so those of refused rows are in both: the larger count is the whole one.
    reasons = {reason: count for reason, count in (tally.broken | tally.warnings).items() if count}
    return SourceReport(
        rows_in=tally.rows_in + intake.discarded,
        accepted=tally.accepted,
        quarantined=0 if policy == "drop" else tally.refused,
        dropped=dropped,
        files=intake.files,
        files_rejected=len(intake.rejected),
        reasons=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        released=intake.retaken.tally.accepted if intake.retaken else 0,
        refused_again=intake.retaken.tally.refused if intake.retaken else 0,
        warnings=[*intake.warnings, *warnings],
        warned={reason: count for reason, count in tally.warnings.most_common() if count},
        filled=_filled(intake),
        stands_in=intake.stands_in,
    )


def with_calls(report: SourceReport, calls: Calls, name: str, breaker: Breaker | None) -> SourceReport:
    """Add what became of the calls to a source: those that were made again, and what its circuit does now."""
    counts = calls.counted(name)
    phase = calls.circuits.phase(breaker.name) if breaker is not None else ""
    return replace(report, retries=counts.retries, waited_s=round(counts.waited_s, 3), breaker=phase)


def _filled(intake: Intake) -> dict[str, dict[str, int]]:
    """The filled cells of a source's rows, fresh and released ones, by column and by what filled them."""
    counts = intake.fresh.tally.filled + (intake.retaken.tally.filled if intake.retaken else Counter())
    found: dict[str, dict[str, int]] = {}
    for (column, name), count in sorted(counts.items()):
        found.setdefault(column, {})[name] = count
    return found


def with_dropped(report: SourceReport, dropped: Mapping[str, int]) -> SourceReport:
    """Move rows that changed nothing (duplicates, superseded ones) from accepted to dropped.

    Of rows taken up from waiting that turned out superseded, none was counted as new: those come off `released`.
    """
    gone = sum(dropped.values())
    own = min(gone, report.accepted)
    return replace(
        report,
        accepted=report.accepted - own,
        released=report.released - (gone - own),
        dropped=dict(Counter(report.dropped) + Counter(dropped)),
    )


def output_report(done: Committed) -> OutputReport:
    """Account for one table."""
    staged = done.staged
    adds = staged.adds if staged else []
    removes = staged.removes if staged else []
    return OutputReport(
        table=done.table,
        version=done.version,
        rows_added=sum(f.rows for f in adds),
        rows_removed=sum(f.rows for f in removes),
        partitions=len(staged.partitions) if staged else 0,
        files_added=len(adds),
        files_removed=len(removes),
    )


def account(
    pipeline: Pipeline,
    plan: RunPlan,
    sources: Mapping[str, SourceReport],
    targets: Sequence[Target],
    committed: Mapping[str, Committed],
    exports: Mapping[str, ExportReport],
    timings: Mapping[str, float],
) -> RunReport:
    """Put the accounts of a run together. Rows that a merge dropped are the business of the source they came from."""
    reports = dict(sources)
    tables = {output.table for output in pipeline.outputs}
    for target in targets:
        staged = committed[target.table].staged
        if staged and target.table in tables:
            for path, dropped in staged.dropped.items():
                feed = _feed_of(path, pipeline, target.feeds)
                if feed is not None:
                    reports[feed] = with_dropped(reports[feed], dropped)
    return RunReport(
        run_id=plan.run_id,
        pipeline=pipeline.name,
        state="SUCCESS",
        seq=plan.seq,
        mode=plan.mode,
        reason=plan.reason,
        started_at=plan.planned_at.isoformat(),
        duration_s=round(sum(timings.values()), 4),
        timings_s=dict(timings),
        sources=reports,
        outputs={name: output_report(done) for name, done in committed.items()},
        exports=dict(exports),
        steps=step_reports(targets),
        skipped=plan.skipped,
    )


def _feed_of(path: str, pipeline: Pipeline, feeds: Sequence[str]) -> str | None:
    """The source that a file belongs to, of those that feed a table; None when that cannot be told."""
    if len(feeds) == 1:
        return feeds[0]
    return next((name for name in feeds if matches_any(path, pipeline.file_sources[name].patterns)), None)


def combine(pipeline: str, reports: Sequence[RunReport], restored: Mapping[str, ExportReport]) -> RunReport:
    """One report for a run of several sequences: an unfinished one taken up, or a rebuild that turned out necessary.

    `restored`: the files that were missing and are there again, where there was nothing else to do.
    """
    if not reports:
        reason = f"nothing is new; {', '.join(restored)} was missing" if restored else "nothing is new"
        return RunReport(run_id="", pipeline=pipeline, state="UNCHANGED", reason=reason, exports=dict(restored))
    done = reports[0]
    for then in reports[1:]:
        sources = {n: _sum(done.sources[n], r) if n in done.sources else r for n, r in then.sources.items()}
        steps = {**done.steps, **then.steps}
        done = replace(
            then,
            reason=f"sequence {done.seq}: {done.reason}; sequence {then.seq}: {then.reason}",
            started_at=done.started_at,
            duration_s=round(done.duration_s + then.duration_s, 4),
            sources=sources,
            rules={**done.rules, **then.rules},
            stages={
                **then.stages,
                **{n: s for n, s in done.stages.items() if n not in then.stages or s.state == "computed"},
            },
            hooks=_sum_hooks(done.hooks, then.hooks),
            steps={n: _sum_step(done.steps.get(n, NO_STEP), then.steps.get(n, NO_STEP)) for n in steps},
        )
    return done


def _sum_step(first: StepReport, second: StepReport) -> StepReport:
    return StepReport(_sum_counts(first.warned, second.warned), [*first.warnings, *second.warnings])


def _sum_hooks(first: Mapping[str, HookReport], second: Mapping[str, HookReport]) -> dict[str, HookReport]:
    found = dict(first)
    for name, one in second.items():
        before = found.get(name, HookReport())
        found[name] = HookReport(before.calls + one.calls, before.failed + one.failed)
    return found


def _sum_counts(one: Mapping[str, int], two: Mapping[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + two.get(key, 0) for key in {**one, **two}}


def _sum(first: SourceReport, second: SourceReport) -> SourceReport:
    values: dict[str, Any] = {}
    for name in ("rows_in", "accepted", "quarantined", "files", "files_rejected", "released", "refused_again"):
        values[name] = getattr(first, name) + getattr(second, name)
    values["warnings"] = [*first.warnings, *second.warnings]
    for name in ("dropped", "reasons", "warned"):
        values[name] = _sum_counts(getattr(first, name), getattr(second, name))
    columns = sorted({**first.filled, **second.filled})
    values["filled"] = {c: _sum_counts(first.filled.get(c, {}), second.filled.get(c, {})) for c in columns}
    # What is counted of calls is counted over a run, so the last sequence has all of it.
    values |= {"retries": second.retries, "waited_s": second.waited_s, "breaker": second.breaker}
    return SourceReport(**values, stands_in=second.stands_in or first.stands_in)
