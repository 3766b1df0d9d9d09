"""One run as people read it: what it did, where its time went, and how that compares with the runs before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from framework.cli.output import plural
from framework.cli.run_summary import render
from framework.core.report import RunReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from framework.core.report import NodeReport

BAR = 40
PHASES = {
    "scan and stage": ("scan", "checkpoints", "stage", "apart"),
    "publish": ("quality", "rules", "publish", "export"),
}
"""What a run can be seen to be at from outside, with the phases that it measures itself."""
BEGINS = {"run.planned": "scan and stage", "run.reread": "scan and stage", "run.staged": "publish"}
"""The events with which these begin."""
SHOWN_NODES = 5
LEAST_SHARE = 0.01
MEGABYTE = 1_000_000
NEAR = 0.1
"""A value this near to what is usual, as a share of it, is not worth a word."""


@dataclass(frozen=True)
class Usual:
    """What a value is, and its median over earlier runs (None where there are none)."""

    value: float
    usual: float | None

    def words(self, told: Callable[[float], str]) -> str:
        """The value, with what is usual where it is far from it.

        >>> Usual(3.0, 1.5).words("{:.1f} s".format), Usual(3.0, 3.1).words("{:.1f} s".format)
        ('3.0 s (usually 1.5 s)', '3.0 s')
        """
        own, usual = told(self.value), told(self.usual) if self.usual is not None else ""
        is_near = self.usual is None or abs(self.value - self.usual) <= NEAR * max(self.usual, self.value)
        return own if is_near or own == usual else f"{own} (usually {usual})"


def document_of(run: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A run as plain data: its report, and the medians of the runs before it."""
    facts = {name: value for name, value in run.items() if name != "report" and not name.startswith("owner_")}
    return {
        **facts,
        "report": run["report"],
        "usual": {"runs": len(earlier), **{name: _median(earlier, of) for name, of in MEASURES.items()}},
    }


def _phase(name: str) -> Callable[[Mapping[str, Any]], float | None]:
    def seconds(run: Mapping[str, Any]) -> float | None:
        found = ((run["report"] or {}).get("timings_s") or {}).get(name)
        return None if found is None else float(found)

    return seconds


def _rows_in(run: Mapping[str, Any]) -> float | None:
    sources = (run["report"] or {}).get("sources")
    return None if not sources else float(sum(source["rows_in"] for source in sources.values()))


MEASURES: dict[str, Callable[[Mapping[str, Any]], float | None]] = {
    "duration_s": lambda run: run["duration_s"],
    "peak_memory_mb": lambda run: run["peak_memory_mb"],
    "rows_in": _rows_in,
}


def _median(runs: Sequence[Mapping[str, Any]], of: Callable[[Mapping[str, Any]], float | None]) -> float | None:
    known = [value for run in runs if (value := of(run)) is not None]
    return float(median(known)) if known else None


def usual_duration(earlier: Sequence[Mapping[str, Any]]) -> float | None:
    """The median of what earlier runs took, in seconds."""
    return _median(earlier, MEASURES["duration_s"])


def lines_of(
    run: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, Any]] = ()
) -> Iterator[str]:
    """Lay a run out: the summary that it ended with, its measures beside the usual ones, its phases as bars.

    `said`: the events of its log, for a run that is still at work.
    """
    yield f"run {run['run_id']} of {run['pipeline']}: {run['state']}"
    yield f"    started {run['started_at']:%Y-%m-%d %H:%M:%S} UTC: {run['reason'] or 'no reason is recorded'}"
    if run["report"] is None:
        if run["failure_kind"]:
            yield f"    {run['failure_kind']}: {run['failure_message']}"
        else:
            yield from at_work(run, earlier, said, datetime.now(UTC))
        return
    report = RunReport.from_dict(dict(run["report"]))
    yield f"    took {', '.join(_measures(run, earlier))}"
    yield from _timeline(report, earlier)
    yield from _nodes(report, earlier)
    summary = (line for told in render([report]) for line in told.splitlines())
    yield from (line for line in summary if line.startswith("    "))  # without its head and its count of pipelines
    yield f"compared with {plural(len(earlier), 'earlier run')}" if earlier else "no earlier run to compare with"


