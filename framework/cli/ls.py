"""`sluice ls`: the pipelines of a selection, in the order in which they run, and what decides how long that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.cli.ledger import with_ledger
from framework.cli.options import Exit, settings
from framework.cli.output import columns, plural, show
from framework.cli.request import EXCLUDE, selected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framework.core.dag import CriticalPath
    from framework.definition import Pipeline
    from framework.ledger.opening import Ledger

NAMES = ("level", "pipeline", "reads", "writes", "seconds", "slack", "tags", "owner")


def ls(*selection: str, exclude: EXCLUDE = ()) -> int:
    """List pipelines in the order in which they run. Reads no data.

    `level`: how many pipelines at least run before it. `seconds`: the median of its latest runs. `slack`: how much
    longer it could take without all of them taking longer, if those that do not wait for each other ran side by side.

    Args:
        selection: Names, domains, patterns, `tag:...`, with `+` for what stands before or behind. Default: all.
        exclude: What of that is left out; the same words. Can be repeated.
    """
    from framework.core.dag import critical_path, levels
    from framework.definition.load import load_pipelines
    from framework.definition.selection import needed_by_tables, select

    chosen = select(load_pipelines(settings()), selected(selection, exclude))
    needs = needed_by_tables(chosen)
    level, seconds = levels(needs), with_ledger(lambda ledger: _seconds(ledger, chosen)) or {}
    path = critical_path(needs, seconds)
    facts = [_facts(p, level[p.name], needs[p.name], seconds.get(p.name), path.slack[p.name]) for p in chosen]
    document = {"pipelines": facts, "critical_path": list(path.path) if seconds else [], "seconds": path.length}
    show(document, lambda: _lines(facts, path, has_history=bool(seconds)))
    return Exit.OK


def _seconds(ledger: Ledger, chosen: Sequence[Pipeline]) -> dict[str, float]:
    from framework.ledger.history import usual_seconds

    return usual_seconds(ledger, [pipeline.name for pipeline in chosen])


def _facts(pipeline: Pipeline, level: int, needs: Sequence[str], seconds: float | None, slack: float) -> dict[str, Any]:
    return {
        "pipeline": pipeline.name,
        "level": level,
        "after": list(needs),
        "reads": [source.table for source in pipeline.table_sources.values()],
        "files": [pattern for source in pipeline.file_sources.values() for pattern in source.patterns],
        "writes": [output.table for output in pipeline.outputs],
        "tags": list(pipeline.tags),
        "owner": pipeline.owner,
        "seconds": seconds,
        "slack": None if seconds is None else slack,
    }


def _lines(facts: Sequence[dict[str, Any]], path: CriticalPath, *, has_history: bool) -> Iterator[str]:
    rows = [
        {
            **{name: one[name] for name in ("level", "pipeline", "owner")},
            **{name: ", ".join(one[name]) for name in ("writes", "tags")},
            "reads": ", ".join([*one["files"], *one["reads"]]),
            **{name: "" if one[name] is None else f"{one[name]:.1f}" for name in ("seconds", "slack")},
        }
        for one in facts
    ]
    shown = [name for name in NAMES if any(row[name] not in {"", None} for row in rows)]
    yield from columns(rows, shown, empty="no pipelines")
    yield plural(len(facts), "pipeline")
    if has_history and path.length:
        yield f"takes {path.length:.1f} s at least, by {' -> '.join(path.path)}"
