"""What a pipeline's definition was when it was published: kept in the lake, to hold a later one against it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.run.fingerprints.nodes import Nodes, parameter_values, read_nodes
from framework.run.fingerprints.pipelines import output_fingerprint, pipeline_fingerprint
from framework.run.fingerprints.texts import plan_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.definition import Pipeline

FORMAT = 1


@dataclass(frozen=True)
class Identity:
    """A pipeline's fingerprint, and those that it is made of.

    `nodes`: of its sources and steps; `outputs`: of its tables; `parameters`: the values that it holds for, in JSON's
    types.
    """

    fingerprint: str
    nodes: dict[str, str]
    outputs: dict[str, str]
    parameters: dict[str, Any]
    read: Nodes = field(repr=False, compare=False)


def identify(pipeline: Pipeline, parameters: Mapping[str, Any] | None = None) -> Identity:
    """Give a pipeline's fingerprints; see `node_fingerprints`."""
    from pydantic_core import to_jsonable_python

    values = parameter_values(pipeline, parameters or {})
    read = read_nodes(pipeline, values)
    nodes = {name: read.fingerprint(name) for name in read.every}
    outputs = {one.table: output_fingerprint(one, nodes) for one in pipeline.outputs}
    shown = to_jsonable_python(values, serialize_unknown=True)
    return Identity(pipeline_fingerprint(pipeline, nodes), nodes, outputs, shown, read)


@dataclass(frozen=True)
class NodeRecord:
    """A source or step as it was published: its fingerprint, that of it alone, and what it was, line by line.

    `functions`: the project's Python functions in it, each with its hash.
    """

    fingerprint: str
    own: str
    columns: dict[str, str]
    rules: list[str]
    functions: dict[str, str]
    plan: list[str]

    @property
    def text(self) -> list[str]:
        """What it is, line by line."""
        return [
            *(f"column {name}: {dtype}" for name, dtype in self.columns.items()),
            *(f"rule {rule}" for rule in self.rules),
            *(f"function {name}, code {hashed}" for name, hashed in self.functions.items()),
            *self.plan,
        ]


@dataclass(frozen=True)
class Definition:
    """A pipeline's definition as it was published. `made_with`: versions of what its fingerprints hold for."""

    pipeline: str
    fingerprint: str
    made_with: dict[str, str]
    nodes: dict[str, NodeRecord]
    outputs: dict[str, str]
    parameters: dict[str, Any]

    def to_json(self) -> bytes:
        """Render as a stable, readable JSON document."""
        return json.dumps({"schema_version": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False).encode()

    @staticmethod
    def from_json(content: bytes) -> Definition:
        """Read what `to_json` wrote."""
        document = json.loads(content)
        document.pop("schema_version")
        document["nodes"] = {name: NodeRecord(**node) for name, node in document["nodes"].items()}
        return Definition(**document)


def made_with() -> dict[str, str]:
    """The versions that fingerprints hold for: of Polars, Python, Sluice, and of the fingerprints themselves."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"polars": pl.__version__, "python": python, "sluice": _own_version(), "fingerprints": str(FORMAT)}


def _own_version() -> str:
    try:
        return metadata.version("sluice")
    except metadata.PackageNotFoundError:  # run from a source tree that is not installed
        return "not installed"


def define(pipeline: Pipeline, identity: Identity) -> Definition:
    """Write a pipeline's definition down, as it is now."""
    nodes = {name: _record(name, identity) for name in identity.nodes}
    return Definition(
        pipeline=pipeline.name,
        fingerprint=identity.fingerprint,
        made_with=made_with(),
        nodes=nodes,
        outputs=identity.outputs,
        parameters=identity.parameters,
    )


def _record(name: str, identity: Identity) -> NodeRecord:
    node = identity.read.every[name]
    return NodeRecord(
        fingerprint=identity.nodes[name],
        own=identity.read.own(name),
        columns={column: _word(dtype) for column, dtype in node.dtypes.items()},
        rules=list(node.told),
        functions=dict(sorted(node.functions.items())),
        plan=plan_lines(node.frame) if node.frame is not None else [],
    )


def _word(dtype: Any) -> str:
    """A type in words: `List(Enum(a, b))`."""
    if isinstance(dtype, list):
        return f"{dtype[0]}({', '.join(_word(part) for part in dtype[1:])})" if dtype else ""
    return str(dtype)
