"""Labels as delivered: per cut-off what users did in the two weeks after it, some late, some empty, some corrected."""

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from random import Random

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.features.sample.behaviour import History
from pipelines.features.sample.people import Person
from pipelines.features.sample.troubles import Batch

SOURCE = "features/labels"
HORIZON_DAYS = 14
SEEN_DAYS = 7
FIRST_CUTOFF, CUTOFF_EVERY = 8, 2
DELIVERED_AT_S = 5 * 3600
HEADER = "user_id,as_of,churned,spend_next_14d"
SHARES = {"late": 0.06, "label_missing": 0.05, "spend_corrected": 0.02}
BAD_SHARE = 0.02
LATE_DAYS, CORRECTED_AFTER_DAYS = 3, 1
SPOILERS = {
    "as_of_unparsable": ("as_of", "next Monday"),
    "as_of_missing": ("as_of", ""),
    "churned_unknown": ("churned", "2"),
    "churned_not_a_number": ("churned", "maybe"),
    "spend_negative": ("spend_next_14d", "-12.50"),
    "spend_not_a_number": ("spend_next_14d", "12.5 EUR"),
}
UNLABELLED = (("churned",), ("spend_next_14d",), ("churned", "spend_next_14d"))


@dataclass(frozen=True, slots=True)
class Label:
    """A label as text; empty: not known."""

    user_id: str
    as_of: str
    churned: str
    spend_next_14d: str

    def line(self) -> str:
        """Return it as a line."""
        return f"{self.user_id},{self.as_of},{self.churned},{self.spend_next_14d}"


Entry = tuple[Label, Mark | None]


def cutoffs(request: SampleRequest) -> list[int]:
    """Return the days for whose beginning there are labels by the end of the period."""
    return list(range(FIRST_CUTOFF, request.days - HORIZON_DAYS + 1, CUTOFF_EVERY))


def label_batches(request: SampleRequest, people: list[Person], history: History) -> list[Batch[Label]]:
    """Return all label files, in order of delivery."""
    due: defaultdict[int, list[Entry]] = defaultdict(list)
    for day in cutoffs(request):
        labels = _labels(request, people, history, day)
        kinds = _kinds(request, len(labels), day)
        for place, label in enumerate(labels):
            _deliver(due, label, day + HORIZON_DAYS, kinds.get(place), request.dice("label", label.user_id, day))
    return [_batch(request, day, due[day]) for day in sorted(due) if day <= request.days]


def _labels(request: SampleRequest, people: list[Person], history: History, day: int) -> list[Label]:
    """Return the labels of one cut-off: of everybody who was seen in the week before it."""
    moments: defaultdict[str, list[datetime]] = defaultdict(list)
    for event in history.events:
        moments[event.user_id].append(event.at)
    spent = _spent(request, history, day)
    found = []
    for person in people:
        mine = moments[person.user_id]
        if _is_seen(request, mine, day - SEEN_DAYS, day):
            has_left = not _is_seen(request, mine, day, day + HORIZON_DAYS)
            amount = Decimal(spent[person.user_id]) / 100
            found.append(Label(person.user_id, str(request.date_of(day)), str(int(has_left)), f"{amount:.2f}"))
    return found


def _is_seen(request: SampleRequest, moments: list[datetime], first: int, end: int) -> bool:
    place = bisect_left(moments, request.moment(first, 0))
    return place < len(moments) and moments[place] < request.moment(end, 0)


def _spent(request: SampleRequest, history: History, day: int) -> Counter[str]:
    """Return the cents paid per user in the two weeks from a day on."""
    begin, end = request.moment(day, 0), request.moment(day + HORIZON_DAYS, 0)
    spent: Counter[str] = Counter()
    for payment in history.payments:
        if begin <= payment.at < end:
            spent[payment.user_id] += payment.cents
    return spent


def _kinds(request: SampleRequest, count: int, day: int) -> dict[int, str]:
    """Draw the labels of a cut-off that are spoiled or special, by their place."""
    dice = request.dice("label kinds", day)
    wanted = max(round(count * BAD_SHARE), min(len(SPOILERS), count // 8))
    drawn = [sorted(SPOILERS)[number % len(SPOILERS)] for number in range(wanted)]
    for kind, share in SHARES.items():
        drawn += [kind] * max(1, round(count * share))
    places = dice.sample(range(count), min(len(drawn), count // 2))
    return dict(zip(places, drawn, strict=False))


def _deliver(due: dict[int, list[Entry]], label: Label, day: int, kind: str | None, dice: Random) -> None:
    """Put a label into the file of its day, or of a later one; it may be empty, spoiled, or corrected later."""
    if kind is None:
        due[day].append((label, None))
    elif kind == "late":
        due[day + dice.randint(1, LATE_DAYS)].append((label, Mark(kind, "late")))
    elif kind == "label_missing":
        empty = dice.choice(UNLABELLED)
        column = empty[0] if len(empty) == 1 else None
        due[day].append((replace(label, **dict.fromkeys(empty, "")), Mark(kind, "unlabelled", column=column)))
    elif kind == "spend_corrected":
        amount = Decimal(label.spend_next_14d) + dice.randint(1, 40)
        corrected = replace(label, spend_next_14d=str(amount))
        due[day].append((label, None))
        due[day + CORRECTED_AFTER_DAYS].append((corrected, Mark(kind, "updated", column="spend_next_14d")))
    else:
        column, value = SPOILERS[kind]
        due[day].append((replace(label, **{column: value}), Mark(kind, column=column)))


def _batch(request: SampleRequest, day: int, entries: list[Entry]) -> Batch[Label]:
    lines = [HEADER, *(label.line() for label, _ in entries)]
    file = Delivered(
        source=SOURCE,
        name=f"labels_{request.date_of(day)}.csv",
        day=day,
        second=DELIVERED_AT_S,
        content="".join(f"{line}\n" for line in lines).encode(),
        rows=len(entries),
        details={"encoding": "utf-8", "delimiter": ","},
        notes=tuple(Note(line, label.user_id, mark) for line, (label, mark) in enumerate(entries, 2) if mark),
    )
    good = tuple(label for label, mark in entries if mark is None or mark.verdict != "quarantined")
    return Batch(file, good)
