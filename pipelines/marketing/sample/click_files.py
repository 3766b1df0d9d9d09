"""The click-stream as delivered: four compressed files a day, some rows spoiled, late or sent twice, a file broken."""

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, NamedTuple

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.marketing.sample.records import Batch, Event
from pipelines.marketing.sample.traffic import BLOCK_S

SOURCE = "marketing/clicks"
BLOCKS = 4
GZIP_LEVEL = 6
TRUNCATED_AT, TRUNCATED_BLOCK = 0.35, 3
LATE_FILE_AT, LATE_FILE_BLOCK, LATE_FILE_DAYS = 0.55, 0, 2
BAD_SHARE = 0.012
SPECIAL_SHARES = {"duplicate_same_file": 0.002, "duplicate_resent": 0.002, "late": 0.004, "ip_unreadable": 0.001}
CARRIED_DAYS = 3
LAST_SECOND = 86_399
FEW = 4
"""A file of fewer events has no troubles: one corrupt line would be the whole of it."""
DELAY_S = 60

Document = dict[str, Any]


def _put(name: str, *values: object) -> Callable[[Document, Random], Document]:
    return lambda document, dice: document | {name: dice.choice(values)}


SPOILERS: dict[str, tuple[str, Callable[[Document, Random], Document]]] = {
    "ts_unparsable": ("occurred_at", _put("ts", "yesterday", "2024-02-30T10:00:00.000Z", "11.03.2024 10:00")),
    "ts_future": ("occurred_at", lambda document, _: document | {"ts": f"2099-06-15{document['ts'][10:]}"}),
    "event_id_missing": ("event_id", _put("event_id", None)),
    "event_id_malformed": ("event_id", _put("event_id", "e-1", "EVENT")),
    "user_id_missing": ("user_id", _put("user_id", None, "")),
    "type_unknown": ("type", _put("type", "hover", "CLICK")),
}
CORRUPT = "line_corrupt"
BAD_KINDS = (*SPOILERS, CORRUPT)
UNREADABLE_IPS = ("unknown", "10.0.0.300", "-")


class Line(NamedTuple):
    """One line of a file; `event` is null where it is refused."""

    text: str
    event: Event | None
    key: str | None
    mark: Mark | None = None


