"""What is kept of the rows of checkpoints, and whether the definitions of a project would still find it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from framework.errors import SluiceError
from framework.lake import StageStore
from framework.run.fingerprints import node_fingerprints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.definition import Pipeline
    from framework.lake import KeptStage
    from framework.run.workspace import Workspace


@dataclass(frozen=True)
class Listed:
    """A stage that is kept; `unfit`: why no run would find it as the definitions are now, empty where one would.

    One would if its input is the same, too.
    """

    stage: KeptStage
    unfit: str = ""


def kept_stages(space: Workspace, pipelines: Mapping[str, Pipeline]) -> list[Listed]:
    """List what is kept, the latest use first."""
    known: dict[tuple[str, str], Mapping[str, str]] = {}
    found = []
    for stage in StageStore(space.kept).stages():
        asked = (stage.pipeline, repr(sorted(stage.parameters.items())))
        if asked not in known:
            known[asked] = _code(stage, pipelines)
        found.append(Listed(stage, _unfit(stage, pipelines, known[asked])))
    return sorted(found, key=lambda one: one.stage.used_at or one.stage.created_at, reverse=True)


def _code(stage: KeptStage, pipelines: Mapping[str, Pipeline]) -> Mapping[str, str]:
    """The fingerprints of a pipeline as it is now; none where it is gone or cannot be planned."""
    if stage.pipeline not in pipelines:
        return {}
    try:
        return node_fingerprints(pipelines[stage.pipeline], stage.parameters)
    except SluiceError:  # `sluice check` says what is wrong with it; no run finds anything until then
        return {}


def _unfit(stage: KeptStage, pipelines: Mapping[str, Pipeline], code: Mapping[str, str]) -> str:
    if stage.pipeline not in pipelines:
        return "its pipeline is gone"
    if stage.polars != pl.__version__:
        return f"computed by Polars {stage.polars}"
    steps = {step.name for step in pipelines[stage.pipeline].steps if step.checkpoint}
    if stage.stage.partition("#")[0] not in steps:
        return "its checkpoint is gone"
    changed = sorted(node for node, fingerprint in stage.code.items() if code.get(node) != fingerprint)
    return f"{', '.join(changed)} changed" if changed else ""
