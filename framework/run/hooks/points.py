"""The points of a run at which hooks are called, but those of steps: they are built into the steps."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from framework.core.events import emit
from framework.core.failures import classify
from framework.core.hooking import building_plan, hooked_run, moment_of, notify, pass_rows
from framework.errors import HookError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from framework.core.hooking import HookRun
    from framework.core.plan import FileInput, TableInput
    from framework.core.report import SourceReport
    from framework.definition import Pipeline
    from framework.lake import Committed


@contextmanager
def with_hooks(pipeline: Pipeline) -> Iterator[HookRun]:
    """Run a pipeline within the block: its hooks are called, those of its failure as well."""
    with hooked_run(pipeline.name) as run:
        try:
            yield run
        except BaseException as error:
            _tell_failure(pipeline, error)
            raise


def _tell_failure(pipeline: Pipeline, error: BaseException) -> None:
    """Tell hooks why an attempt has failed; one that fails itself must not hide that."""
    failure = classify(error)
    facts: dict[str, Any] = {"kind": failure.kind, "error": failure.error, "message": failure.message}
    facts["retryable"] = failure.retryable
    try:
        notify(pipeline.hooks_at("on_failure"), "on_failure", pipeline.name, **facts)
    except HookError as second:
        emit("hook.failed", str(second), level="WARNING", point="on_failure")


def before_reading(pipeline: Pipeline, name: str, files: Sequence[FileInput] = (), table: str = "") -> None:
    """Call the hooks of a source that is about to be reached."""
    facts = {"files": len(files), "bytes": sum(file.size for file in files), "table": table}
    notify(pipeline.hooks_at("before_read", name), "before_read", pipeline.name, name, **facts)


def files_read(
    pipeline: Pipeline, name: str, parts: Sequence[pl.LazyFrame], files: Sequence[FileInput]
) -> list[pl.LazyFrame]:
    """Hand the raw rows of files through the hooks of their source."""
    hooks = pipeline.hooks_at("after_read", name)
    if not hooks:
        return list(parts)
    facts = {"files": len(files), "bytes": sum(file.size for file in files), "parts": len(parts)}
    with building_plan():
        moments = [moment_of("after_read", pipeline.name, name, part=n, **facts) for n in range(1, len(parts) + 1)]
        return [pass_rows(hooks, moment, rows) for moment, rows in zip(moments, parts, strict=True)]


def table_read(pipeline: Pipeline, name: str, rows: pl.LazyFrame, given: TableInput | None = None) -> pl.LazyFrame:
    """Hand the rows of a table of the lake through the hooks of its source."""
    hooks = pipeline.hooks_at("after_read", name)
    if not hooks:
        return rows
    facts = {"table": pipeline.table_sources[name].table, "version": given.version if given else None}
    return pass_rows(hooks, moment_of("after_read", pipeline.name, name, **facts), rows)


def before_checking(pipeline: Pipeline, name: str) -> None:
    """Call the hooks of a source whose rows are about to be held against its schema."""
    notify(pipeline.hooks_at("before_check", name), "before_check", pipeline.name, name)


def checked(pipeline: Pipeline, sources: Mapping[str, SourceReport]) -> None:
    """Call the hooks of sources whose rows are checked and counted."""
    for name, report in sources.items():
        facts = {
            "rows_in": report.rows_in,
            "accepted": report.accepted,
            "quarantined": report.quarantined,
            "dropped": sum(report.dropped.values()),
            "reasons": dict(report.reasons),
            "warned": dict(report.warned),
        }
        notify(pipeline.hooks_at("after_check", name), "after_check", pipeline.name, name, **facts)


def before_publishing(pipeline: Pipeline, versions: Mapping[str, int]) -> None:
    """Call the hooks of all tables that are about to be published, of which `versions` says what they are at."""
    hooks = pipeline.hooks_at("before_publish")
    for output in pipeline.outputs:
        if output.table in versions:  # those that are not were published by an earlier attempt
            notify(hooks, "before_publish", pipeline.name, output.table, version=versions[output.table])


def published(pipeline: Pipeline, committed: Mapping[str, Committed]) -> None:
    """Call the hooks of all tables, now that they are published."""
    hooks = pipeline.hooks_at("after_publish")
    for output in pipeline.outputs:
        done = committed[output.table]
        adds, removes = (done.staged.adds, done.staged.removes) if done.staged else ([], [])
        facts = {"rows_added": sum(one.rows for one in adds), "rows_removed": sum(one.rows for one in removes)}
        notify(hooks, "after_publish", pipeline.name, output.table, version=done.version, **facts)
