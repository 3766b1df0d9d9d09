"""The hooks of a project, for pipelines that were not loaded with it, and all hooks of a pipeline as lines to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.core.hooks import POINTS
from framework.definition.load import import_from
from framework.definition.project_hooks import project_hooks
from framework.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.core.hooks import Hook
    from framework.definition import Pipeline
    from framework.settings import Settings


def with_project_hooks(pipeline: Pipeline, settings: Settings) -> Pipeline:
    """The same pipeline with the hooks that the settings name, as if it had been loaded with its project.

    Raises:
        DefinitionError: when a hook cannot be found or used; names every one of them.
    """
    if not settings.hooks:
        return pipeline
    import_from(settings)
    hooks, problems = project_hooks(settings.hooks)
    if problems:
        raise DefinitionError(problems)
    return pipeline.with_project_hooks(hooks)


def hook_lines(pipeline: Pipeline, settings: Settings) -> list[str]:
    """Say which hooks a pipeline has, point by point in the order in which they are called.

    Raises:
        DefinitionError: when a hook of the project cannot be found or used.
    """
    known = with_project_hooks(pipeline, settings)
    return [line for point in POINTS for line in _lines_of(known, point)]


def _lines_of(pipeline: Pipeline, point: str) -> Iterator[str]:
    everywhere = pipeline.hooks_at(point)
    if everywhere:
        yield f"{point}: {', '.join(map(_shown, everywhere))}"
    for source in pipeline.sources:
        found = pipeline.hooks_at(point, source)
        if len(found) > len(everywhere):
            yield f"{point} of {source}: {', '.join(map(_shown, found))}"


def _shown(hook: Hook) -> str:
    words = [word for word, holds in (("changes rows", hook.changes), ("only warns", hook.on_error == "warn")) if holds]
    return hook.name + (f" ({', '.join([hook.level, *words])})")
