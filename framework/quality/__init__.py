"""Quality: profile what a run staged, hold it against history and expectations, score it, and report on it."""

from framework.quality.columns import ColumnProfile, Facts
from framework.quality.drift import bins_of, with_drift
from framework.quality.history import Record, Run, from_rows, to_rows
from framework.quality.judge import Case, judge
from framework.quality.profile import Look, Profile, profile, show
from framework.quality.score import parts_of, score
from framework.quality.watch import Watch

__all__ = [
    "Case",
    "ColumnProfile",
    "Facts",
    "Look",
    "Profile",
    "Record",
    "Run",
    "Watch",
    "bins_of",
    "from_rows",
    "judge",
    "parts_of",
    "profile",
    "score",
    "show",
    "to_rows",
    "with_drift",
]
