"""Rules across tables: what each side comes to, where the two differ, and what is said of it."""

from framework.boundary.across.agreement import differing, side_value
from framework.boundary.across.judged import Judged, judge_agreement, judge_reference
from framework.boundary.across.misfits import across_misfits
from framework.boundary.across.reference import unknown_rows, values_of

__all__ = [
    "Judged",
    "across_misfits",
    "differing",
    "judge_agreement",
    "judge_reference",
    "side_value",
    "unknown_rows",
    "values_of",
]