@dataclass
class ClickFeed:
    """The files in order of days; it remembers the lines that are still to come. Ask for days in order, once."""

    request: SampleRequest
    _carried: defaultdict[tuple[int, int], list[Line]] = field(init=False, default_factory=lambda: defaultdict(list))
    _held: defaultdict[int, list[Batch]] = field(init=False, default_factory=lambda: defaultdict(list))
    _turn: int = field(init=False, default=0)

    def deliver(self, day: int, events: list[Event]) -> Iterator[Batch]:
        """Yield the files that arrive on a day."""
        for block in range(BLOCKS):
            batch = self._batch(day, block, [event for event in events if _block_of(event) == block])
            if batch.file.rows == 0:
                continue
            if batch.file.day == day:
                yield batch
            else:
                self._held[batch.file.day].append(batch)
        yield from self._held.pop(day, [])

    def _batch(self, day: int, block: int, events: list[Event]) -> Batch:
        if block == TRUNCATED_BLOCK and day in self.request.fault_days(TRUNCATED_AT):
            content = _packed([_text(event) for event in events])
            return Batch(self._file(day, block, content[: int(len(content) * 0.6)], None, fault="truncated_gzip"))
        lines = self._troubled(day, block, events)
        notes = tuple(Note(place, line.key, line.mark) for place, line in enumerate(lines, start=1) if line.mark)
        file = self._file(day, block, _packed([line.text for line in lines]), len(lines), notes=notes)
        return Batch(file, [line.event for line in lines if line.event])

    def _troubled(self, day: int, block: int, events: list[Event]) -> list[Line]:
        """Put troubles into a file's lines; they stay in order of time but for those that come again."""
        dice = self.request.dice("clicks", day, block)
        lines: list[Line] = []
        again: list[Line] = []
        for event in events:
            kind = None if event.is_planned or len(events) < FEW else self._kind(dice)
            if kind in BAD_KINDS:
                lines.append(_spoiled(kind, event, dice))
                continue
            if kind == "ip_unreadable":
                changed = replace(event, ip=dice.choice(UNREADABLE_IPS), is_internal=False)
                lines.append(Line(_text(changed), changed, event.event_id, Mark(kind, "accepted", "ip")))
                continue
            later = self._later(day, block, dice) if kind in {"late", "duplicate_resent"} else None
            if kind == "late" and later:
                self._carried[later].append(Line(_text(event), event, event.event_id, Mark(kind, "late")))
                continue
            lines.append(Line(_text(event), event, event.event_id))
            copy = Line(_text(event), event, event.event_id, Mark(str(kind), "duplicate"))
            if kind == "duplicate_same_file":
                again.append(copy)
            elif later:
                self._carried[later].append(copy)
        for line in [*again, *self._carried.pop((day, block), [])]:
            lines.insert(dice.randint(len(lines) // 2, len(lines)), line)
        return lines

    def _kind(self, dice: Random) -> str | None:
        draw = dice.random()
        if draw < BAD_SHARE:
            self._turn += 1
            return BAD_KINDS[self._turn % len(BAD_KINDS)]
        draw -= BAD_SHARE
        for kind, share in SPECIAL_SHARES.items():
            if draw < share:
                return kind
            draw -= share
        return None

    def _later(self, day: int, block: int, dice: Random) -> tuple[int, int] | None:
        """The file of a later day in which a line comes, never one that is broken or late itself."""
        found = [
            (other, block)
            for other in range(day + 1, min(self.request.days, day + CARRIED_DAYS) + 1)
            if not (block == TRUNCATED_BLOCK and other in self.request.fault_days(TRUNCATED_AT))
            and not (block == LATE_FILE_BLOCK and other in self._late_days())
            and not (block == LATE_FILE_BLOCK and day in self._late_days())
        ]
        return dice.choice(found) if found else None

    def _late_days(self) -> list[int]:
        late = self.request.fault_days(LATE_FILE_AT)
        return [day for day in late if day + LATE_FILE_DAYS <= self.request.days]

    def _file(
        self,
        day: int,
        block: int,
        content: bytes,
        rows: int | None,
        fault: str | None = None,
        notes: tuple[Note, ...] = (),
    ) -> Delivered:
        is_late = block == LATE_FILE_BLOCK and day in self._late_days()
        return Delivered(
            source=SOURCE,
            name=f"clicks_{self.request.date_of(day)}_{block * BLOCK_S // 3600:02d}.ndjson.gz",
            day=day + LATE_FILE_DAYS if is_late else day,
            second=min((block + 1) * BLOCK_S + DELAY_S, LAST_SECOND),
            content=content,
            rows=rows,
            fault=fault,
            details={"late_days": LATE_FILE_DAYS} if is_late else {},
            notes=notes,
        )


def _block_of(event: Event) -> int:
    return event.at.hour * 3600 // BLOCK_S


def _spoiled(kind: str, event: Event, dice: Random) -> Line:
    if kind == CORRUPT:
        text = _text(event)
        return Line(text[: len(text) * dice.randint(3, 8) // 10], None, None, Mark(kind))
    column, spoil = SPOILERS[kind]
    document = spoil(_document(event), dice)
    return Line(_dump(document), None, document["event_id"], Mark(kind, column=column))


def _document(event: Event) -> Document:
    utm = {"source": event.source, "medium": event.medium, "campaign": event.campaign} if event.source else None
    return {
        "event_id": event.event_id,
        "ts": event.at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{event.at.microsecond // 1000:03d}Z",
        "user_id": event.user_id,
        "ip": event.ip,
        "user_agent": event.agent,
        "type": event.kind,
        "url": event.url,
        "utm": utm,
    }


def _text(event: Event) -> str:
    return _dump(_document(event))


def _dump(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _packed(lines: list[str]) -> bytes:
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), GZIP_LEVEL, mtime=0)
