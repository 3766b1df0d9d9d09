"""Stages: where a pipeline is cut, what of it was computed before, and what a run computes and writes down."""

from framework.run.stages.attempt import Attempt
from framework.run.stages.graph import LAST, Stage, stages_of
from framework.run.stages.room import make_room
from framework.run.stages.taken_up import Kept, carry_out, require_sound, take_in_all
from framework.run.stages.tasks import StageTask, missing_stages, run_stage

__all__ = [
    "LAST",
    "Attempt",
    "Kept",
    "Stage",
    "StageTask",
    "carry_out",
    "make_room",
    "missing_stages",
    "require_sound",
    "run_stage",
    "stages_of",
    "take_in_all",
]
