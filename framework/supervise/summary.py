"""A report as one sentence, for logs and plain progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.core.events import Event

if TYPE_CHECKING:
    from framework.core.events import Level
    from framework.core.report import RunReport

_LEVELS: dict[str, Level] = {"SUCCESS": "INFO", "UNCHANGED": "DEBUG", "FAILED": "ERROR"}


def sentence(report: RunReport) -> str:
    """Say what a run did.

    >>> from framework.core.report import RunReport
    >>> sentence(RunReport("ab12", "retail.sales", "UNCHANGED"))
    'retail.sales: nothing new'
    """
    name = report.pipeline
    last = "".join(f"; {table} is as last published, since {why}" for table, why in report.used_last.items())
    if report.state == "UNCHANGED":
        return f"{name}: nothing new{last}"
    if report.state in {"SKIPPED", "CANCELLED"}:
        return f"{name}: {report.state.lower()}: {report.reason}"
    if report.failure is not None:
        return f"{name}: failed after {report.duration_s:.1f} s ({report.failure.kind}): {report.failure.message}"
    sources = report.sources.values()
    counts = {
        "read": sum(s.rows_in for s in sources),
        "quarantined": sum(s.quarantined for s in sources),
        "dropped": sum(sum(s.dropped.values()) for s in sources),
    }
    words = [f"{_rows(count)} {what}" for what, count in counts.items() if count or what == "read"]
    written = sum(o.rows_added for o in report.outputs.values() if not o.table.startswith("_"))
    return f"{name}: succeeded in {report.duration_s:.1f} s: {', '.join(words)}, {_rows(written)} written{last}"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def finished_event(report: RunReport, traceback: str = "") -> Event:
    """The event that closes a run; carries the whole report."""
    fields = {"run_id": report.run_id, "pipeline": report.pipeline, "attempt": report.attempts, "state": report.state}
    extra = {"traceback": traceback} if traceback else {}
    level: Level = _LEVELS.get(report.state, "WARNING")
    level = "WARNING" if report.used_last and level != "ERROR" else level
    return Event("run.reported", sentence(report), level, {**fields, **extra, "report": report.to_dict()})
