"""`sluice schema diff`, `check`, `history`, `migrate`: how the schemas of tables change."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from framework.cli.options import Exit, settings
from framework.cli.output import columns, complain, error_of, hint, plural, show
from framework.cli.request import EXCLUDE, selected
from framework.cli.trail import noted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framework.registry import Change, Document
    from framework.run.workspace import Workspace


def schema_diff(table: str, *, since: int | None = None, until: int | None = None) -> int:
    """Show what changed between two versions of a table's schema, and who can still read what.

    Args:
        table: The table, such as `retail/sales`.
        since: A registered version (default: the one that the table has).
        until: Another one (default: the schema as its pipeline declares it now).
    """
    from framework.registry import find_changes

    old, new = _pair(table, since, until)
    changes = find_changes(old[1], new[1])
    document = {"table": table, "since": old[0], "until": new[0], "changes": [change.to_dict() for change in changes]}
    show(document, lambda: [f"{table}: {old[0]} -> {new[0]}", *_change_lines(changes)])
    return Exit.OK


def _pair(table: str, since: int | None, until: int | None) -> tuple[tuple[str, Document], tuple[str, Document]]:
    """The two documents that a diff holds against each other, each with what it is called."""
    from framework.run.schemas.documents import comparable, declared_documents
    from framework.run.schemas.history import at_version, published_at
    from framework.run.schemas.migration import owner_of

    space = _space()
    old = (f"version {since}", at_version(space.lake, table, since)) if since else published_at(space.lake, table)
    if until:
        return old, (f"version {until}", at_version(space.lake, table, until))
    pipeline = owner_of(space.pipelines(), table)
    declared = declared_documents(pipeline, space, {}, {})[table]
    return old, (f"as {pipeline.name} declares it", comparable(declared, old[1]))


def _change_lines(changes: Sequence[Change]) -> list[str]:
    rows = [
        {
            "column": change.where,
            "change": change.kind,
            "what": change.words,
            "old rows": "yes" if change.backward else "no",
            "old readers": "yes" if change.forward else "no",
        }
        for change in changes
    ]
    return columns(rows, ("column", "change", "what", "old rows", "old readers"), empty="nothing changed")


def schema_check(*selection: str, exclude: EXCLUDE = ()) -> int:
    """Hold the declared schema of every table against the one it has, and against who reads it. Reads no data.

    Args:
        selection: Names, domains, patterns, `tag:...`, with `+` for what stands before or behind. Default: all.
        exclude: What of that is left out; the same words. Can be repeated.
    """
    from framework.definition.load import load_pipelines
    from framework.definition.selection import select
    from framework.run.schemas.evolution import examine, readers_of, refusal, with_breaks

    space, here = _space(), settings()
    chosen = select(load_pipelines(here), selected(selection, exclude))
    found = [with_breaks(one, space) for p in chosen for one in examine(p, space, "incremental", {}, {})]

    def text() -> Iterator[str]:
        for one in found:
            state = "new" if one.published is None else f"version {one.version}" if one.version else "not registered"
            words = f", {plural(len(one.changes), 'change')}" if one.changes else ""
            yield f"{one.table}: {state}, {one.output.compatibility}{words}"
            yield from (
                f"    read by {who}: {', '.join(names) or 'no column'}" for who, names in read[one.table].items()
            )
            yield from one.render()

    read = {one.table: readers_of(one, space) for one in found}
    refused = refusal(found)
    document = {"tables": [{**one.to_dict(), "readers": read[one.table]} for one in found]}
    show(document if refused is None else {**document, "error": error_of(refused)}, text)
    if refused is not None:
        complain(str(refused))
        return Exit.USAGE
    return Exit.OK


def schema_history(table: str, *, version: int | None = None) -> int:
    """List the versions of a table's schema, and since when the table has had each; or show one of them.

    Args:
        table: The table, such as `retail/sales`.
        version: The version to show.
    """
    from framework.run.schemas.history import at_version, versions_of

    lake = _space().lake
    if version is not None:
        found = at_version(lake, table, version)
        show({"table": table, "version": version, "document": _plain(found)}, lambda: _document_lines(found))
        return Exit.OK
    entries = [asdict(entry) for entry in versions_of(lake, table)]
    names = ("version", "table_version", "at", "fingerprint", "columns", "changes")
    rows = [{**e, "changes": e["changes"] or "-"} for e in entries]
    show({"table": table, "versions": entries}, lambda: columns(rows, names, empty="no version is registered"))
    return Exit.OK


def _plain(document: Document) -> Any:
    import json

    return json.loads(document.to_json())


def _document_lines(document: Document) -> list[str]:
    rows = [
        {
            "column": column.name,
            "type": str(column.dtype),
            "null": "yes" if column.nullable else "no",
            "default": "-" if column.default is None else "hidden" if column.sensitive else str(column.default),
            "rules": [rule.message for rule in document.constraints if rule.column == column.name] or "-",
        }
        for column in document.columns
    ]
    lines = columns(rows, ("column", "type", "null", "default", "rules"), empty="no columns")
    lines += [rule.message for rule in document.constraints if rule.column is None]
    lines += [f"key: {', '.join(document.key)}"] if document.key else []
    return lines + ([f"partitioned by: {', '.join(document.partition_by)}"] if document.partition_by else [])


def schema_migrate(table: str, *, plan: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Bring all rows of a table to the schema that its pipeline declares, as one new version.

    Args:
        table: The table, such as `retail/sales`.
        plan: Show what it would do instead.
    """
    from framework.run.schemas.migration import migrate, owner_of, plan_migration

    space = _space()
    pipeline = owner_of(space.pipelines(), table)
    if plan:
        planned = plan_migration(pipeline, table, space)
        show(planned.to_dict(), planned.render)
        if planned.steps and not planned.problems:
            hint(f"next: sluice schema migrate {table}")
        return Exit.USAGE if planned.problems else Exit.OK
    done = migrate(pipeline, table, space)
    if done.by_us:
        noted("schema.migrated", table, schema_version=done.schema_version, version=done.version, rows=done.rows)
    words = "was there already" if not done.by_us else f"table version {done.version}, {plural(done.rows, 'row')}"
    show(asdict(done), lambda: [f"{table}: schema version {done.schema_version}, {words}"])
    hint(f"next: sluice schema history {table}")
    return Exit.OK


def _space() -> Workspace:
    from framework.run.workspace import open_workspace

    return open_workspace(settings())
