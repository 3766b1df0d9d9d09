"""A JSON Schema of one record as a Pandera schema of many: every part is held, or refused by name and place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pandera.polars import DataFrameSchema

from framework.boundary.json_schema.columns import columns_of
from framework.boundary.json_schema.parsing import Document, parse
from framework.boundary.json_schema.types import refuse_unknown_names
from framework.errors import DefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.boundary.json_schema.node import Node, Refuse

OF_VALUES = ("enum", "const", "not", "default")


def read_json_schema(document: Mapping[str, Any], *, name: str) -> DataFrameSchema:
    """Read a JSON Schema (draft 2020-12) that describes one record as a schema, for a source's `schema=`.

    Columns are its properties, one row is one record; docs/reference/json-schema.md says what becomes of each keyword.

    Args:
        document: The schema, parsed; numbers may be floats or decimals.
        name: What the schema is called, in messages and plans.

    Raises:
        DefinitionError: naming everything that cannot be held of a row, each at its JSON pointer.

    >>> price = {"type": "number", "multipleOf": 0.01, "minimum": 0}
    >>> sale = {"type": "object", "properties": {"price": price, "note": {"type": "string"}}, "required": ["price"]}
    >>> schema = read_json_schema(sale, name="Sale")
    >>> {name: (str(column.dtype), column.nullable) for name, column in schema.columns.items()}
    {'price': ('Decimal(precision=18, scale=2)', False), 'note': ('String', True)}
    """
    problems: dict[Problem, None] = {}

    def refuse(pointer: str, what: str, fix: str = "") -> None:
        problems[Problem(f"{name}{pointer}", what, fix)] = None

    record = parse(Document(document, refuse), document)
    _refuse_no_record(record, refuse)
    columns = columns_of(record, refuse)
    if problems:
        raise DefinitionError(list(problems))
    notes = {key: note for key, note in record.notes.items() if key not in {"title", "description"}}
    return DataFrameSchema(
        columns,
        name=name,
        strict=record.is_closed,
        title=_text(record.notes.get("title")),
        description=_text(record.notes.get("description")),
        metadata=notes or None,
    )


def _text(note: Any) -> str | None:
    return None if note is None else str(note)


def _refuse_no_record(record: Node, refuse: Refuse) -> None:
    """Find what a record as a whole cannot be."""
    if record.types is not None and record.types != {"object"}:
        refuse(
            record.place("type"), f"it describes {' or '.join(sorted(record.types))}, and not a record", "write object"
        )
    elif not record.properties and not record.is_lost:
        refuse(record.pointer, "the record has no properties", "describe each column in `properties`")
    for keyword in OF_VALUES:
        if keyword in record.places:
            refuse(record.place(keyword), f"`{keyword}` cannot be said of a whole record", "say it of its properties")
    refuse_unknown_names(record, refuse)
