"""Say what a run would cover, and why, without fixing anything."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from framework.core.plan import FilesInput, RunPlan, TableInput
from framework.lake import PlanStore
from framework.run.compiled import contracts
from framework.run.fingerprints import fingerprint
from framework.run.last_known import require_look_ups
from framework.run.planning import News, find_news, find_position, in_days
from framework.run.schemas.evolution import Evolution, examine, with_breaks
from framework.run.second_looks import AcrossLook, across_looks
from framework.run.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from framework.core.plan import Input, StandIn
    from framework.definition import Pipeline
    from framework.run.request import RunRequest
    from framework.settings import Settings

SHOWN_FILES = 5
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Preview:
    """What the next run of a pipeline would do. `files`: per source the paths, with their bytes in total.

    `lookups`: the versions of the tables that are asked for last known values (None: it is not there yet).
    `stand_ins`: the alternate sources that are taken, or ready to stand in.
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
            lines += [f"    because {reason}" for reason in self.reasons]
            lines += [line for name in self.files for line in self._file_lines(name)]
            lines += [f"    reads   {words}" for words in self.tables.values()]
            lines += [f"    holds   {look}" for look in self.rules]
            lines += [f"    asks    {_asked(table, version)}" for table, version in self.lookups.items()]
        lines += [line for one in self.schemas for line in one.render()]
        lines += [f"    waits for table {name}, which another pipeline writes first" for name in self.missing]
        if self.definition_changed:
            text = "    its definition has changed since its last run; rows already written stay as they are"
            lines.append(text + ", --full computes them again")
        return lines

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
    store = PlanStore(space.lake, pipeline.name)
    last = store.plan(position.finished) if position.finished else None
    pending = position.pending
    news = None if pending else find_news(pipeline, space, position, request)
    if news is not None and news.lookups:
        require_look_ups(pipeline, space, news.lookups, contracts(pipeline))
    inputs: dict[str, Input] = pending.inputs if pending else news.inputs if news else {}
    reasons = [pending.reason] if pending else news.reasons if news else []
    files = {name: given.files for name, given in inputs.items() if isinstance(given, FilesInput) and given.files}
    return Preview(
        pipeline=pipeline.name,
        has_work=bool(reasons),
        seq=position.finished + 1,
        mode=pending.mode if pending else news.mode if news else "incremental",
        reasons=reasons,
        files={name: [f.path for f in found] for name, found in files.items()},
        bytes={name: sum(f.size for f in found) for name, found in files.items()},
        tables={n: _words(given, news) for n, given in inputs.items() if isinstance(given, TableInput)},
        missing=list(news.missing) if news else [],
        definition_changed=last is not None and last.fingerprint != fingerprint(pipeline),
        resumes=pending is not None,
        schemas=_schemas(pipeline, space, pending or news, request),
        rules=across_looks(pipeline),
        lookups=pending.lookups if pending else news.lookups if news else {},
        stand_ins=pending.stand_ins if pending else news.alternates.stand_ins if news else {},
    )


def _schemas(
    pipeline: Pipeline, space: Workspace, planned: RunPlan | News | None, request: RunRequest
) -> list[Evolution]:
    """How the schemas of the tables would change; those of a table that it lacks would still have to be known."""
    if planned is None or (isinstance(planned, News) and planned.missing):
        return []
    parameters = planned.parameters if isinstance(planned, RunPlan) else request.parameters
    found = examine(pipeline, space, planned.mode, planned.inputs, parameters)
    return [with_breaks(one, space) for one in found if one.changes]


def _asked(table: str, version: int | None) -> str:
    there = f"at version {version}" if version is not None else "which is not there yet: it knows nothing"
    return f"{table}, {there}, for last known values"


def _words(given: TableInput, news: News | None) -> str:
    since = "" if given.since in {None, given.version} else f", was {given.since}"
    age = news.ages.get(given.table) if news else None
    return f"{given.table} at version {given.version}{since}" + (f", {in_days(age)} old" if age else "")
