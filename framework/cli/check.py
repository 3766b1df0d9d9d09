"""`sluice check`: definitions, schemas and plans, without any data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from framework.cli.options import Exit, settings
from framework.cli.output import hint, plural, show
from framework.cli.request import EXCLUDE, selected
from framework.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator


def check(*selection: str, exclude: EXCLUDE = ()) -> int:
    """Check the definitions without reading any data: names, the graph, schemas, and the plans they make.

    Args:
        selection: Names, domains, patterns, `tag:...`, with `+` for what stands before or behind. Default: all.
        exclude: What of that is left out; the same words. Can be repeated.
    """
    from framework.definition.load import load_pipelines
    from framework.definition.selection import select
    from framework.run.compiled import verify
    from framework.run.fingerprints import find_unknowable
    from framework.run.second_looks import across_looks, second_looks

    chosen = select(load_pipelines(settings()), selected(selection, exclude))
    problems = [problem for pipeline in chosen for problem in verify(pipeline)]
    problems = problems or [problem for pipeline in chosen for problem in find_unknowable(pipeline)]
    if problems:
        raise DefinitionError(sorted(set(problems)))
    looks = {pipeline.name: second_looks(pipeline) for pipeline in chosen}
    facts = [
        {
            "pipeline": p.name,
            "sources": len(p.sources),
            "steps": len(p.steps),
            "tables": [o.table for o in p.outputs],
            "second_looks": [asdict(look) for look in looks[p.name]],
            "rules": [asdict(look) for look in across_looks(p)],
        }
        for p in chosen
    ]

    def text() -> Iterator[str]:
        for pipeline in chosen:
            counts = f"{plural(len(pipeline.sources), 'source')}, {plural(len(pipeline.steps), 'step')}"
            yield f"{pipeline.name}: {counts} -> {', '.join(output.table for output in pipeline.outputs)}"
            yield from (f"    {look}" for look in (*looks[pipeline.name], *across_looks(pipeline)))
        yield f"{plural(len(chosen), 'pipeline')} checked, no problem found"

    show({"problems": [], "pipelines": facts}, text)
    if chosen:
        hint("next: sluice plan")
    return Exit.OK