def at_work(
    run: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, Any]], now: datetime
) -> Iterator[str]:
    """Say for how long a run has been at work and in its phase, how long these usually take, and what it said last."""
    took = Usual((now - run["started_at"]).total_seconds(), usual_duration(earlier))
    yield f"    is at work for {took.words('{:.1f} s'.format)}"
    name, since = "scan and stage", run["started_at"]
    for event in said:
        if event.get("event") in BEGINS:
            name, since = BEGINS[event["event"]], datetime.fromisoformat(event["at"])
    passed = Usual((now - since).total_seconds(), _median(earlier, _phases(PHASES[name])))
    yield f"    in {name} for {passed.words('{:.1f} s'.format)}"
    if said:
        ago = (now - datetime.fromisoformat(said[-1]["at"])).total_seconds()
        yield f"    said last, {ago:.1f} s ago: {said[-1]['message']}"


def _phases(names: Sequence[str]) -> Callable[[Mapping[str, Any]], float | None]:
    def seconds(run: Mapping[str, Any]) -> float | None:
        found = [one for name in names if (one := _phase(name)(run)) is not None]
        return sum(found) if found else None

    return seconds


def _measures(run: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    told: dict[str, Callable[[float], str]] = {
        "duration_s": "{:.2f} s".format,
        "peak_memory_mb": "{:,.0f} MiB".format,
        "rows_in": "{:,.0f} rows in".format,
    }
    for name, of in MEASURES.items():
        value = of(run)
        if value:
            yield Usual(value, _median(earlier, of)).words(told[name])


def _timeline(report: RunReport, earlier: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The phases in their order, each a bar that begins where the one before it ends."""
    phases = {name: seconds for name, seconds in report.timings_s.items() if seconds > 0}
    total = sum(phases.values())
    if not total:
        return
    width = max(map(len, phases))
    slowest = max(phases, key=lambda name: phases[name])
    passed = 0.0
    for name, seconds in phases.items():
        start, end = (round(BAR * at / total) for at in (passed, passed + seconds))
        bar = (" " * start + "#" * max(end - start, 1)).ljust(BAR)
        words = Usual(seconds, _median(earlier, _phase(name))).words("{:.2f} s".format)
        yield f"    {name:<{width}}  |{bar[:BAR]}| {words}{', the slowest' if name == slowest else ''}"
        passed += seconds


def _nodes(report: RunReport, earlier: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The nodes of the plan that took longest, of the processor's time."""
    shown = [node for node in report.nodes if node.share >= LEAST_SHARE][:SHOWN_NODES]
    for node in shown:
        seconds = Usual(node.seconds, _median(earlier, _node(node.name, node.sources))).words("{:.3f} s".format)
        times = f" in {node.count} places" if node.count > 1 else ""
        origin = f" of {', '.join(node.sources)}" if node.sources and node.operation != "read" else ""
        step = f" (step {node.step})" if node.step else ""
        yield f"    node  {node.share:4.0%}  {node.name}{origin}{times}: {_passed(node)}, {seconds}{step}"
    rest = len(report.nodes) - len(shown)
    if rest > 0:
        yield f"    node        and {rest} more that took less; --json has them"


def _passed(node: NodeReport) -> str:
    """What went through a node: bytes where it reads files, and rows."""
    if node.operation == "read":
        size = f" of {node.bytes_read / MEGABYTE:,.1f} MB" if node.bytes_read else ""
        return f"{node.rows_out:,} rows{size}"
    out = "" if node.rows_out in {node.rows_in, 0} else f" to {node.rows_out:,}"
    return f"{node.rows_in:,}{out} rows"


def _node(name: str, sources: Sequence[str]) -> Callable[[Mapping[str, Any]], float | None]:
    def seconds(run: Mapping[str, Any]) -> float | None:
        found = (run["report"] or {}).get("nodes") or ()
        same = [one for one in found if one.get("name") == name and one.get("sources") == list(sources)]
        return float(sum(one["seconds"] for one in same)) if same else None

    return seconds
