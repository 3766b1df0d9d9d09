"""Which sales files come, in which shape and with which fault, and which troubles each of them holds."""

from bisect import bisect
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from random import Random

from framework.testing import SampleRequest
from pipelines.retail.sample.catalogue import Catalogue
from pipelines.retail.sample.dialects import ACCENT_MATTERS, DIALECTS, GZIP, PLAIN, Dialect
from pipelines.retail.sample.sales import REGION_OF, REGIONS, STORE_WEIGHTS, STORES
from pipelines.retail.sample.spoiling import ACCENTED, BAD_KINDS, LATE_PRODUCT

BAD_SHARE = 0.02
TINY_BAD_SHARE = 0.1  # at most this, where a small sample is to hold one row of each kind
SPECIAL_SHARES = {
    "late": 0.01,
    "duplicate_same_file": 0.003,
    "duplicate_resent": 0.003,
    "update": 0.004,
    "update_moves_day": 0.001,
}
CARRIED_DAYS = {"late": 5, "duplicate_resent": 7, "update": 7, "update_moves_day": 7}
CUT_LINE = "cut_line"
FAULTS = (  # (fault, how far into each four weeks, region)
    ("truncated_gzip", 0.35, "north"),
    (CUT_LINE, 0.5, "south"),
    ("wrong_header", 0.7, "south"),
    ("empty", 0.8, "north"),
)

Slot = tuple[int, str]


@dataclass(frozen=True, slots=True)
class SalesFile:
    """One sales file to come: a region's sales of a day in some shape, broken or not."""

    day: int
    region: str
    name: str
    dialect: Dialect
    fault: str | None

    @property
    def is_rejected(self) -> bool:
        """Whether the file as a whole is refused, so that nothing else may depend on its rows."""
        return self.fault not in {None, CUT_LINE}


@dataclass(frozen=True)
class SalesSchedule:
    """All sales files by (day, region), and the kinds of trouble that start in each."""

    files: dict[Slot, SalesFile]
    kinds: dict[Slot, tuple[str, ...]]

    @cached_property
    def days(self) -> int:
        """Last day of the period."""
        return max(day for day, _ in self.files)

    def later_days(self, slot: Slot, kind: str) -> list[int]:
        """Return the days on which a row of this file may come (again) in a later, readable file."""
        day, region = slot
        last = min(self.days, day + CARRIED_DAYS[kind])
        return [later for later in range(day + 1, last + 1) if not self.files[later, region].is_rejected]


def build_schedule(request: SampleRequest, catalogue: Catalogue, lines: list[int]) -> SalesSchedule:
    """Lay out the files and share the troubles out over those that can be read.

    Args:
        request: The sample asked for.
        catalogue: Tells on which days a late product is sold.
        lines: Sale lines of each day, day 1 first.

    Returns:
        The schedule of the whole period.
    """
    files = _files(request)
    bare = SalesSchedule(files=files, kinds={})
    kinds: dict[Slot, list[str]] = {
        slot: [ACCENTED] if file.dialect.encoding in ACCENT_MATTERS else []
        for slot, file in files.items()
        if not file.is_rejected
    }
    dice = request.dice("troubles")
    for kind, count in _quotas(request.rows).items():
        eligible = [slot for slot in kinds if _is_eligible(kind, slot, bare, catalogue)]
        for slot in _draw_slots(dice, eligible, lines, count):
            kinds[slot].append(kind)
    return SalesSchedule(files=files, kinds={slot: tuple(found) for slot, found in kinds.items()})


def _files(request: SampleRequest) -> dict[Slot, SalesFile]:
    faults = {(day, region): fault for fault, at, region in FAULTS for day in request.fault_days(at)}
    files: dict[Slot, SalesFile] = {}
    turn = 0
    for day in range(1, request.days + 1):
        for region in REGIONS:
            fault = faults.get((day, region))
            if fault:
                dialect = GZIP if fault == "truncated_gzip" else PLAIN
            else:
                dialect = DIALECTS[turn % len(DIALECTS)]
                turn += 1
            name = f"sales_{request.date_of(day)}_{region}{dialect.suffix}"
            files[day, region] = SalesFile(day, region, name, dialect, fault)
    return files


def _quotas(rows: int) -> dict[str, int]:
    """Return how many rows of each kind the whole period holds."""
    wanted = max(round(rows * BAD_SHARE), min(len(BAD_KINDS), int(rows * TINY_BAD_SHARE)))
    bad = Counter(BAD_KINDS[number % len(BAD_KINDS)] for number in range(wanted))
    return dict(bad) | {kind: max(1, round(rows * share)) for kind, share in SPECIAL_SHARES.items()}


def _is_eligible(kind: str, slot: Slot, schedule: SalesSchedule, catalogue: Catalogue) -> bool:
    day, _ = slot
    if kind == LATE_PRODUCT:
        return bool(catalogue.missing_on(day))
    if kind == "update_moves_day" and day == 1:
        return False
    return kind not in CARRIED_DAYS or bool(schedule.later_days(slot, kind))


def _draw_slots(dice: Random, eligible: list[Slot], lines: list[int], count: int) -> list[Slot]:
    """Draw files by their expected number of lines, as often as rows are wanted."""
    if not eligible:
        return []
    expected = accumulate(lines[day - 1] * _region_share(region) for day, region in eligible)
    bounds = list(expected)
    return [eligible[min(bisect(bounds, dice.random() * bounds[-1]), len(eligible) - 1)] for _ in range(count)]


def _region_share(region: str) -> float:
    weights = [weight for store, weight in zip(STORES, STORE_WEIGHTS, strict=True) if REGION_OF[store] == region]
    return sum(weights) / sum(STORE_WEIGHTS)
