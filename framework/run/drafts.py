"""What an attempt at a plan has staged and nobody sees yet, and how it comes about though files fail the reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.core.events import emit
from framework.errors import SourceError
from framework.run.alternates import all_files
from framework.run.compiled import contracts
from framework.run.left_out import (
    NOTHING,
    LeftOut,
    changed_files,
    decided,
    is_behind,
    judge_plan,
    may_be_a_file,
    planned_stamps,
    stamps,
)
from framework.run.news import appended_from

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from framework.boundary import Contract
    from framework.core.plan import RunPlan
    from framework.definition import Pipeline
    from framework.lake import Committed, StagingArea
    from framework.run.across import Gathering
    from framework.run.intake import Intake
    from framework.run.left_out import Stamps
    from framework.run.stages import Kept
    from framework.run.targets import Target
    from framework.run.workspace import Workspace

ROUNDS = 4
"""How often a plan is staged whose files change while they are read."""
SHOWN = 5
CHANGED = "the file has changed since the run was planned; the next run reads it as it is now"
_WHOLE = "write it under a name that begins with a dot, and rename it once it is whole"


@dataclass(frozen=True)
class Draft:
    """What an attempt stages: its contracts, its sources, and the tables that it is going to publish.

    `gathered`: what rules across tables look at of the rows while they pass. `kept`: the stages that were ready before.
    """

    known: dict[str, Contract]
    intakes: dict[str, Intake]
    targets: list[Target]
    held: StagingArea
    kept: Kept
    gathered: Sequence[Gathering] = ()

    @property
    def refused(self) -> LeftOut:
        """The files that were refused as a whole, for whatever reason."""
        return LeftOut({name: {r.file.path: r.reason for r in one.rejected} for name, one in self.intakes.items()})

    def discard(self) -> None:
        """Delete what was staged."""
        for area in (self.held, *(target.area for target in self.targets)):
            area.discard()


@dataclass(frozen=True)
class Drafting:
    """How drafts of one plan are made: `begin` opens one that leaves out files, `stage` runs it; `phase` takes time."""

    pipeline: Pipeline
    plan: RunPlan
    space: Workspace
    begin: Callable[[LeftOut], Draft]
    stage: Callable[[Draft], None]
    phase: Callable[[str], AbstractContextManager[None]]

    def first(self, *, apart: bool, is_resumed: bool) -> Draft:
        """Stage the plan for the first time in this attempt.

        Args:
            apart: Whether each file is to be read apart before, as an earlier attempt died while it read.
            is_resumed: Whether an earlier attempt has left the plan unfinished: its quarantine may be published.
        """
        final = decided(self.plan, self.space) if is_resumed and self.pipeline.file_sources else None
        if final is None and apart:
            return self.draft(self._judge(NOTHING))
        return self.draft(final or NOTHING)

    def draft(self, left_out: LeftOut) -> Draft:
        """Stage the plan. What changes meanwhile is read again, files that fail the reading are left out.

        Raises:
            SourceError: when files keep changing, or one cannot be read that must not be left out any more.
            Exception: what stopped the plan, where no file is to blame.
        """
        chosen, before = left_out, planned_stamps(self.plan)
        torn: list[tuple[str, str]] = []
        for _ in range(ROUNDS):
            draft, error = self._try(chosen)
            now = stamps(self.plan, self.space)
            refused = chosen.files | (draft.refused.files if draft else frozenset())
            torn = changed_files(before, now, self.plan, refused)
            if not torn and error is None and draft is not None:
                return self._held_to(chosen, draft)
            if draft is not None:
                draft.discard()
            if torn:
                paths = _some([path for _, path in torn])
                _warn("run.reread", f"{self.plan.pipeline}: {paths} changed since planned; all is read again")
                chosen, before = self._without_changed(chosen, torn, now), now
            elif error is not None:
                chosen = self._without_harmful(chosen, refused, error)
        raise SourceError(f"{_some([path for _, path in torn])} changed each time it was read; {_WHOLE}")

    def relieved(self, draft: Draft, over: Mapping[str, str]) -> Draft:
        """Stage the plan anew without the files of sources that are over their budget: their alternates stand in."""
        if not over:
            return draft
        reasons = {name: dict(paths) for name, paths in draft.refused.reasons.items()}
        for name, reason in over.items():
            reasons[name] = all_files(self.plan, name, reason)
            _warn("run.reread", f"{self.plan.pipeline}: {name} is over its budget, an alternate stands in: {reason}")
        draft.discard()
        return self.draft(LeftOut(reasons))

    def agreed(self, draft: Draft, published: Mapping[str, Committed], others: Sequence[str]) -> Draft:
        """Hold a draft against the quarantine of its sequence, now that it is published, before the `others` are.

        Where another attempt has published it and left out other files, the plan is staged anew, as it says.
        """
        if all(one.by_us for one in published.values()) or not is_behind(self.plan, self.space, others):
            return draft
        final = decided(self.plan, self.space)
        if final is None or final.files == draft.refused.files:
            return draft
        draft.discard()
        _warn("run.reread", f"{self.plan.pipeline}: another attempt left out other files; all is read again")
        return self.draft(final)

    def _try(self, left_out: LeftOut) -> tuple[Draft | None, BaseException | None]:
        """Make a draft; gives what stopped it, if that can be the doing of a file."""
        draft = None
        try:
            draft = self.begin(left_out)
            self.stage(draft)
        except BaseException as error:
            if draft is not None:
                draft.discard()
            if not may_be_a_file(error):
                raise
            return draft, error
        return draft, None

    def _judge(self, already: LeftOut) -> LeftOut:
        with self.phase("apart"):
            return judge_plan(self.pipeline, self.plan, self.space, contracts(self.pipeline), already)

    def _without_changed(self, chosen: LeftOut, torn: Sequence[tuple[str, str]], now: Stamps) -> LeftOut:
        """Leave what has changed to the next sequence, where its rows would be appended and those of the next as well.

        Elsewhere it is read as it is now, and what the next sequence reads of it takes the place of that.
        """
        if chosen.is_final:
            return chosen
        reasons = {source: dict(paths) for source, paths in chosen.reasons.items()}
        for source, path in torn:
            if now[path] is not None and appended_from(self.pipeline, source):
                reasons.setdefault(source, {})[path] = CHANGED
        return LeftOut(reasons)

    def _without_harmful(self, chosen: LeftOut, refused: frozenset[tuple[str, str]], error: BaseException) -> LeftOut:
        """Find the files that are to blame for an error, and leave them out as well."""
        if chosen.is_judged and not chosen.is_final:
            raise error
        text = (str(error).splitlines() or [""])[0]
        _warn("run.apart", f"{self.plan.pipeline}: reading failed, each file is read apart now: {text}")
        judged = self._judge(chosen)
        found = judged.files - refused
        if not found:
            raise error
        if chosen.is_final:
            raise SourceError(_lost(self.plan, judged, found)) from error
        return judged

    def _held_to(self, chosen: LeftOut, draft: Draft) -> Draft:
        """Refuse a draft that leaves out more than it may."""
        found = draft.refused.files - chosen.files
        if chosen.is_final and found:
            draft.discard()
            raise SourceError(_lost(self.plan, draft.refused, found))
        return draft


def _lost(plan: RunPlan, left_out: LeftOut, found: frozenset[tuple[str, str]]) -> str:
    """Say that files cannot be read any more of which part is published."""
    reasons = [f"  {path}: {left_out.reasons[source][path]}" for source, path in sorted(found)[:SHOWN]]
    more = [f"  and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    head = f"sequence {plan.seq} of {plan.pipeline} is published in part, and files of it cannot be read any more:"
    fix = "bring them back as they were and run again, or rebuild with --full"
    return "\n".join([head, *reasons, *more, fix])


def _warn(name: str, text: str) -> None:
    emit(name, text, level="WARNING")


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:SHOWN]) + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")
