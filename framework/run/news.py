"""What a pipeline has not seen yet: listed without reading data, and held against what is covered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from framework.core.failures import classify
from framework.core.plan import FileInput, FilesInput, Input, Mode, TableInput
from framework.core.reaching import reach
from framework.errors import SluiceError, SourceError
from framework.lake import Covered, PlanStore, open_table, signature
from framework.lake.quarantine import ever_refused
from framework.run.alternates import Chosen, choose, may_be_unreachable
from framework.run.branches import skipped_tables
from framework.run.changed import find_changes, kept_tables
from framework.run.fingerprints.changes import NO_CHANGES, Changes
from framework.run.hooks.points import before_reading
from framework.run.last_known import pin_look_ups
from framework.run.retaken import find_decided, find_queued, with_files
from framework.run.waiting import lost_references, resolvable_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.core.source import FileSource
    from framework.definition import Pipeline
    from framework.run.fingerprints.definition import Identity
    from framework.run.position import Position
    from framework.run.request import RunRequest
    from framework.run.workspace import Workspace


@dataclass(frozen=True)
class News:
    """What a pipeline has not seen yet. `ages`: of the tables that must not be too old, since they last changed.

    `lookups`: the versions of the tables that are asked for last known values. `alternates`: what is chosen of them.
    `skipped`: the tables that would stay as they are, each with the condition that does not hold.
    `changes`: what is different of the definition, and which tables are computed again for it; `kept`: tables that
    neither that nor an input concerns. `identity`: the definition's, where it was looked at.
    """

    inputs: dict[str, Input]
    reasons: list[str] = field(default_factory=list)
    mode: Mode = "incremental"
    waiting_version: int | None = None
    missing: tuple[str, ...] = ()
    ages: dict[str, timedelta] = field(default_factory=dict)
    lookups: dict[str, int | None] = field(default_factory=dict)
    alternates: Chosen = field(default_factory=lambda: Chosen({}))
    skipped: dict[str, str] = field(default_factory=dict)
    changes: Changes = NO_CHANGES
    kept: list[str] = field(default_factory=list)
    identity: Identity | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.reasons


def find_news(pipeline: Pipeline, space: Workspace, position: Position, request: RunRequest) -> News:
    """Hold what is there against what is covered.

    Raises:
        ConfigurationError: when a run parameter has no usable value.
        SourceError: when a file of an appended source has changed.
        StorageError: when a source cannot be listed.
    """
    store = PlanStore(space.lake, pipeline.name)
    mode, reasons = mode_of(position, request)
    identity, changes = None, NO_CHANGES
    if mode == "incremental":
        last = store.plan(position.finished)
        identity, changes = find_changes(pipeline, store, last, request.parameters)
        reasons += changes.reasons
    covered = Covered({}, {}) if mode == "full" else store.covered(position.finished)
    inputs: dict[str, Input] = {}
    unreachable: dict[str, Exception] = {}
    for name, source in pipeline.file_sources.items():
        seen = covered.files.get(name, {})
        before_reading(pipeline, name)
        may_fail = may_be_unreachable(pipeline, name, mode, position.finished)
        found = _listed(name, source, space, seen, may_fail=may_fail)
        if isinstance(found, Exception):
            inputs[name], unreachable[name] = FilesInput(()), found
            continue
        inputs[name] = found
        reasons += _file_words(name, found, mode) if name not in pipeline.primaries else []
        _refuse_changed(pipeline, space, name, found, seen)
    chosen = choose(pipeline, space, inputs, mode, position.finished, unreachable)
    tables = _look_at_tables(pipeline, space, covered)
    inputs, reasons = {**chosen.inputs, **tables.inputs}, [*reasons, *chosen.reasons, *tables.moved.values()]
    again = "" if mode == "full" else _all_again(pipeline, space, tables, inputs, covered)
    if again:
        full = find_news(pipeline, space, position, replace(request, full=True))
        return replace(full, reasons=[*reasons, f"{again}: all are read again"])
    news = News(inputs, reasons, mode, None, tables.missing, tables.ages, pin_look_ups(pipeline, space, inputs), chosen)
    news = replace(news, changes=changes, kept=kept_tables(pipeline, changes, set(tables.moved)), identity=identity)
    if mode == "full":
        return replace(news, waiting_version=find_decided(pipeline, space))
    return _again(news, pipeline, space, covered)


@dataclass(frozen=True)
class _Tables:
    """The tables that a pipeline reads, as they are now. `moved`: the sources that have other rows, each with words."""

    inputs: dict[str, Input]
    moved: dict[str, str]
    missing: tuple[str, ...]
    ages: dict[str, timedelta]


def _look_at_tables(pipeline: Pipeline, space: Workspace, covered: Covered) -> _Tables:
    inputs: dict[str, Input] = {}
    moved: dict[str, str] = {}
    missing: list[str] = []
    ages: dict[str, timedelta] = {}
    read = _read_by_steps(pipeline)
    for name, table in pipeline.table_sources.items():
        before_reading(pipeline, name, table=table.table)
        with space.calls.to(name, table):
            handle = reach(f"open table {table.table}", partial(open_table, space.lake, table.table))
        if handle is None:
            missing.append(table.table)
            continue
        if table.max_age is not None:
            ages[table.table] = (space.now or datetime.now(UTC)) - handle.changed_at
        since = covered.versions.get(name)
        inputs[name] = TableInput(table.table, handle.version, since)
        if name in read and _has_changed(space, table.table, since, handle.version):
            words = f"{name}: {table.table} is at version {handle.version}"
            moved[name] = words + (f", was {since}" if since else "")
    return _Tables(inputs, moved, tuple(missing), ages)


def _all_again(
    pipeline: Pipeline, space: Workspace, tables: _Tables, inputs: Mapping[str, Input], covered: Covered
) -> str:
    """Say why all files must be read again though only something is new; empty where that is not so."""
    for name in tables.moved:
        if covered.versions.get(name) is not None and _meets_files(pipeline, name):
            return f"{name} feeds rows that come from files"
    return lost_references(pipeline, space, inputs, covered.versions)


def _again(news: News, pipeline: Pipeline, space: Workspace, covered: Covered) -> News:
    """Add the quarantined rows that can be judged again: those that wait for what is known now, and the queued."""
    queued = find_queued(pipeline, space)
    if queued is not None:
        words = f"{queued.rows} quarantined row{'s are' if queued.rows != 1 else ' is'} queued for replay"
        inputs = with_files(news.inputs, queued.files)
        return replace(news, inputs=inputs, reasons=[*news.reasons, words], waiting_version=queued.version)
    waiting = resolvable_version(pipeline, space, news.inputs, covered.versions)
    if waiting is None:
        return news
    told = [*news.reasons, "rows that waited for a reference can be taken up"]
    return replace(news, reasons=told, waiting_version=waiting)


def with_branches(
    pipeline: Pipeline, space: Workspace, news: News, position: Position, parameters: dict[str, Any]
) -> News:
    """Add which tables would stay as they are; one that did, and would not any more, is a reason to run."""
    if news.missing:
        return news
    skipped = skipped_tables(pipeline, space, news.inputs, parameters, space.now or datetime.now(UTC))
    last = PlanStore(space.lake, pipeline.name).plan(position.finished) if position.finished else None
    back = [table for table in (last.skipped if last else ()) if table not in skipped]
    told = [f"{table}: was left as it is before, and would be computed now" for table in back]
    kept = [table for table in news.kept if table not in back]
    return replace(news, skipped=skipped, kept=kept, reasons=[*news.reasons, *told])


def mode_of(position: Position, request: RunRequest) -> tuple[Mode, list[str]]:
    """Whether a run starts from scratch, and why."""
    if request.full:
        return "full", ["a full rebuild was asked for"]
    if position.finished and position.new_tables:
        return "full", [f"table {', '.join(position.new_tables)} is new"]
    return ("full", ["first run"]) if position.finished == 0 else ("incremental", [])


def _listed(
    name: str, source: FileSource, space: Workspace, known: dict[str, list[Any]], *, may_fail: bool
) -> FilesInput | Exception:
    """List the new files of a source; gives why that is not possible now, where an alternate may stand in."""
    try:
        with space.calls.to(name, source):
            return _new_files(source, space, known)
    except (SluiceError, OSError) as error:
        if not may_fail or classify(error).kind != "transient":
            raise
        return error


def _new_files(source: FileSource, space: Workspace, known: dict[str, list[Any]]) -> FilesInput:
    raw = space.raw.tried_once()
    listed = [reach(f"list {pattern}", partial(raw.files, pattern)) for pattern in source.patterns]
    found = {info.path: info for infos in listed for info in infos}
    files = []
    for info in found.values():
        file = FileInput(info.modified, info.path, info.size, info.etag, changed=info.path in known)
        if known.get(info.path) != signature(file):
            files.append(file)
    return FilesInput(tuple(sorted(files)))


def _file_words(name: str, found: FilesInput, mode: Mode) -> list[str]:
    if not found.files:
        return [f"{name}: no file matches"] if mode == "full" else []
    changed = sum(f.changed for f in found.files)
    words = f"{name}: {len(found.files)} {'' if mode == 'full' else 'new '}file{'s' * (len(found.files) != 1)}"
    return [f"{words}, {changed} of them delivered again" if changed else words]


def _refuse_changed(
    pipeline: Pipeline, space: Workspace, name: str, found: FilesInput, seen: dict[str, list[Any]]
) -> None:
    """Refuse files whose rows were appended as they were before; one that was refused as a whole then gave none."""
    appended = appended_from(pipeline, name)
    changed = [f.path for f in found.files if f.changed] if appended else []
    if changed:
        refused = ever_refused(space.lake, pipeline.name, name)
        changed = [path for path in changed if (path, datetime.fromisoformat(seen[path][1])) not in refused]
    if changed:
        raise SourceError(
            f"{changed[0]} has changed since its rows were appended to {appended[0]}, and appending them again would"
            " double them; use mode='merge' with a key, or rebuild with --full"
        )


def appended_from(pipeline: Pipeline, source: str) -> list[str]:
    """The tables to which a source's rows are appended: there a row stays, whatever becomes of its file."""
    return [o.table for o in pipeline.outputs if o.mode == "append" and source in pipeline.upstream(o.of)]


def _read_by_steps(pipeline: Pipeline) -> set[str]:
    return {node for output in pipeline.outputs for node in pipeline.upstream(output.of)}


def _has_changed(space: Workspace, table: str, since: int | None, version: int) -> bool:
    """Whether a table has other files than at an earlier version."""
    if since is None:
        return True
    if since == version:
        return False
    then, now = open_table(space.lake, table, since), open_table(space.lake, table, version)
    if then is None or now is None:
        return True
    return {f.path for f in then.files()} != {f.path for f in now.files()}


def _meets_files(pipeline: Pipeline, table: str) -> bool:
    """Whether a table flows into an output together with rows of files."""
    return any(
        table in nodes and nodes & pipeline.file_sources.keys()
        for nodes in (pipeline.upstream(output.of) for output in pipeline.outputs)
    )
