"""What is different between two definitions of a pipeline, and what has to be computed again because of it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.definition import Pipeline
    from framework.run.fingerprints.definition import Definition, NodeRecord

Kind = Literal["code", "schema", "parameter", "output"]
AROUND = 2
"""Lines that are shown before and after what differs."""


@dataclass(frozen=True)
class Change:
    """One thing that is different: `of`, the source, step, parameter or table; in words; and how, as a diff."""

    kind: Kind
    of: str
    text: str
    diff: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass(frozen=True)
class Changes:
    """What is different since a definition was published.

    `rebuilt`: the tables that are computed again because of it; `behind`: those whose rows keep the old logic, as they
    come from files; `by_table`: per table, what of it concerns it. `unknown`: why the two cannot be compared.
    """

    every: list[Change] = field(default_factory=list)
    rebuilt: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    by_table: dict[str, list[Change]] = field(default_factory=dict)
    unknown: str = ""

    @property
    def reasons(self) -> list[str]:
        """Why tables are computed again."""
        found = (str(change) for table in self.rebuilt for change in self.by_table[table])
        return list(dict.fromkeys(found))


NO_CHANGES = Changes()


def compare(pipeline: Pipeline, before: Definition, now: Definition, with_old_values: Definition | None) -> Changes:
    """Say what of a pipeline is different, and which tables that concerns.

    Args:
        pipeline: The pipeline as it is now.
        before: Its definition as it was published.
        now: Its definition.
        with_old_values: Its definition with the run parameters that it was published with, where these differ.
    """
    unlike = [key for key in now.made_with if before.made_with.get(key) != now.made_with[key]]
    if unlike:
        told = ", ".join(f"{key} {before.made_with.get(key, '?')}, now {now.made_with[key]}" for key in unlike)
        return Changes(unknown=f"it was published with {told}: its plans cannot be compared")
    nodes = {}
    for name in sorted({*before.nodes, *now.nodes}):
        what = f"{'source' if name in pipeline.sources else 'step'} '{name}'"
        nodes[name] = list(_node_changes(name, what, before, now, with_old_values))
    parameters = list(_parameter_changes(pipeline, before, now, with_old_values))
    by_table: dict[str, list[Change]] = {}
    for output in pipeline.outputs:
        if before.outputs.get(output.table) in {None, now.outputs[output.table]}:
            continue
        needed = pipeline.upstream(output.of)
        asked = {p.name for step in pipeline.steps if step.name in needed for p in step.parameters}
        found = [change for name in now.nodes if name in needed for change in nodes[name]]
        found += [change for change in parameters if change.of in asked]
        by_table[output.table] = found or [Change("output", output.table, f"table '{output.table}' has other options")]
    from_files = {o.table for o in pipeline.outputs if pipeline.upstream(o.of) & pipeline.file_sources.keys()}
    every = [change for name in sorted(nodes) for change in nodes[name]]
    own = [change for found in by_table.values() for change in found if change.kind == "output"]
    return Changes(
        every=[*every, *parameters, *own],
        rebuilt=[table for table in by_table if table not in from_files],
        behind=[table for table in by_table if table in from_files],
        by_table=by_table,
    )


def _node_changes(
    name: str, what: str, before: Definition, now: Definition, alike: Definition | None
) -> Iterator[Change]:
    """What is different of a source or step itself, whatever is before it."""
    old, new = before.nodes.get(name), now.nodes.get(name)
    if old is None or new is None:
        yield Change("code", name, f"{what} is {'new' if old is None else 'gone'}")
        return
    same = alike.nodes.get(name, new) if alike is not None else new
    if old.fingerprint == new.fingerprint or old.own == same.own:
        return
    columns = _columns(old, same)
    diff = text_diff(old.text, same.text)
    if columns:
        yield Change("schema", name, f"{what}: {', '.join(columns)}", [] if _is_more(old, same) else diff)
    if not columns or _is_more(old, same):
        yield Change("code", name, f"{what} has changed", diff)


def _is_more(old: NodeRecord, new: NodeRecord) -> bool:
    """Whether more than the columns is different."""
    return (old.rules, old.functions, old.plan) != (new.rules, new.functions, new.plan)


def _columns(old: NodeRecord, new: NodeRecord) -> list[str]:
    gone = [f"{name} is gone" for name in old.columns if name not in new.columns]
    added = [f"{name} is new" for name in new.columns if name not in old.columns]
    both = [name for name in new.columns if name in old.columns and old.columns[name] != new.columns[name]]
    return [*gone, *added, *(f"{name}: {old.columns[name]} -> {new.columns[name]}" for name in both)]


def _parameter_changes(
    pipeline: Pipeline, before: Definition, now: Definition, alike: Definition | None
) -> Iterator[Change]:
    """The run parameters that have other values, where that makes a difference to a step."""
    for step in pipeline.steps if alike is not None else ():
        if alike is None or alike.nodes[step.name].own == now.nodes[step.name].own:
            continue
        for name in (p.name for p in step.parameters):
            old, new = before.parameters.get(name), now.parameters.get(name)
            if name in before.parameters and old != new:
                yield Change("parameter", name, f"{name}: {_shown(old)} -> {_shown(new)}")


def _shown(value: Any) -> str:
    return str(value)


def text_diff(old: list[str], new: list[str]) -> list[str]:
    """The lines that differ, with a few around them.

    >>> text_diff(["input sales", "FILTER a > 1"], ["input sales", "FILTER a > 2"])
    ['  input sales', '- FILTER a > 1', '+ FILTER a > 2']
    """
    lines = list(difflib.unified_diff(old, new, lineterm="", n=AROUND))[2:]
    return ["..." if line.startswith("@@") else f"{line[:1]} {line[1:]}" for line in lines][1:]
