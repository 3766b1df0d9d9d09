"""Run a past run again on the inputs that it pinned, in a lake of its own, and hold its tables against the published.

The lake of its own begins as the real one was just before the run: each table that the run wrote, at the version before
its commit; each table that it read, at the version that its plan pins. Then the plan is carried out as any other, and
what it publishes there is compared with what the run published. Nothing of the real lake is changed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from framework.core.hooking import silent_run
from framework.core.plan import TableInput
from framework.errors import ConfigurationError
from framework.lake import PlanStore, open_table
from framework.lake.copies import copy_file, copy_table, remove_all
from framework.lake.plans import SNAPSHOT_EVERY
from framework.lake.quarantine import table_name
from framework.lake.tables import history
from framework.quality.history import table_name as quality_name
from framework.registry.store import FOLDER
from framework.run.compiled import contracts
from framework.run.flow import run_plan
from framework.run.past import find_past
from framework.run.position import tables_of
from framework.run.rows_compared import Difference, compare
from framework.run.sensitive import sensitive_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from framework.definition import Output
    from framework.run.past import Past
    from framework.run.workspace import Workspace
    from framework.settings import Settings
    from framework.storage import StorageLocation

REPLAY = "_replay"
JUDGED = ("source", "file", "line", "state", "failure", "reasons", "raw")
"""What is compared of rows in quarantine."""


@dataclass(frozen=True)
class Replayed:
    """What came of a replay: the tables that differ or do not, or why it failed.

    `tables`: by name; none where the run published nothing to compare with. `state`, `failure`: how the past run ended.
    `lake`: where the tables of the replay are, if they were kept.
    """

    run_id: str
    pipeline: str
    seq: int
    state: str
    failure: str
    tables: dict[str, Difference] = field(default_factory=dict)
    error: str = ""
    notes: tuple[str, ...] = ()
    lake: str = ""

    @property
    def outcome(self) -> Literal["equal", "differs", "failed", "nothing to compare with"]:
        """What it comes to."""
        if self.error:
            return "failed"
        if not self.tables:
            return "nothing to compare with"
        return "equal" if all(one.is_equal for one in self.tables.values()) else "differs"


def replay_run(run: str, settings: Settings, *, keep: bool = False) -> Replayed:
    """Run a past run again on its pinned inputs and compare; see the module. No run is recorded.

    Args:
        run: Its id, or the beginning of it.
        settings: The project's.
        keep: Whether the lake of the replay stays, below `_replay` of the lake.

    Raises:
        SelectionError: when there is no such run; suggests the nearest.
        ConfigurationError: when it cannot be replayed: it pinned nothing, ran on a sample, or files of it have changed.
        StorageError: when a version that it needs is not there any more.
    """
    past = find_past(run, settings)
    _require_inputs(past)
    place = past.space.lake.below(f"{REPLAY}/{past.plan.run_id}-{uuid.uuid4().hex[:6]}")
    space = replace(past.space, lake=place, exports=None, cache=None, keep=None)  # checkpoints are computed again
    try:
        found = _replayed(past, space)
    finally:
        if not keep:
            remove_all(place)
    return replace(found, lake=place.uri() if keep else "")


def _require_inputs(past: Past) -> None:
    """Refuse what cannot be run again as it was.

    Raises:
        ConfigurationError: saying why.
    """
    told = f"run {past.plan.run_id} of {past.pipeline.name} cannot be replayed"
    if not past.is_pinned:
        raise ConfigurationError(f"{told}: it ended before it pinned its inputs; `sluice debug` opens its steps")
    if past.is_sample:
        raise ConfigurationError(f"{told}: it ran on a sample, and which one is not recorded")
    torn = [path for _, path in (*past.changed, *past.gone)]
    if torn:
        more = f" and {len(torn) - 1} more" if len(torn) > 1 else ""
        text = f"{told}: {torn[0]}{more} of what it read is not what it was; bring it back, or look with `sluice debug`"
        raise ConfigurationError(text)


def _replayed(past: Past, space: Workspace) -> Replayed:
    plan, said = past.plan, []
    if past.redefined:
        said.append(f"{past.redefined}: what differs may be the doing of the code as it is now")
    made = Replayed(plan.run_id, past.pipeline.name, plan.seq, past.state, past.failure, notes=tuple(said))
    published = _prepare(past, space.lake)
    try:
        with silent_run(past.pipeline.name):
            run_plan(past.pipeline, plan, space)
    except Exception as error:  # noqa: BLE001 - whatever stops a plan is what the replay came to
        return replace(made, error=f"{type(error).__name__}: {error}")
    return replace(made, tables=dict(_compared(past, space, published)))


def _prepare(past: Past, place: StorageLocation) -> dict[str, int]:
    """Make the lake of the replay; gives the versions that the run published, by table."""
    lake, plan = past.space.lake, past.plan
    wanted, published = _read(past), dict[str, int]()
    for table in [*tables_of(past.pipeline), quality_name(plan.pipeline)]:
        handle = open_table(lake, table)
        if handle is None:
            continue
        made = _version_of(past, table)
        if made is not None:
            published[table] = made
        before = handle.version if made is None else made - 1
        wanted[table] = {before, *(version for version in wanted.get(table, ()) if version < before)}
    for table, versions in wanted.items():
        copy_table(lake, place, table, max(versions), also=versions)
    _copy_plans(past, place)
    return published


def _version_of(past: Past, table: str) -> int | None:
    """The version of a table that a run committed; None where it did not."""
    mine = [one["version"] for one in history(past.space.lake, table) if one["run_id"] == past.plan.run_id]
    return min(mine, default=None)


def _read(past: Past) -> dict[str, set[int]]:
    """The tables that a plan reads, with the versions that it needs of each."""
    found: dict[str, set[int]] = {}
    for given in past.plan.inputs.values():
        if isinstance(given, TableInput):
            found.setdefault(given.table, set()).update({given.version, given.since or given.version})
    for table, version in past.plan.lookups.items():
        if version is not None:
            found.setdefault(table, set()).add(version)
    if past.plan.waiting_version is not None:
        found.setdefault(table_name(past.pipeline.name), set()).add(past.plan.waiting_version)
    return found


def _copy_plans(past: Past, place: StorageLocation) -> None:
    """Bring along what the plans before say is covered, and the registered schemas of the tables."""
    lake, seq = past.space.lake, past.plan.seq
    folder, start = f"_sluice/{past.plan.pipeline}", (seq - 1) - (seq - 1) % SNAPSHOT_EVERY
    paths = [f"{folder}/plans/{number:08d}.json" for number in range(start + 1, seq + 1)]
    paths += [f"{folder}/covered/{start:08d}.json"] if start else []
    for output in past.pipeline.outputs:
        paths += [info.path for info in lake.files(f"{FOLDER}/{output.table}/*.json")]
    for path in paths:
        if lake.exists(path):
            copy_file(lake, place, path)
    PlanStore(place, past.plan.pipeline).require(seq)


def _compared(past: Past, space: Workspace, published: dict[str, int]) -> Iterator[tuple[str, Difference]]:
    """Hold each table of the replay against the version that the run published."""
    known = contracts(past.pipeline)
    outputs = {output.table: output for output in past.pipeline.outputs}
    for table in tables_of(past.pipeline):
        if table not in published:
            continue
        then, now = _rows(past.space.lake, table, published[table]), _rows(space.lake, table, None)
        output = outputs.get(table)
        if output is None:
            yield table, compare(then.select(JUDGED), now.select(JUDGED), hidden=["raw"])
            continue
        hidden = sensitive_columns(past.pipeline, output, known)
        yield table, compare(then, now, key=_key(output), hidden=hidden)


def _rows(lake: StorageLocation, table: str, version: int | None) -> pl.LazyFrame:
    handle = open_table(lake, table, version)
    if handle is None:
        raise ConfigurationError(f"the replay did not write table '{table}'")
    return handle.scan()


def _key(output: Output) -> tuple[str, ...]:
    """What names a row of a table; nothing where rows are only added."""
    return output.key if output.mode == "merge" else ()
