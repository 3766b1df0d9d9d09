"""What a run did, for people: a few lines per pipeline, and the command that makes sense next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.cli.output import columns, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from framework.core.quality import QualityReport
    from framework.core.report import OutputReport, RuleReport, RunReport, SourceReport, StageReport, StepReport
    from framework.supervise.supervisor import Invocation

SHOWN_REASONS = 5
WARNED = "warned of:"
_ORDER = ("SUCCESS", "UNCHANGED", "FAILED", "CANCELLED", "SKIPPED")
_WORDS = {
    "SUCCESS": "succeeded",
    "UNCHANGED": "unchanged",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "SKIPPED": "skipped",
}


def render(reports: Sequence[RunReport], *, is_verbose: bool = False) -> Iterator[str]:
    """Describe every pipeline, failures last, then count them."""
    width = max((len(report.pipeline) for report in reports), default=0)
    for report in sorted(reports, key=lambda r: r.state in {"FAILED", "CANCELLED", "SKIPPED"}):
        yield f"{report.pipeline:<{width}}  {report.state:<9}  {_headline(report)}"
        for table, why in report.used_last.items():
            yield f"    read  {table}: as last published, since {why}"
        for name, source in report.sources.items():
            yield from _source(name, source)
        yield from (_stage(stage) for stage in report.stages.values())
        for name, step in report.steps.items():
            yield f"    step  {name}: {WARNED}"
            yield from _warned(step)
        yield from (f"    step  {name}: its stand-in gave the rows: {why}" for name, why in report.stood_in.items())
        for name, rule in report.rules.items():
            yield from _rule(name, rule)
        yield from _hooks(report)
        yield from _outputs(report)
        for found in report.quality.values():
            yield from _quality(found)
        for done in report.exports.values():
            yield f"    wrote {done.path}: {plural(done.rows, 'record')} of {done.table}, version {done.version}"
        if is_verbose and report.timings_s:
            yield "    took " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in report.timings_s.items())
    yield from _counts(reports)


def _outputs(report: RunReport) -> Iterator[str]:
    """What became of the tables."""
    yield from (_output(output) for output in report.outputs.values() if output.table not in report.skipped)
    yield from (f"    left  {table}: as it is, since {why}" for table, why in report.skipped.items())


def render_brief(reports: Sequence[RunReport]) -> Iterator[str]:
    """Describe every pipeline in one line: rows read, accepted, held back and dropped, rows and files written."""
    names = [
        "pipeline",
        "state",
        "read",
        "accepted",
        "quarantined",
        "dropped",
        "written",
        "removed",
        "files",
        "seconds",
    ]
    yield from columns([_brief(report) for report in reports], names, empty="no pipeline")
    for report in reports:
        if report.failure or report.state in {"CANCELLED", "SKIPPED"}:
            yield f"{report.pipeline}: {_headline(report)}"
    yield from _counts(reports)


def _brief(report: RunReport) -> dict[str, Any]:
    sources = report.sources.values()
    tables = [output for output in report.outputs.values() if not output.table.startswith("_")]
    counts = {
        "read": sum(source.rows_in for source in sources),
        "accepted": sum(source.accepted for source in sources),
        "quarantined": sum(source.quarantined for source in sources),
        "dropped": sum(sum(source.dropped.values()) for source in sources),
        "written": sum(output.rows_added for output in tables),
        "removed": sum(output.rows_removed for output in tables),
        "files": len(report.exports),
    }
    told = {name: count or None for name, count in counts.items()}
    return {"pipeline": report.pipeline, "state": report.state, **told, "seconds": round(report.duration_s, 1)}


def _counts(reports: Sequence[RunReport]) -> Iterator[str]:
    counts = {state: sum(r.state == state for r in reports) for state in _ORDER}
    if reports:
        yield ", ".join(f"{count} {_WORDS[state]}" for state, count in counts.items() if count)


def _headline(report: RunReport) -> str:
    if report.state == "UNCHANGED":
        return report.reason or "nothing new"
    if report.state == "SKIPPED":
        return report.reason
    words = [f"run {report.run_id}"]
    if report.seq is not None:
        words.append(f"sequence {report.seq}" + (" (full)" if report.mode == "full" else ""))
    words.append(f"{report.duration_s:.1f} s")
    if report.peak_memory_mb:
        words.append(f"{report.peak_memory_mb:,.0f} MiB")
    if report.attempts > 1:
        words.append(f"attempt {report.attempts}")
    if report.late_s:
        words.append(f"{report.late_s:.1f} s longer than expected")
    line = ", ".join(words)
    if report.failure:
        message = report.failure.message.replace("\n", "\n    ")
        return f"{line}\n    {report.failure.kind}: {report.failure.error}: {message}"
    return f"{line}: {report.reason}" if report.state == "CANCELLED" else line


def _rule(name: str, rule: RuleReport) -> Iterator[str]:
    if rule.state == "broken":
        owner = f" (owner: {rule.owner})" if rule.owner else ""
        yield f"    rule  {name}: {WARNED} {rule.message}{owner}"
        yield from (f"              {line}" for line in rule.lines)


def _stage(stage: StageReport) -> str:
    told = f"{plural(stage.rows, 'row')}, {size(stage.bytes)}"
    if stage.state == "computed":
        return f"    kept  {stage.name}: {told}, computed in {stage.seconds:.1f} s"
    return f"    found {stage.name}: {told}, as computed {_ago(stage.age_s)} ago in {stage.seconds:.1f} s"


def _ago(seconds: float) -> str:
    """Say an age in the unit that suits it.

    >>> _ago(50), _ago(7200), _ago(200_000)
    ('50 s', '2.0 h', '2.3 days')
    """
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (unit == "h" and seconds >= length):
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _hooks(report: RunReport) -> Iterator[str]:
    """The hooks that failed, and only warn."""
    for name, hook in report.hooks.items():
        if hook.failed:
            yield f"    hook  {name}: failed {hook.failed} of {plural(hook.calls, 'time')}"


def _source(name: str, source: SourceReport) -> Iterator[str]:
    if not (source.rows_in or source.files or source.released or source.refused_again):
        return
    words = [f"{source.accepted:,} accepted"]
    if source.released:
        words.append(f"{source.released:,} released from quarantine")
    if source.refused_again:
        words.append(f"{source.refused_again:,} refused again")
    if source.quarantined:
        words.append(f"{source.quarantined:,} quarantined")
    words += [f"{count:,} dropped ({reason})" for reason, count in source.dropped.items() if count]
    files = f" of {plural(source.files, 'file')}" if source.files else ""
    rejected = f" ({source.files_rejected:,} unreadable)" if source.files_rejected else ""
    if source.stands_in:
        yield f"    ALTERNATE  {name} stands in for {source.stands_in}"
    yield f"    read  {name}: {plural(source.rows_in, 'row')}{files}{rejected}: {', '.join(words)}"
    yield from _reasons({reason: count for reason, count in source.reasons.items() if reason not in source.warned})
    if source.retries:
        yield f"          {plural(source.retries, 'call')} made again, {source.waited_s:.1f} s waited"
    if source.breaker and source.breaker != "closed":
        yield f"          its circuit is {source.breaker}: sluice breakers"
    for column, counts in source.filled.items():
        told = ", ".join(f"{count:,} by {by}" for by, count in counts.items())
        yield f"          filled {column}: {told}"
    if source.warned or source.warnings:
        yield f"          {WARNED}"
        yield from _warned(source)


def _reasons(counts: Mapping[str, int]) -> Iterator[str]:
    reasons = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for reason, count in reasons[:SHOWN_REASONS]:
        yield f"          {count:>9,} x {reason}"
    if len(reasons) > SHOWN_REASONS:
        yield f"          and {plural(len(reasons) - SHOWN_REASONS, 'more reason')}"


def _warned(of: SourceReport | StepReport) -> Iterator[str]:
    """Rules that only warn: rows by rule, then rules over all rows."""
    yield from _reasons(of.warned)
    for words in of.warnings[:SHOWN_REASONS]:
        yield f"{'':>22}{words}"
    if len(of.warnings) > SHOWN_REASONS:
        yield f"          and {plural(len(of.warnings) - SHOWN_REASONS, 'more rule')} over all rows"


def _output(output: OutputReport) -> str:
    rows = f"+{output.rows_added:,} -{output.rows_removed:,} rows"
    return (
        f"    wrote {output.table}: version {output.version}, {rows}, {plural(output.partitions, 'partition')} touched"
    )


def _quality(quality: QualityReport) -> Iterator[str]:
    """The score, and the first of what does not hold."""
    score = "no score" if quality.score is None else f"score {quality.score}"
    held = f"{quality.checks - len(quality.findings)} of {quality.checks} checks hold"
    learning = f", {quality.learning} wait for more history" if quality.learning else ""
    yield f"    quality {quality.table}: {score}, {held}{learning}"
    if quality.findings:
        more = f" (and {len(quality.findings) - 1} more)" if len(quality.findings) > 1 else ""
        yield f"          {quality.findings[0].text}{more}: sluice quality report {quality.table}"


def next_steps(done: Invocation) -> list[str]:
    """The next command to type, if one suggests itself."""
    failed = [report for report in done.reports if report.failure or report.state == "CANCELLED"]
    if done.signal is not None:
        return ["next: the same command again; it takes up where this one stopped"]
    if failed:
        return [f"next: sluice logs {failed[0].run_id}; once that is mended: sluice retry {done.id}"]
    held = [report.pipeline for report in done.reports if any(source.quarantined for source in report.sources.values())]
    if held:
        return [f"next: sluice quarantine list {held[0] if len(held) == 1 else ''}".rstrip()]
    return []
