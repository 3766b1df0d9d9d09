"""Profiles as delivered: every morning a CSV file of who is new or has another plan, some lines of it spoiled."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.features.sample.people import Person
from pipelines.features.sample.troubles import Batch

SOURCE = "features/users"
EXPORTED_AT_S = 4 * 3600
CRM_DELAY_S = 1800
WRONG_HEADER_AT = 0.6
HEADER = "user_id,signed_up,country,plan,exported"
WRONG_HEADER = HEADER.replace("user_id", "client")
FIRST_GHOST = 900_001


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as text, as it stood on the day of the export."""

    user_id: str
    signed_up: str
    country: str
    plan: str
    exported: str

    def line(self) -> str:
        """Return it as a line."""
        return f"{self.user_id},{self.signed_up},{self.country},{self.plan},{self.exported}"


SPOILERS: tuple[tuple[str, str, Callable[[Profile], Profile]], ...] = (
    ("plan_unknown", "plan", lambda profile: replace(profile, plan="platinum")),
    ("signed_up_unparsable", "signed_up", lambda profile: replace(profile, signed_up="last May")),
    ("signed_up_after_exported", "signed_up", lambda profile: replace(profile, signed_up="2099-12-31")),
    ("user_id_malformed", "user_id", lambda profile: replace(profile, user_id=f"{profile.user_id}?")),
    ("country_malformed", "country", lambda profile: replace(profile, country="Germany")),
    ("exported_missing", "exported", lambda profile: replace(profile, exported="")),
)


def profile_batches(request: SampleRequest, people: list[Person]) -> list[Batch[Profile]]:
    """Return all profile files. A day begun with another plan is exported the morning after, the first day at once."""
    due: dict[int, list[Profile]] = {day: [] for day in range(1, request.days + 1)}
    for person in people:
        for day, plan in person.plans:
            known_on = 1 if day == 1 else day + 1
            if known_on in due:
                due[known_on].append(_profile(person, plan, request.date_of(known_on)))
    files = [_batch(request, day, profiles) for day, profiles in due.items()]
    return files + [_wrong_header(request, day, due[1]) for day in request.fault_days(WRONG_HEADER_AT)]


def _profile(person: Person, plan: str, exported: date) -> Profile:
    return Profile(person.user_id, str(person.signed_up), person.country or "", plan, str(exported))


def _batch(request: SampleRequest, day: int, good: list[Profile]) -> Batch[Profile]:
    dice = request.dice("profiles", day)
    entries: list[tuple[Profile, Mark | None]] = [(profile, None) for profile in good]
    for kind, column, spoil in SPOILERS if day == 1 else dice.sample(SPOILERS, 1):
        ghost = f"US{FIRST_GHOST + day * len(SPOILERS) + len(entries) % len(SPOILERS):06d}"
        profile = replace(good[0], user_id=ghost) if good else Profile(ghost, _day(request, day), "DE", "free", "")
        whole = replace(profile, exported=_day(request, day))
        entries.insert(dice.randint(0, len(entries)), (spoil(whole), Mark(kind, column=column)))
    lines = [HEADER, *(profile.line() for profile, _ in entries)]
    file = Delivered(
        source=SOURCE,
        name=f"users_{request.date_of(day)}.csv",
        day=day,
        second=EXPORTED_AT_S,
        content="".join(f"{line}\n" for line in lines).encode(),
        rows=len(entries),
        details={"encoding": "utf-8", "delimiter": ","},
        notes=tuple(Note(line, profile.user_id, mark) for line, (profile, mark) in enumerate(entries, 2) if mark),
    )
    return Batch(file, tuple(good))


def _day(request: SampleRequest, day: int) -> str:
    return str(request.date_of(day))


def _wrong_header(request: SampleRequest, day: int, opening: list[Profile]) -> Batch[Profile]:
    """Return the export of another system, which names its columns differently."""
    lines = [WRONG_HEADER, *(profile.line() for profile in opening[:20])]
    file = Delivered(
        source=SOURCE,
        name=f"users_{request.date_of(day)}_crm.csv",
        day=day,
        second=EXPORTED_AT_S + CRM_DELAY_S,
        content="".join(f"{line}\n" for line in lines).encode(),
        rows=len(lines) - 1,
        fault="wrong_header",
        details={"encoding": "utf-8", "delimiter": ","},
    )
    return Batch(file, ())
