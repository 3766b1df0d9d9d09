"""Schemas that stand in files: `load_schema("schemas/sale.yaml")`."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.core.project_files import read_file
from framework.core.typed import SCHEMA_FILES, mark_file
from framework.core.yaml_document import Place
from framework.errors import DefinitionError, Problem

if TYPE_CHECKING:
    from pandera.polars import DataFrameModel, DataFrameSchema

MOST_FILES = 512


def load_schema(path: str | Path) -> type[DataFrameModel]:
    """Load a schema from a file: YAML of this house (`.yaml`, `.yml`), or a JSON Schema (`.json`).

    What comes back is a model like those that are written in Python: for `schema=` of a source, `@step(returns=...)`
    and `LazyFrame[...]`, and other models can inherit from it. The same file gives the same model until it changes.

    Args:
        path: Its path from the project's folder, such as `schemas/sale.yaml`.

    Raises:
        DefinitionError: naming everything that is wrong with it, each with line and column.
    """
    found, content = read_file(path, SCHEMA_FILES, "a schema")
    return _model(Path(path).as_posix(), str(found), content)


def resolve_schema(schema: Any) -> Any:
    """Give a schema that may be named by the path of its file; others come back as they are."""
    return load_schema(schema) if isinstance(schema, str | Path) else schema


@lru_cache(maxsize=MOST_FILES)
def _model(file: str, _: str, content: bytes) -> type[DataFrameModel]:
    """The model of a file: one for all who ask, as schemas of steps and sources are compared."""
    from framework.boundary.yaml_schema.model import as_model  # a project without such files pays nothing for them
    from framework.boundary.yaml_schema.reading import read_yaml_schema

    schema = _json_schema(file, content) if file.endswith(".json") else read_yaml_schema(content, file)
    return mark_file(as_model(schema, module=file), file)


def _json_schema(file: str, content: bytes) -> DataFrameSchema:
    from framework.boundary.json_schema import read_json_schema

    name = Path(file).stem
    document = _json(file, content)
    try:
        return read_json_schema(document, name=name)
    except DefinitionError as error:
        problems = [Problem(f"{file}: {p.where.removeprefix(name)}", p.what, p.fix) for p in error.problems]
        raise DefinitionError(problems) from error


def _json(file: str, content: bytes) -> dict[str, Any]:
    from decimal import Decimal

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        twice = next((key for n, key in enumerate(keys) if key in keys[:n]), None)
        if twice is not None:
            raise DefinitionError([Problem(file, f"key '{twice}' is given twice")])
        return dict(pairs)

    try:
        document = json.loads(content, object_pairs_hook=once, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise DefinitionError(
            [Problem(str(Place(file, error.lineno, error.colno)), f"is no JSON: {error.msg}")]
        ) from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise DefinitionError([Problem(file, f"is no JSON: {error}")]) from error
    if not isinstance(document, dict):
        raise DefinitionError([Problem(file, "is no JSON Schema of a record: it must be an object")])
    return document
