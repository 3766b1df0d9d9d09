"""Hooks as pipelines declare them: read, put in order, and built into the steps whose plans they change."""

from __future__ import annotations

import functools
import inspect
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from framework.core.hooking import moment_of, pass_inputs, pass_rows
from framework.core.hooks import read_hook
from framework.core.source import TableSource
from framework.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

    from framework.core.hooks import Hook, Level
    from framework.core.source import Source
    from framework.definition.step import Step


def read_hooks(
    pipeline: str, sources: Mapping[str, Source], given: Sequence[Any]
) -> tuple[tuple[Hook, ...], dict[str, tuple[Hook, ...]], list[Problem]]:
    """Read the hooks of a pipeline and of its sources, by the source's name; and what is wrong with them."""
    own, problems = _read(given, "pipeline", pipeline)
    of_sources: dict[str, tuple[Hook, ...]] = {}
    for name, source in sources.items():
        where = f"{pipeline}, source '{name}'"
        of_sources[name], wrong = _read(source.hooks, "source", where)
        problems += wrong
        unchecked = [h for h in of_sources[name] if isinstance(source, TableSource) and h.point.endswith("_check")]
        fix = "its rows were checked when it was written"
        problems += [Problem(where, f"hook '{h.name}': a table is not checked when it is read", fix) for h in unchecked]
    return own, of_sources, problems


def _read(given: Any, level: Level, where: str) -> tuple[tuple[Hook, ...], list[Problem]]:
    if isinstance(given, str) or callable(given):
        return (), [Problem(where, f"hooks={given!r} is no list", "write hooks=[...]")]
    read = [read_hook(one, level, where) for one in given]
    return tuple(hook for hook, _ in read if hook is not None), [p for _, wrong in read for p in wrong]


def in_order(hooks: Sequence[Hook], point: str) -> tuple[Hook, ...]:
    """The hooks of a point in the order in which they are called: as listed, those of `after` points in reverse."""
    chosen = tuple(hook for hook in hooks if hook.point == point)
    return chosen[::-1] if any(hook.is_after for hook in chosen) else chosen


def hooked(step: Step, hooks: Sequence[Hook], pipeline: str) -> Step:
    """A step whose function calls the hooks around it, those that change rows wherever its plan is built."""
    before, after = in_order(hooks, "before_step"), in_order(hooks, "after_step")
    return replace(step, function=_around(step, before, after, pipeline)) if before or after else step


def _around(step: Step, before: Sequence[Hook], after: Sequence[Hook], pipeline: str) -> Callable[..., Any]:
    function, signature = step.function, inspect.signature(step.function)

    @functools.wraps(function)
    def call(*frames: Any, **arguments: Any) -> Any:
        import polars as pl

        bound = signature.bind(*frames, **arguments)
        inputs: dict[str, pl.LazyFrame] = {name: bound.arguments[name] for name in step.inputs}
        moment = moment_of("before_step", pipeline, step.name, inputs=inputs)
        inputs = dict(pass_inputs(before, moment))
        bound.arguments.update(inputs)
        given = function(*bound.args, **bound.kwargs)
        if not isinstance(given, pl.LazyFrame):
            return given  # whoever asked says what is wrong with that
        return pass_rows(after, moment_of("after_step", pipeline, step.name, inputs=inputs), given)

    return call
