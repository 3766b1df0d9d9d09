"""Say what a run would cover, and why, without fixing anything."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from framework.core.plan import FilesInput, RunPlan, TableInput
from framework.lake import PlanStore
from framework.run.changed import find_changes
from framework.run.compiled import contracts
from framework.run.estimates import Amount, Estimate, estimate
from framework.run.fingerprints.changes import NO_CHANGES, Change, Changes
from framework.run.hooks.project import hook_lines
from framework.run.last_known import require_look_ups
from framework.run.news import News, find_news, mode_of, with_branches
from framework.run.parameters import resolve_parameters
from framework.run.planning import in_days
from framework.run.position import find_position
from framework.run.resilience.declared import policy_lines
from framework.run.schemas.evolution import Evolution, examine, with_breaks
from framework.run.second_looks import AcrossLook, across_looks
from framework.run.stages import stages_of
from framework.run.streaming import InMemory, in_memory
from framework.run.touched import Recompute, foreseen
from framework.run.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.core.plan import Input, StandIn
    from framework.definition import Pipeline
    from framework.run.fingerprints.definition import Identity
    from framework.run.position import Position
    from framework.run.request import RunRequest
    from framework.settings import Settings

SHOWN_FILES = 5
SHOWN_LINES = 30
"""Lines of a diff for people; the JSON document has all of them."""
MEGABYTE = 1_000_000
NOTHING = Estimate({}, {})


@dataclass(frozen=True)
class Preview:
    """What the next run of a pipeline would do. `files`: per source the paths, with their bytes in total.

    `why`: the reasons by kind: `forced`, `missing`, `input`, `code`, `schema`, `parameter`, `output`, `unfinished`.
    `lookups`: the versions of the tables that are asked for last known values (None: it is not there yet).
    `stand_ins`: the alternate sources that are taken, or ready to stand in. `changes`: what of the definition is
    different since it was published. `skipped`: tables whose condition does not hold. `recompute`: per table, what of
    it is computed again. `stages`: the groups of steps that run as one plan each, where there are several. `policy` and
    `hooks`: what is declared of retries and limits, and the functions that are called.
    """

    pipeline: str
    has_work: bool
    seq: int
    mode: str
    reasons: list[str]
    files: dict[str, list[str]]
    bytes: dict[str, int]
    tables: dict[str, str]
    missing: list[str]
    definition_changed: bool
    resumes: bool
    schemas: list[Evolution] = field(default_factory=list)
    rules: list[AcrossLook] = field(default_factory=list)
    lookups: dict[str, int | None] = field(default_factory=dict)
    stand_ins: dict[str, StandIn] = field(default_factory=dict)
    why: list[dict[str, str]] = field(default_factory=list)
    changes: Changes = NO_CHANGES
    kept: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    in_memory: list[InMemory] = field(default_factory=list)
    estimate: Estimate = NOTHING
    recompute: list[Recompute] = field(default_factory=list)
    stages: list[tuple[str, list[str]]] = field(default_factory=list)
    policy: list[str] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        return {**asdict(replace(self, schemas=[])), "schemas": [one.to_dict() for one in self.schemas]}

    def render(self) -> list[str]:
        """Render as lines for a terminal."""
        if not self.has_work:
            lines = [f"{self.pipeline}: nothing is new"]
        else:
            head = "finish" if self.resumes else self.mode
            lines = [f"{self.pipeline}: {head}, sequence {self.seq}"]
            lines += [line for reason in self.reasons for line in self._because(reason)]
            lines += [line for name in self.files for line in self._file_lines(name)]
            lines += [f"    reads   {words}" for words in self.tables.values()]
            lines += [f"    holds   {look}" for look in self.rules]
            lines += [f"    asks    {_asked(table, version)}" for table, version in self.lookups.items()]
            lines += [f"    again   {one}" for one in self.recompute]
            lines += [f"    keeps   {table} as it is" for table in self.kept]
            lines += [f"    leaves  {table} as it is: {why}" for table, why in self.skipped.items()]
            lines += [f"    stage   {name}: {', '.join(nodes)}" for name, nodes in self.stages]
            lines += [f"    memory  {one}" for one in self.in_memory]
            lines += [f"    policy  {one}" for one in self.policy]
            lines += [f"    calls   {one}" for one in self.hooks]
            lines += _amounts(self.estimate)
        lines += [line for one in self.schemas for line in one.render()]
        lines += [f"    waits for table {name}, which another pipeline writes first" for name in self.missing]
        return [*lines, *_changed(self.changes, self.reasons)]

    def _because(self, reason: str) -> Iterator[str]:
        yield f"    because {reason}"
        for change in self.changes.every:
            if str(change) == reason:
                yield from _diff(change)

    def _file_lines(self, name: str) -> list[str]:
        paths = self.files[name]
        if self.stand_ins.get(name) == "ready":
            count = "1 file" if len(paths) == 1 else f"{len(paths)} files"
            return [f"    ready   {count} of {name}, to stand in where its primary fails"]
        shown = [f"    reads   {path}" for path in paths[:SHOWN_FILES]]
        if len(paths) > SHOWN_FILES:
            size = self.bytes[name] / MEGABYTE
            shown.append(f"    reads   {len(paths) - SHOWN_FILES} more of {name}, {size:.1f} MB in all")
        return shown


def preview(pipeline: Pipeline, settings: Settings, request: RunRequest) -> Preview:
    """Preview the next run of a pipeline: lists its inputs, reads no data, writes nothing.

    Raises:
        DefinitionError: when a table that is asked for last known values does not have what is asked for.
    """
    space = open_workspace(settings, request)
    position = find_position(pipeline, space)
    pending = position.pending
    news = None if pending else _news(pipeline, space, position, request)
    if news is not None and news.lookups:
        require_look_ups(pipeline, space, news.lookups, contracts(pipeline))
    planned: RunPlan | News = pending or news or News({})
    identity, changes = _definition(pipeline, space, position, request, news)
    reasons = [pending.reason] if pending else news.reasons if news else []
    inputs: dict[str, Input] = planned.inputs
    files = {name: given.files for name, given in inputs.items() if isinstance(given, FilesInput) and given.files}
    found = Preview(
        pipeline=pipeline.name,
        has_work=bool(reasons),
        seq=position.finished + 1,
        mode=planned.mode,
        reasons=reasons,
        files={name: [f.path for f in given] for name, given in files.items()},
        bytes={name: sum(f.size for f in given) for name, given in files.items()},
        tables={n: _words(given, news) for n, given in inputs.items() if isinstance(given, TableInput)},
        missing=list(news.missing) if news else [],
        definition_changed=bool(changes.by_table or changes.unknown),
        resumes=pending is not None,
        schemas=_schemas(pipeline, space, planned, request),
        rules=across_looks(pipeline),
        lookups=planned.lookups,
        stand_ins=planned.stand_ins if isinstance(planned, RunPlan) else planned.alternates.stand_ins,
        why=_why(reasons, position, request, changes),
        changes=changes,
        kept=planned.kept,
        skipped=planned.skipped,
    )
    if not found.has_work:
        return found
    declared = replace(found, policy=policy_lines(pipeline), hooks=hook_lines(pipeline, settings))
    return _detailed(declared, pipeline, space, planned, identity)


def _news(pipeline: Pipeline, space: Workspace, position: Position, request: RunRequest) -> News:
    news = find_news(pipeline, space, position, request)
    return with_branches(pipeline, space, news, position, resolve_parameters(pipeline, request.parameters))


def _definition(
    pipeline: Pipeline, space: Workspace, position: Position, request: RunRequest, news: News | None
) -> tuple[Identity, Changes]:
    """The identity of the pipeline, and how it differs from the one that was published last."""
    if news is not None and news.identity is not None:
        return news.identity, news.changes
    store = PlanStore(space.lake, pipeline.name)
    last = store.plan(position.finished) if position.finished else None
    return find_changes(pipeline, store, last, request.parameters)


def _detailed(
    found: Preview, pipeline: Pipeline, space: Workspace, planned: RunPlan | News, identity: Identity
) -> Preview:
    """Add what is of interest where there is something to do."""
    frames = {name: node.frame for name, node in identity.read.every.items() if node.frame is not None}
    store = PlanStore(space.lake, pipeline.name)
    rebuilt = planned.rebuilt if isinstance(planned, RunPlan) else planned.changes.rebuilt
    is_full = planned.mode == "full"
    return replace(
        found,
        stages=stage_lines(pipeline),
        in_memory=in_memory(frames),
        estimate=estimate(pipeline, space, store, found.seq - 1, planned.mode, planned.inputs),
        recompute=[] if is_full else foreseen(pipeline, planned.inputs, space, rebuilt),
    )


def stage_lines(pipeline: Pipeline) -> list[tuple[str, list[str]]]:
    """The stages of a pipeline with their steps, where there are several."""
    if not any(step.checkpoint for step in pipeline.steps):
        return []
    return [(stage.name, list(stage.steps)) for stage in stages_of(pipeline)]


def _why(reasons: list[str], position: Position, request: RunRequest, changes: Changes) -> list[dict[str, str]]:
    """The reasons by kind."""
    if position.pending is not None:
        return [{"kind": "unfinished", "text": reason} for reason in reasons]
    kinds: dict[str, str] = {str(change): change.kind for change in changes.every}
    kinds |= dict.fromkeys(mode_of(position, request)[1], "forced" if request.full else "missing")
    return [{"kind": kinds.get(reason, "input"), "text": reason} for reason in reasons]


def _schemas(pipeline: Pipeline, space: Workspace, planned: RunPlan | News, request: RunRequest) -> list[Evolution]:
    """How the schemas of the tables would change; those of a table that it lacks would still have to be known."""
    if isinstance(planned, News) and planned.missing:
        return []
    parameters = planned.parameters if isinstance(planned, RunPlan) else request.parameters
    rebuilt = planned.rebuilt if isinstance(planned, RunPlan) else planned.changes.rebuilt
    found = examine(pipeline, space, planned.mode, planned.inputs, parameters, rebuilt)
    return [with_breaks(one, space) for one in found if one.changes]


def _changed(changes: Changes, told: list[str]) -> Iterator[str]:
    """What is different of the definition beside what was told, and which tables keep rows of before."""
    if changes.unknown:
        yield f"    not known whether its definition has changed: {changes.unknown}"
    for change in changes.every if changes.by_table else ():
        if str(change) not in told:
            yield f"    changed {change}"
            yield from _diff(change)
    for table in changes.behind:
        yield f"    {table}: rows that are there stay as they are, --full computes them again"


def _diff(change: Change) -> Iterator[str]:
    yield from (f"            {line}" for line in change.diff[:SHOWN_LINES])
    if len(change.diff) > SHOWN_LINES:
        yield f"            and {len(change.diff) - SHOWN_LINES} lines more"


def _amounts(found: Estimate) -> Iterator[str]:
    for word, amounts in (("takes in", found.reads), ("gives", found.writes)):
        shown = [f"{name} {_amount(one)}" for name, one in amounts.items() if one.rows is not None or one.bytes]
        if shown:
            yield f"    about   {word} {'; '.join(shown)}"


def _amount(one: Amount) -> str:
    rows = "" if one.rows is None else f"{one.rows:,} row{'' if one.rows == 1 else 's'}"
    unit = f"{(one.bytes or 0) / MEGABYTE:,.1f} MB" if (one.bytes or 0) >= MEGABYTE / 10 else f"{one.bytes:,} bytes"
    size = "" if one.bytes is None else unit
    return ", ".join(part for part in (rows, size) if part)


def _asked(table: str, version: int | None) -> str:
    there = f"at version {version}" if version is not None else "which is not there yet: it knows nothing"
    return f"{table}, {there}, for last known values"


def _words(given: TableInput, news: News | None) -> str:
    since = "" if given.since in {None, given.version} else f", was {given.since}"
    age = news.ages.get(given.table) if news else None
    return f"{given.table} at version {given.version}{since}" + (f", {in_days(age)} old" if age else "")
