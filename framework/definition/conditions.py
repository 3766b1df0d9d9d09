"""Conditions: whether a step is run, by run parameters and by the rows of tables that the pipeline reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.core.source import FileSource, TableSource
from framework.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from framework.core.rule import AcrossRule
    from framework.core.source import Source
    from framework.definition.output import Output
    from framework.definition.step import Step


def conditions_of(node: str, steps: Sequence[Step]) -> list[Step]:
    """The steps with a condition that a node is made of, itself included."""
    by_name = {step.name: step for step in steps}
    found, todo, seen = [], [node], set()
    while todo:
        name = todo.pop()
        step = by_name.get(name)
        if step is None or name in seen:
            continue
        seen.add(name)
        todo.extend(step.inputs)
        if step.when is not None:
            found.append(step)
    return found


def condition_problems(
    sources: Mapping[str, Source],
    steps: Sequence[Step],
    outputs: Sequence[Output],
    rules: Sequence[AcrossRule],
    upstream: Callable[[str, Sequence[Step]], set[str]],
) -> Iterator[Problem]:
    """Find conditions that cannot be asked, and tables that cannot do without a run of theirs."""
    for step in steps:
        condition = step.when
        for name in condition.inputs if condition is not None else ():
            if condition is not None and not isinstance(sources.get(name), TableSource):
                tables = [n for n, source in sources.items() if isinstance(source, TableSource)]
                what = f"its condition '{condition.name}' asks '{name}', which is no table that the pipeline reads"
                yield Problem(step.where, what, did_you_mean(name, tables) or "ask run parameters, or a delta_table()")
    for output in outputs:
        asked = conditions_of(output.of, steps)
        files = sorted(n for n in upstream(output.of, steps) if isinstance(sources.get(n), FileSource))
        fix = "publish what it is made of as a table, and compute this one whole from that"
        where, first = f"table '{output.table}'", asked[0].name if asked else ""
        if asked and files:
            yield Problem(where, f"step '{first}' may not be run, and then new rows of '{files[0]}' would be lost", fix)
        elif asked and (output.recompute_by or output.mode == "append"):
            what = f"step '{first}' may not be run, and then what changed meanwhile would be missing"
            yield Problem(where, what, "leave out recompute_by, and do not append: it is then computed whole")
    for rule in rules:
        for node in getattr(rule, "nodes", ()):
            if conditions_of(node, steps):
                yield Problem(
                    f"rule '{rule.name}'", f"'{node}' may not be run, and then nothing could be held", "leave it"
                )
