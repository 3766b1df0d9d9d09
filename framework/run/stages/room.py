"""Room for the rows of checkpoints: what is too old, or used longest ago beyond the limit, is removed after a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from framework.core.events import emit
from framework.lake import PlanStore, StageStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.lake import KeptStage
    from framework.run.workspace import Workspace

MEANWHILE = timedelta(days=1)
"""What was used within it may be in use by somebody of whose plans nothing is known here."""


def make_room(space: Workspace) -> list[KeptStage]:
    """Remove what is older than it may be, and what is too much; never what an unfinished plan uses. Gives these."""
    keep = space.keep
    if keep is None:
        return []
    store, now = StageStore(space.kept), datetime.now(UTC)
    store.remove_unfinished(now)
    stages = sorted(store.stages(), key=last_use)
    gone = _too_much(stages, space, now)
    for stage in gone:
        store.remove(stage.address)
        text = f"checkpoint '{stage.stage}' of {stage.pipeline}, last used {last_use(stage):%Y-%m-%d %H:%M}, is removed"
        emit("checkpoint.removed", text, level="DEBUG", stage=stage.stage)
    return gone


def _too_much(stages: Sequence[KeptStage], space: Workspace, now: datetime) -> list[KeptStage]:
    """Those to be removed of stages in the order of their last use."""
    keep = space.keep
    total = sum(stage.size for stage in stages)
    gone = []
    for stage in stages:
        is_old = keep is not None and keep.days is not None and now - stage.created_at > timedelta(days=keep.days)
        is_beyond = keep is not None and keep.mb is not None and total > keep.mb * 2**20
        if (is_old or is_beyond) and not is_in_use(stage, space, now):
            total -= stage.size
            gone.append(stage)
    return gone


def last_use(stage: KeptStage) -> datetime:
    """When a stage was last used, or else written down."""
    return max(stage.created_at, stage.used_at or stage.created_at)


def is_in_use(stage: KeptStage, space: Workspace, now: datetime) -> bool:
    """Whether an unfinished plan uses a stage; where its plans cannot be seen from here, whether it was used lately."""
    if stage.used_by is None or stage.used_by[0] != space.lake.root:
        return now - last_use(stage) < MEANWHILE
    _, pipeline, seq = stage.used_by
    plans = PlanStore(space.lake, pipeline)
    is_pending = plans.plan(seq) is not None and plans.manifest(seq) is None
    return is_pending and plans.plan(seq + 1) is None
