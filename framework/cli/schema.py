"""`sluice schema`: the schemas of a project, where each is used, and what each demands of rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from framework.cli.options import Exit, settings
from framework.cli.output import columns, hint, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LISTED = ("schema", "columns", "rules", "where", "used_by")
COLUMNS = ("column", "type", "empty", "default", "read_as", "description")
RULES = ("rule", "column", "message", "severity", "judges", "owner")
ALWAYS = 3
"""Columns of a table that are shown even where all are empty."""


def schema_list() -> int:
    """List the schemas that the project's pipelines use, and where each is used."""
    from framework.definition.load import load_pipelines
    from framework.run.schemas.catalog import summaries, used_schemas

    found = summaries(used_schemas(load_pipelines(settings())))
    show({"schemas": found}, lambda: columns(found, LISTED, empty="no pipeline has a schema"))
    if found:
        hint(f"next: sluice schema show {found[0]['where']}")
    return Exit.OK


def schema_show(name: str, *, format: Literal["table", "yaml", "json-schema"] = "table") -> int:  # noqa: A002 - a flag
    """Show a schema: its columns, and the rules that rows are held against.

    Args:
        name: A model (`Sale`, or `schemas.retail:Sale` where several have the name), a file (`schemas/sale.yaml`), or
            a source or step that has it (`retail.sales:sales`).
        format: `yaml` and `json-schema` write a file from which it can be loaded again.
    """
    from framework.boundary.described import describe_schema
    from framework.boundary.json_schema import write_json_schema
    from framework.boundary.yaml_schema import write_yaml_schema
    from framework.run.schemas.catalog import find_schema

    schema = find_schema(name, settings())
    if format == "json-schema":
        print(json.dumps(write_json_schema(schema), ensure_ascii=False, indent=1))
    elif format == "yaml":
        text = write_yaml_schema(schema)
        show({"name": name, "yaml": text}, text.splitlines)
    else:
        described = describe_schema(schema)
        show(described, lambda: _table(described))
    return Exit.OK


def schema_format() -> int:
    """Print the JSON Schema of schemas in YAML, by which editors complete and check them."""
    from framework.boundary.yaml_schema import yaml_format

    print(json.dumps(yaml_format(), ensure_ascii=False, indent=1))
    return Exit.OK


def _table(described: Mapping[str, Any]) -> Iterator[str]:
    settings_of = f" ({', '.join(described['settings'])})" if described["settings"] else ""
    yield described["schema"] + settings_of
    yield from (described["description"] or "").splitlines()
    yield ""
    yield from _filled([_marked(column) for column in described["columns"]], COLUMNS)
    if described["rules"]:
        yield ""
        yield from _filled(described["rules"], RULES)


def _marked(column: Mapping[str, Any]) -> dict[str, Any]:
    """A column with what is short to say of it beside its type."""
    words = [column["type"], *(["sensitive"] if column["sensitive"] else [])]
    return {
        **column,
        "type": ", ".join(words),
        "empty": column["empty"] if column["required"] else f"{column['empty']}, may be absent",
        "read_as": column["read_as"] or None,
    }


def _filled(rows: list[Mapping[str, Any]], names: tuple[str, ...]) -> list[str]:
    """Rows in columns, without those that say nothing."""
    said = [name for n, name in enumerate(names) if n < ALWAYS or any(row.get(name) is not None for row in rows)]
    return columns(rows, said, empty="none")
