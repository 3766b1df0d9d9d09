"""Stages: the largest groups of steps that can be one plan, cut where a step is a checkpoint. Pure: nothing is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.run.rule_nodes import wanted_nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.definition import Output, Pipeline

LAST = "(tables)"
"""The stage that ends in the tables; no step has such a name."""


@dataclass(frozen=True)
class Stage:
    """Steps that run as one plan.

    Named like the checkpoint that it ends in. `steps`: in an order to run them in. `sources`: the file sources that it
    reads; each is read in one stage only. `writes`: the nodes whose rows it writes down, as other stages take them.
    `takes`: the nodes that others have written down for it. `needs`: these stages.
    """

    name: str
    steps: tuple[str, ...]
    sources: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether it ends in the tables."""
        return self.name == LAST


def stages_of(pipeline: Pipeline, outputs: Sequence[Output] | None = None) -> tuple[Stage, ...]:
    """Cut a pipeline into stages, each after those that it needs; the last one ends in the tables.

    Whatever several stages take belongs to the first of them, which writes it down. Without a checkpoint all of it is
    one stage. `outputs`: those to make (default: all).
    """
    wanted = wanted_nodes(pipeline, outputs if outputs is not None else pipeline.outputs)
    needed = set().union(*(pipeline.upstream(node) for node in wanted))
    cuts = [step.name for step in pipeline.steps if step.checkpoint and step.name in needed]
    home: dict[str, str] = {}
    for name in [*cuts, LAST]:
        for node in _own(pipeline, wanted if name == LAST else {name}, home, {*cuts} - {name}):
            home[node] = name
    return tuple(_stage(pipeline, name, home, wanted) for name in [*cuts, LAST])


def _own(pipeline: Pipeline, ends: set[str], home: dict[str, str], cuts: set[str]) -> set[str]:
    """The nodes that some nodes are made of and that no stage has yet; a source and its alternate stay together."""
    inputs = {step.name: tuple(step.inputs) for step in pipeline.steps}
    pairs = {**pipeline.primaries, **{primary: other for other, primary in pipeline.primaries.items()}}
    own: set[str] = set()
    todo = list(ends)
    while todo:
        node = todo.pop()
        if node not in home and node not in own and node not in cuts and node not in pipeline.table_sources:
            own.add(node)
            todo.extend([*inputs.get(node, ()), *([pairs[node]] if node in pairs else [])])
    return own


def _stage(pipeline: Pipeline, name: str, home: dict[str, str], wanted: set[str]) -> Stage:
    own = {node for node, stage in home.items() if stage == name}
    steps = [step for step in pipeline.steps if step.name in own]
    read = {taken for step in steps for taken in step.inputs} | (wanted if name == LAST else set())
    takes = {node for node in read - own if node in home}
    others = [step for step in pipeline.steps if home.get(step.name, name) != name]
    asked = {taken for step in others for taken in step.inputs} | (wanted if name != LAST else set())
    order = [*pipeline.sources, *(step.name for step in pipeline.steps)]
    return Stage(
        name,
        tuple(step.name for step in steps),
        tuple(node for node in pipeline.file_sources if node in own),
        tuple(node for node in order if node in own and (node in asked or node == name)),
        tuple(node for node in order if node in takes),
        tuple(dict.fromkeys(home[node] for node in order if node in takes)),
    )
