"""`sluice runs timeline`: the runs of an invocation as bars over time, and the chain that decided how long it took."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from framework.cli.ledger import with_ledger
from framework.cli.options import Exit, settings
from framework.cli.output import hint, plural, show
from framework.cli.run_details import BAR, Usual, usual_duration
from framework.core.dag import critical_path, ordered, turned
from framework.errors import SelectionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from framework.core.dag import CriticalPath, Needs
    from framework.ledger.opening import Ledger

TOLD = {"SUCCESS": ""}
LATE_S = 2.0
"""So much later than its end at most is a run recorded as ended."""


def runs_timeline(run: str | None = None) -> int:
    """Show the runs of one `sluice run` as bars over time, and the chain of them that decided how long it took.

    Which run waits for which is taken from the pipelines as they are defined now.

    Args:
        run: The id of the invocation, or of one of its runs, or the beginning of either. Default: the latest.
    """
    from framework.definition.load import load_pipelines
    from framework.definition.selection import needed_by_tables

    known = with_ledger(lambda ledger: _read(ledger, run))
    if known is None:
        raise SelectionError("nothing has run yet; `sluice run` runs all pipelines")
    found, earlier = known
    timeline = timeline_of(found, earlier, needed_by_tables(load_pipelines(settings()).values()))
    show({"invocation": timeline_document(timeline)}, lambda: timeline_lines(timeline))
    hint(f"next: sluice runs show {timeline.slowest.run['run_id']}")
    return Exit.OK


def _read(ledger: Ledger, run: str | None) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]] | None:
    """The runs of an invocation, each with those before it; None where nothing has run."""
    from framework.ledger.invoked import runs_of
    from framework.ledger.runs import before, get, recent
    from framework.ledger.zombies import mark_abandoned

    mark_abandoned(ledger)
    if run is None:
        latest = recent(ledger, limit=1)
        if not latest:
            return None
        wanted = latest[0]["invocation_id"]
    else:
        try:
            wanted = get(ledger, run)["invocation_id"]
        except SelectionError:  # it is no run's: then an invocation's, or that error says what to do
            wanted = run
    found = runs_of(ledger, wanted)
    return found, {row["run_id"]: before(ledger, row) for row in found}


@dataclass(frozen=True)
class Bar:
    """A run on the time axis. `seconds`: how long it took, or has taken so far."""

    run: Mapping[str, Any]
    start: datetime
    seconds: float
    usual: float | None

    @property
    def end(self) -> datetime:
        """When it ended, or now."""
        return self.start + timedelta(seconds=self.seconds)

    @property
    def slowest_node(self) -> Mapping[str, Any] | None:
        """The node of its plan that took longest, as its report has it."""
        nodes = (self.run["report"] or {}).get("nodes") or []
        return max(nodes, key=lambda node: node["seconds"], default=None)


@dataclass(frozen=True)
class Timeline:
    """The runs of an invocation in the order in which they started, and the chain that takes longest at least."""

    invocation: str
    bars: tuple[Bar, ...]
    path: CriticalPath

    @property
    def slowest(self) -> Bar:
        """The run that took longest."""
        return max(self.bars, key=lambda bar: bar.seconds)

    @property
    def seconds(self) -> float:
        """From the start of the first to the end of the last."""
        first, last = min(bar.start for bar in self.bars), max(bar.end for bar in self.bars)
        return (last - first).total_seconds()


def timeline_of(
    found: Sequence[Mapping[str, Any]], earlier: Mapping[str, Sequence[Mapping[str, Any]]], needs: Needs
) -> Timeline:
    """Put the runs of an invocation on a time axis.

    Args:
        found: Its runs, as the ledger has them.
        earlier: By run id, the runs of the same pipeline before it.
        needs: Every pipeline with those whose tables it reads; the ones that did not run count for nothing.
    """
    bars = [_bar(run, usual_duration(earlier.get(run["run_id"], ()))) for run in found]
    seconds: dict[str, float] = {}
    for bar in bars:  # a pipeline that finished an earlier sequence first has two runs
        seconds[bar.run["pipeline"]] = seconds.get(bar.run["pipeline"], 0.0) + bar.seconds
    known = {name: [one for one in needs.get(name, ()) if one in seconds] for name in seconds}
    placed = sorted(_in_order(bars, known), key=lambda bar: (bar.start, bar.run["pipeline"]))
    return Timeline(found[0]["invocation_id"], tuple(placed), critical_path(known, seconds))


def _in_order(bars: Sequence[Bar], needs: Needs) -> list[Bar]:
    """Let no run end after one has begun that waited for it: when a run ended is recorded a moment later."""
    placed: dict[str, list[Bar]] = {}
    needed_by = turned(needs)
    for name in reversed(ordered(needs)):
        latest = min((bar.start for one in needed_by[name] for bar in placed[one]), default=None)
        own = [bar for bar in bars if bar.run["pipeline"] == name]
        late = [latest is not None and bar.end > latest and bar.run["finished_at"] is not None for bar in own]
        placed[name] = [
            replace(bar, start=latest - timedelta(seconds=bar.seconds)) if is_late and latest is not None else bar
            for bar, is_late in zip(own, late, strict=True)
        ]
    return [bar for found in placed.values() for bar in found]


def _bar(run: Mapping[str, Any], usual: float | None) -> Bar:
    """Where a run stands in time.

    A plan that is taken up again is older than the attempt at it: then what the run took counts back from its end.
    """
    started, ended, seconds = run["started_at"], run["finished_at"], run["duration_s"]
    if ended is None:
        return Bar(run, started, (datetime.now(UTC) - started).total_seconds(), usual)
    passed = max((ended - started).total_seconds(), 0.0)
    took = passed if seconds is None else seconds
    is_older = passed - took > LATE_S
    return Bar(run, ended - timedelta(seconds=took) if is_older else started, took, usual)


def timeline_document(timeline: Timeline) -> dict[str, Any]:
    """An invocation as plain data."""
    return {
        "invocation_id": timeline.invocation,
        "seconds": round(timeline.seconds, 3),
        "critical_path": list(timeline.path.path),
        "critical_seconds": round(timeline.path.length, 3),
        "runs": [
            {
                **{name: bar.run[name] for name in ("run_id", "pipeline", "state")},
                "started_at": bar.start,
                "seconds": round(bar.seconds, 3),
                "usual_seconds": bar.usual,
                "slack_s": round(timeline.path.slack[bar.run["pipeline"]], 3),
                "slowest_node": bar.slowest_node,
            }
            for bar in timeline.bars
        ],
    }


def timeline_lines(timeline: Timeline) -> Iterator[str]:
    """Lay an invocation out: a bar per run, `>` before those of the critical path."""
    first, total = timeline.bars[0].start, timeline.seconds or 1.0
    width = max(len(bar.run["pipeline"]) for bar in timeline.bars)
    yield f"invocation {timeline.invocation}: {plural(len(timeline.bars), 'run')} in {timeline.seconds:.2f} s"
    yield f"    started {first:%Y-%m-%d %H:%M:%S} UTC"
    for bar in timeline.bars:
        mark = ">" if bar.run["pipeline"] in timeline.path.path else " "
        start, end = (round(BAR * (at - first).total_seconds() / total) for at in (bar.start, bar.end))
        line = (" " * min(start, BAR - 1) + "#" * max(end - start, 1)).ljust(BAR)[:BAR]
        words = Usual(bar.seconds, bar.usual).words("{:.2f} s".format)
        state = TOLD.get(bar.run["state"], f", {bar.run['state']}")
        yield f"  {mark} {bar.run['pipeline']:<{width}}  |{line}| {words}{state}"
    path = timeline.path
    yield f"critical path: {' -> '.join(path.path)}, {path.length:.2f} s"
    slowest = timeline.slowest
    node = slowest.slowest_node
    words = f", there {node['name']}, {node['share']:.0%} of what its plan took" if node else ""
    yield f"slowest: {slowest.run['pipeline']} (run {slowest.run['run_id']}){words}"
