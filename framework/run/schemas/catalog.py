"""The schemas that pipelines use, and the one that is meant by a name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from framework.boundary import resolve_schema
from framework.boundary.described import describe_schema
from framework.core.typed import SCHEMA_FILES, schema_home, schema_name
from framework.definition.load import import_from, load_pipelines
from framework.errors import DefinitionError, Problem, SelectionError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.definition import Pipeline
    from framework.settings import Settings


@dataclass(frozen=True)
class UsedSchema:
    """A schema, and the nodes of pipelines whose rows it describes (`retail.sales:sales`)."""

    schema: Any
    used_by: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it is called."""
        return schema_name(self.schema)

    @property
    def where(self) -> str:
        """Where it is defined: a file, or a module and a name in it."""
        return schema_home(self.schema)


def used_schemas(pipelines: Mapping[str, Pipeline]) -> list[UsedSchema]:
    """Find the schemas of all sources and steps, ordered by name.

    Raises:
        DefinitionError: naming everything of the files of schemas that cannot be loaded.
    """
    found: dict[int, tuple[Any, list[str]]] = {}
    problems: set[Problem] = set()
    for pipeline in pipelines.values():
        for node in [*pipeline.sources, *(step.name for step in pipeline.steps)]:
            try:
                schema = resolve_schema(pipeline.schema_of(node))
            except DefinitionError as error:
                problems.update(error.problems)
                continue
            if schema is not None:
                found.setdefault(id(schema), (schema, []))[1].append(f"{pipeline.name}:{node}")
    if problems:
        raise DefinitionError(sorted(problems))
    used = [UsedSchema(schema, tuple(nodes)) for schema, nodes in found.values()]
    return sorted(used, key=lambda one: (one.name, one.where))


def summaries(used: list[UsedSchema]) -> list[dict[str, Any]]:
    """Say of each schema what it is called, how large it is, where it is defined and where it is used.

    Raises:
        DefinitionError: naming everything of the schemas that cannot be compiled.
    """
    found = []
    problems: list[Problem] = []
    for one in used:
        try:
            described = describe_schema(one.schema)
        except DefinitionError as error:
            problems.extend(error.problems)
            continue
        sizes = {part: len(described[part]) for part in ("columns", "rules")}
        found.append({"schema": one.name, **sizes, "where": one.where, "used_by": list(one.used_by)})
    if problems:
        raise DefinitionError(sorted(set(problems)))
    return found


def find_schema(name: str, settings: Settings) -> Any:
    """Find the schema that is meant by the path of a file, a model's name, or a node of a pipeline.

    Raises:
        SelectionError: when nothing is called that, or several are; suggests what to write.
        DefinitionError: naming everything of the file, or of the project, that cannot be loaded.
    """
    import_from(settings)
    if PurePath(name).suffix in SCHEMA_FILES:
        return resolve_schema(name)
    pipelines = load_pipelines(settings)
    used = used_schemas(pipelines)
    by_node = {node: one.schema for one in used for node in one.used_by}
    node = _node(name, pipelines)
    if node in by_node:
        return by_node[node]
    named = [one for one in used if name in {one.name, one.where}]
    if len(named) == 1:
        return named[0].schema
    if named:
        places = " or ".join(one.where for one in named)
        raise SelectionError(f"{len(named)} schemas are called '{name}'; say which: {places}")
    known = {*by_node, *(one.name for one in used), *(one.where for one in used)}
    raise SelectionError(f"no schema is called '{name}'; {did_you_mean(name, known) or 'there are none'}")


def _node(name: str, pipelines: Mapping[str, Pipeline]) -> str:
    """A node as `pipeline:node`, which may be written with a point; a pipeline alone stands for its only output."""
    if name in pipelines:
        outputs = {output.of for output in pipelines[name].outputs}
        return f"{name}:{outputs.pop()}" if len(outputs) == 1 else name
    pipeline, _, node = name.rpartition(".")
    return f"{pipeline}:{node}" if pipeline in pipelines else name
