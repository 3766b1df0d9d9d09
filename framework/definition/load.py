"""Find the pipelines of a project, and what is wrong between them."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from framework.definition.pipeline import Pipeline
from framework.definition.project_hooks import project_hooks
from framework.definition.selection import needed_by_tables
from framework.errors import ConfigurationError, DefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from framework.settings import Settings


def load_pipelines(settings: Settings) -> dict[str, Pipeline]:
    """Import the project's packages and collect the pipelines that their modules define.

    Raises:
        ConfigurationError: when a package named in the settings does not exist.
        DefinitionError: naming every problem of every module and between pipelines.
    """
    folder = import_from(settings)
    problems: list[Problem] = []
    found: dict[str, tuple[Pipeline, str]] = {}
    for package in settings.packages:
        for module in _modules(package, folder, problems):
            for pipeline in {id(v): v for v in vars(module).values() if isinstance(v, Pipeline)}.values():
                _add(found, pipeline, module.__name__, problems)
    hooks, wrong = project_hooks(settings.hooks)
    problems += wrong
    pipelines = {name: pipeline.with_project_hooks(hooks) for name, (pipeline, _) in sorted(found.items())}
    problems += _between(pipelines.values())
    if problems:
        raise DefinitionError(list(dict.fromkeys(problems)))  # several modules may have tripped over one schema
    return pipelines


def import_from(settings: Settings) -> str:
    """Put the project's folder first on the path of imports, along which its modules and files are found."""
    folder = str(settings.project.absolute())
    if sys.path[:1] != [folder]:  # elsewhere in the path, another project's package of that name would win
        sys.path.insert(0, folder)
    return folder


def _add(found: dict[str, tuple[Pipeline, str]], pipeline: Pipeline, module: str, problems: list[Problem]) -> None:
    known = found.setdefault(pipeline.name, (pipeline, module))
    if known[0] is not pipeline:
        what = f"is defined in {known[1]} and in {module}"
        problems.append(Problem(pipeline.name, what, "give each pipeline its own name"))


def _modules(package: str, folder: str, problems: list[Problem]) -> Iterable[ModuleType]:
    try:
        root = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            problems.append(Problem(package, f"cannot be imported: {error}"))
            return
        text = f"package '{package}' is not in {folder}; create it, name another in `packages`, or use --project"
        raise ConfigurationError(text) from error
    except DefinitionError as error:
        problems.extend(error.problems)
        return
    except Exception as error:  # noqa: BLE001 - see below
        problems.append(Problem(package, f"cannot be imported: {type(error).__name__}: {error}"))
        return
    yield root
    # `walk_packages` imports every package itself: what that raises is reported by the import below.
    for info in pkgutil.walk_packages(getattr(root, "__path__", []), prefix=f"{package}.", onerror=lambda _: None):
        if info.name.rpartition(".")[2].startswith("_"):
            continue
        try:
            yield importlib.import_module(info.name)
        except DefinitionError as error:
            problems.extend(error.problems)
        except Exception as error:  # noqa: BLE001 - a module may raise anything; all are reported together
            problems.append(Problem(info.name, f"cannot be imported: {type(error).__name__}: {error}"))


def _between(pipelines: Iterable[Pipeline]) -> Iterable[Problem]:
    every = list(pipelines)
    writers: dict[str, str] = {}
    files: dict[str, str] = {}
    for pipeline in every:
        for export in pipeline.exports:
            first = files.setdefault(export.path, pipeline.name)
            if first != pipeline.name:
                what = f"is written by {first} and by {pipeline.name}"
                yield Problem(f"file '{export.path}'", what, "a file has one writer")
        for output in pipeline.outputs:
            first = writers.setdefault(output.table, pipeline.name)
            if first != pipeline.name:
                what = f"is written by {first} and by {pipeline.name}"
                yield Problem(f"table '{output.table}'", what, "a table has one writer")
    try:
        TopologicalSorter(needed_by_tables(every)).prepare()
    except CycleError as error:
        yield Problem("pipelines", f"go in a circle: {' -> '.join(reversed(error.args[1]))}", "break the circle")
