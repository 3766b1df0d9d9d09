"""The document of a table's schema: what its rows are, in plain values, with a fingerprint that is the same everywhere.

Two documents with one fingerprint say the same of a table. What only tells where a document comes from (`origin`) is no
part of it, nor are messages and what a rule is called.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import polars as pl

from framework.errors import ConfigurationError
from framework.registry import types, values

SCHEMA_VERSION = 1
FINGERPRINT_DIGITS = 16
Severity = Literal["error", "warning", "waiting", "batch"]


@dataclass(frozen=True)
class Column:
    """One column: its type as declared, whether it may be null, and what stands for a missing value.

    `aliases`: names that it had before.
    """

    name: str
    dtype: pl.DataType
    nullable: bool = True
    default: Any = None
    sensitive: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def is_optional(self) -> bool:
        """Whether rows that lack it can be read."""
        return self.nullable or self.default is not None


@dataclass(frozen=True)
class Constraint:
    """One rule on the rows.

    `kind` and `values` say what a built-in check asks for, so that two of them can be compared. Other rules are known
    by `expression` alone, a hash of what they compute, which holds for one version of Polars. `passes_missing`: whether
    a row passes whose column is missing (it has the default, or null). `severity`: only an `error` refuses rows.
    """

    name: str
    column: str | None
    message: str = ""
    kind: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    expression: str = ""
    severity: Severity = "error"
    passes_missing: bool = True


@dataclass(frozen=True)
class Document:
    """The schema of a table. `is_observed`: read off a table that nobody has registered; only names and types count."""

    table: str
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...] = ()
    key: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    origin: dict[str, str] = field(default_factory=dict, compare=False)
    is_observed: bool = False

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    @property
    def schema(self) -> pl.Schema:
        """The columns with their declared types."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    @cached_property
    def fingerprint(self) -> str:
        """The identity of what the document says, the same on every machine."""
        said = self._body()
        said["columns"] = sorted(said["columns"], key=lambda column: column["name"])  # their order means nothing
        said["constraints"] = sorted(
            ({k: v for k, v in one.items() if k not in {"name", "message"}} for one in said["constraints"]),
            key=json.dumps,
        )
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_DIGITS]

    def _body(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "columns": [_column_out(column) for column in self.columns],
            "constraints": [_constraint_out(one) for one in self.constraints],
            "key": list(self.key),
            "partition_by": list(self.partition_by),
        }

    def to_json(self) -> bytes:
        """Render as a stable, readable JSON document."""
        head = {"schema_version": SCHEMA_VERSION, "fingerprint": self.fingerprint, "origin": self.origin}
        return json.dumps({**head, **self._body()}, indent=1, ensure_ascii=False).encode()

    @staticmethod
    def from_json(content: bytes, where: str) -> Document:
        """Read what `to_json` wrote.

        Raises:
            ConfigurationError: when a newer version of Sluice wrote it, or it is damaged. Nothing is changed.
        """
        try:
            document = json.loads(content)
            version = document["schema_version"]
            if isinstance(version, int) and version > SCHEMA_VERSION:
                raise ConfigurationError(
                    f"{where} was written by a newer Sluice: its schema_version is {version}, this one knows up to"
                    f" {SCHEMA_VERSION}; nothing was changed; use the newer Sluice for this lake"
                )
            found = Document(
                table=document["table"],
                columns=tuple(_column_in(one) for one in document["columns"]),
                constraints=tuple(_constraint_in(one) for one in document["constraints"]),
                key=tuple(document["key"]),
                partition_by=tuple(document["partition_by"]),
                origin=dict(document["origin"]),
            )
            recorded = document["fingerprint"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"{where} is no document of a schema ({type(error).__name__}: {error}); nothing was changed; restore it"
                " from a copy of the lake"
            ) from error
        if recorded != found.fingerprint:
            raise ConfigurationError(
                f"{where} was changed by hand: its fingerprint is {found.fingerprint}, and it says {recorded}; nothing"
                " was changed; restore it from a copy of the lake"
            )
        return found


def _column_out(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": types.encode(column.dtype),
        "nullable": column.nullable,
        "default": values.encode(column.default),
        "sensitive": column.sensitive,
        "aliases": list(column.aliases),
    }


def _column_in(document: dict[str, Any]) -> Column:
    return Column(
        name=document["name"],
        dtype=types.decode(document["type"]),
        nullable=document["nullable"],
        default=values.decode(document["default"]),
        sensitive=document["sensitive"],
        aliases=tuple(document["aliases"]),
    )


def _constraint_out(one: Constraint) -> dict[str, Any]:
    return {
        "name": one.name,
        "column": one.column,
        "message": one.message,
        "kind": one.kind,
        "values": {name: values.encode(value) for name, value in one.values.items()},
        "expression": "" if one.kind else one.expression,
        "severity": one.severity,
        "passes_missing": one.passes_missing,
    }


def _constraint_in(document: dict[str, Any]) -> Constraint:
    return Constraint(**{**document, "values": {name: values.decode(v) for name, v in document["values"].items()}})
