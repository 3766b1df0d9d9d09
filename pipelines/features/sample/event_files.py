"""Events as delivered: three files of JSON lines a day, some compressed, with broken, late and repeated lines."""

import gzip
import json
from bisect import bisect_right
from collections.abc import Callable
from random import Random
from typing import Any

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.features.sample.behaviour import Event
from pipelines.features.sample.troubles import Batch, Placed, mark_of, place_rows

SOURCE = "features/events"
CUTS_S = {"early": 8 * 3600, "noon": 16 * 3600, "night": 23 * 3600 + 3000}
"""When the files of a day are cut and delivered; what happens after the last of them comes with the next day."""
TRUNCATED_AT, REPLAY_DELAY_S = 0.4, 60
TRUNCATED_SHARE = 0.6

Record = dict[str, Any]
Change = Callable[[Any, Random], Any]


def _one_of(*values: Any) -> Change:
    return lambda _, dice: dice.choice(values)


SPOILERS: dict[str, tuple[str, Change]] = {
    "at_unparsable": (
        "at",
        lambda at, dice: dice.choice((f"{at[8:10]}/{at[5:7]}/{at[:4]}", f"{at[:4]}-02-30T10:00:00Z")),
    ),
    "at_missing": ("at", _one_of(None)),
    "at_future": ("at", lambda at, _: f"2099-01-15{at[10:]}"),
    "kind_unknown": ("kind", _one_of("hover", "VIEW", "")),
    "duration_negative": ("duration_s", lambda _, dice: -dice.randint(1, 90)),
    "duration_fractional": ("duration_s", _one_of(1.5, 0.25)),
    "duration_not_a_number": ("duration_s", _one_of("n/a", "12s")),
    "user_id_missing": ("user_id", _one_of(None)),
    "user_id_malformed": ("user_id", lambda user, dice: dice.choice((user.lower(), f"{user}x", "guest"))),
    "event_id_missing": ("event_id", _one_of(None)),
}
CORRUPT = "corrupt_line"
KINDS = (*SPOILERS, CORRUPT, "late", "duplicate_same_file", "duplicate_resent")


def event_batches(request: SampleRequest, events: tuple[Event, ...]) -> list[Batch[Event]]:
    """Return all event files in order of delivery, each with the events that a correct run takes from it."""
    slots = [(day, name) for day in range(1, request.days + 1) for name in CUTS_S]
    cuts = [request.moment(day, CUTS_S[name]) for day, name in slots]
    homes = [bisect_right(cuts, event.at) for event in events]
    known = [(event, home) for event, home in zip(events, homes, strict=True) if home < len(slots)]
    placed = place_rows(
        request, "events", [event for event, _ in known], [home for _, home in known], len(slots), KINDS
    )
    files = [_batch(request, number, slot, rows) for number, (slot, rows) in enumerate(zip(slots, placed, strict=True))]
    return files + [_truncated(request, day, events) for day in request.fault_days(TRUNCATED_AT)]


def _batch(request: SampleRequest, number: int, slot: tuple[int, str], rows: list[Placed[Event]]) -> Batch[Event]:
    day, name = slot
    dice = request.dice("event lines", number)
    lines, notes, good = [], [], []
    for line, placed in enumerate(rows, start=1):
        text, mark = _line(placed, dice)
        lines.append(text)
        if mark is not None:
            notes.append(Note(line, None if placed.kind == CORRUPT else placed.row.event_id, mark))
        if mark is None or mark.verdict != "quarantined":
            good.append(placed.row)
    is_packed = number % 2 == 1
    content = "".join(f"{line}\n" for line in lines).encode()
    file = Delivered(
        source=SOURCE,
        name=f"events_{request.date_of(day)}_{name}.ndjson{'.gz' if is_packed else ''}",
        day=day,
        second=CUTS_S[name],
        content=gzip.compress(content, mtime=0) if is_packed else content,
        rows=len(lines),
        details={"encoding": "utf-8"},
        notes=tuple(notes),
    )
    return Batch(file, tuple(good))


def _line(placed: Placed[Event], dice: Random) -> tuple[str, Mark | None]:
    record = _record(placed.row)
    if placed.kind == CORRUPT:
        text = json.dumps(record)
        return dice.choice((text[: len(text) // 2], f"[{text}", "\x00\x00 lost block")), Mark(CORRUPT)
    column = None
    if placed.kind in SPOILERS:
        column, change = SPOILERS[placed.kind]
        record[column] = change(record[column], dice)
    return json.dumps(record), mark_of(placed.kind, column)


def _record(event: Event) -> Record:
    return {
        "event_id": event.event_id,
        "user_id": event.user_id,
        "at": event.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "kind": event.kind,
        "device": event.device,
        "category": event.category,
        "duration_s": event.duration_s,
    }


def _truncated(request: SampleRequest, day: int, events: tuple[Event, ...]) -> Batch[Event]:
    """Return a second sending of some events that broke off."""
    lines = [json.dumps(_record(event)) for event in events[:300]]
    content = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
    file = Delivered(
        source=SOURCE,
        name=f"events_{request.date_of(day)}_replay.ndjson.gz",
        day=day,
        second=CUTS_S["noon"] + REPLAY_DELAY_S,
        content=content[: int(len(content) * TRUNCATED_SHARE)],
        rows=None,
        fault="truncated_gzip",
        details={"encoding": "utf-8"},
    )
    return Batch(file, ())
