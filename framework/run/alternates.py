"""Alternate sources within a run: which of their files a plan has, when they stand in, and what that means.

Which files could stand in is fixed in the plan. Whether they do follows from the plan and from which files of the
primary are refused as a whole; the quarantine, the first commit of a sequence, has these. So all attempts decide alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from framework.core.durations import say_duration
from framework.core.plan import FilesInput
from framework.lake import PlanStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from framework.core.fallback import Alternate
    from framework.core.plan import Input, Mode, RunPlan, StandIn
    from framework.definition import Pipeline
    from framework.run.workspace import Workspace
    from framework.sources import Rejected

    Seen = Mapping[str, Mapping[str, list[Any]]]

OVER_BUDGET = "its source is over its budget"
"""Begins the reason of files that are left out so that an alternate source stands in."""


NOTHING_FAILED: Mapping[str, Exception] = MappingProxyType({})


@dataclass(frozen=True)
class Chosen:
    """What a plan has of alternate sources: the inputs with their files, why they are taken, and see `RunPlan`."""

    inputs: dict[str, Input]
    stand_ins: dict[str, StandIn] = field(default_factory=dict)
    passed_over: dict[str, list[str]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)


def choose(
    pipeline: Pipeline,
    space: Workspace,
    inputs: Mapping[str, Input],
    mode: Mode,
    finished: int,
    unreachable: Mapping[str, Exception] = NOTHING_FAILED,
) -> Chosen:
    """Choose the files of alternate sources that a plan has, of all that are new.

    `finished`: the last sequence before. A rebuild takes again what the sequences until then took. `unreachable`: why
    the files of sources could not be listed; their alternates stand in, or this error is the run's.
    """
    chosen = Chosen(dict(inputs))
    covered = PlanStore(space.lake, pipeline.name).covered(finished).files if pipeline.primaries else {}
    for other, name in pipeline.primaries.items():
        declared, others = pipeline.file_sources[name].otherwise, _files(inputs[other])
        kept = others.files
        stand_in: StandIn = "taken"
        if mode == "full" and finished:
            kept = tuple(file for file in kept if file.path in covered.get(other, {}))
            taken = _taken_before(pipeline, space, other, finished) if kept else set()
            chosen.passed_over[other] = [file.path for file in kept if file.path not in taken]
        elif _files(inputs[name]).files:
            kept, stand_in = tuple(file for file in kept if not file.changed), "ready"
        elif declared is not None and kept:
            failed = unreachable.get(name)
            stand_in = "unreachable" if failed is not None else stand_in
            said = f"which cannot be reached: {_line(failed)}" if failed else _missing(declared, space, name, covered)
            kept = kept if said else ()
            count = f"{len(kept)} file{'s' * (len(kept) != 1)}"
            chosen.reasons.extend([f"{other}: {count} in place of {name}, {said}"] if said else [])
        if name in unreachable and not kept:
            raise unreachable[name]
        chosen.inputs[other] = FilesInput(kept)
        if len(kept) > len(chosen.passed_over.get(other, ())):
            chosen.stand_ins[other] = stand_in
    return chosen


def _files(given: Input) -> FilesInput:
    return given if isinstance(given, FilesInput) else FilesInput(())


def may_be_unreachable(pipeline: Pipeline, name: str, mode: Mode, finished: int) -> bool:
    """Whether an alternate may stand in for a source that cannot be reached; a rebuild without it would lose rows."""
    declared = pipeline.file_sources[name].otherwise
    return declared is not None and "unreachable" in declared.when and not (mode == "full" and finished)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _missing(declared: Alternate, space: Workspace, name: str, covered_files: Seen) -> str:
    """Say that a source without a new file is missing; empty where it is not, or not for long enough."""
    if "missing" not in declared.when:
        return ""
    times = [datetime.fromisoformat(str(signature[1])) for signature in covered_files.get(name, {}).values()]
    if not times:
        return "which has no file"
    age = (space.now or datetime.now(UTC)) - max(times)
    if declared.after is not None and age <= declared.after:
        return ""
    limit = f" for {say_duration(declared.after)}" if declared.after else ""
    return f"which has had no new file{limit}"


def _taken_before(pipeline: Pipeline, space: Workspace, other: str, finished: int) -> set[str]:
    """The files of an alternate source that earlier sequences took: a rebuild takes them again.

    One that is not finished yet may take what it has ready, so that counts: too much is better than a row lost.
    """
    store = PlanStore(space.lake, pipeline.name)
    found: set[str] = set()
    for seq in range(1, finished + 1):
        manifest = store.manifest(seq)
        told = manifest["report"]["sources"].get(other, {}).get("stands_in") if manifest else "not told yet"
        plan = store.plan(seq) if told else None
        if plan is not None and other in plan.stand_ins:
            passed = plan.passed_over.get(other, ())
            found |= {file.path for file in _files(plan.inputs[other]).files if file.path not in passed}
    return found


def stands_in(pipeline: Pipeline, plan: RunPlan, other: str, rejected: Iterable[Rejected]) -> str:
    """Say for whom and why an alternate source stands in; empty where it does not.

    `rejected`: the files of its primary that are refused as a whole.
    """
    name = pipeline.primaries[other]
    declared = pipeline.file_sources[name].otherwise
    state = plan.stand_ins.get(other)
    if state is None or declared is None:
        return ""
    if state == "unreachable":
        return f"{name}, which could not be reached"
    if state == "taken":
        words = "which it stood in for before" if plan.mode == "full" and plan.seq > 1 else "of which no file is new"
        return f"{name}, {words}"
    reasons = {one.file.path: one.reason for one in rejected}
    files = _files(plan.inputs[name]).files
    if any(file.path not in reasons for file in files):
        return ""
    over = [reason for reason in reasons.values() if reason.startswith(OVER_BUDGET)]
    if over:
        return f"{name}, which is over its budget" if "budget" in declared.when else ""
    told = "the only new file is refused" if len(files) == 1 else f"all {len(files)} new files are refused"
    return f"{name}, of which {told}" if "rejected" in declared.when else ""


def may_relieve(pipeline: Pipeline, plan: RunPlan, name: str) -> bool:
    """Whether an alternate stands ready for a source that is over its budget."""
    declared = pipeline.file_sources[name].otherwise
    return declared is not None and "budget" in declared.when and plan.stand_ins.get(declared.source) == "ready"


def all_files(plan: RunPlan, name: str, reason: str) -> dict[str, str]:
    """All files of a source in a plan, with the reason why they are left out."""
    return {file.path: f"{OVER_BUDGET}: {reason}" for file in _files(plan.inputs[name]).files}
