"""The search platform's daily CSV exports: each states its day and the two days before it once more."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.marketing.sample.campaigns import reported, running
from pipelines.marketing.sample.records import AdRow, Batch

SOURCE = "marketing/search_ads"
HEADER = ("date", "campaign_id", "campaign", "impressions", "clicks", "cost_micros", "currency")
DELIVERED_AT_S = 4 * 3600
KNOWN = (0.94, 0.99, 1.0)
"""The share of a day's numbers that is known on that day, on the next, and on the one after it."""
WRONG_HEADER_AT = 0.45
SPOIL_EVERY = 2
MICROS = 1_000_000

Fields = tuple[str, ...]


def _put(name: str, change: Callable[[Fields], str]) -> Callable[[Fields], Fields]:
    place = HEADER.index(name)
    return lambda fields: (*fields[:place], change(fields), *fields[place + 1 :])


SPOILERS: tuple[tuple[str, str | None, str, Callable[[Fields], Fields]], ...] = (
    ("cost_negative", "cost_micros", "quarantined", _put("cost_micros", lambda fields: f"-{fields[5]}")),
    ("clicks_exceed_impressions", "clicks", "quarantined", _put("clicks", lambda fields: f"{fields[3]}0")),
    ("date_unparsable", "date", "quarantined", _put("date", lambda fields: "/".join(fields[0].split("-")[::-1]))),
    ("campaign_id_missing", "campaign_id", "quarantined", _put("campaign_id", lambda _: "")),
    ("currency_unknown", "currency", "waiting", _put("currency", lambda _: "XTS")),
    ("impressions_not_a_number", "impressions", "quarantined", _put("impressions", lambda _: "n/a")),
    ("too_few_fields", None, "quarantined", lambda fields: fields[:-2]),
)


@dataclass
class SearchFeed:
    """The exports in order of days; it remembers what has been reported already."""

    request: SampleRequest
    _reported: dict[tuple[str, str], Fields] = field(init=False, default_factory=dict)

    def deliver(self) -> Iterator[Batch]:
        """Yield one export per day."""
        broken = self.request.fault_days(WRONG_HEADER_AT)
        for day in range(1, self.request.days + 1):
            yield self._rejected(day) if day in broken else self._export(day)

    def _rows(self, day: int) -> list[AdRow]:
        return [
            reported(self.request, campaign, earlier, KNOWN[day - earlier])
            for earlier in range(max(1, day - len(KNOWN) + 1), day + 1)
            for campaign in running("search", earlier)
        ]

    def _export(self, day: int) -> Batch:
        rows = self._rows(day)
        turn, lines, notes, records = day // SPOIL_EVERY, [], [], []
        spoiled = _spoiled_places(day, turn, len(rows))
        for place, row in enumerate(rows):
            fields = written(row)
            mark: Mark | None
            if place in spoiled:
                kind, column, verdict, spoil = SPOILERS[spoiled[place]]
                fields, mark = spoil(fields), Mark(kind, verdict, column)
            else:
                mark = self._restated(day, row, fields)
                records.append(row)
            lines.append(",".join(fields))
            if mark:
                notes.append(Note(len(lines) + 1, row.campaign_id, mark))
        return Batch(self._file(day, HEADER, lines, None, tuple(notes)), records)

    def _restated(self, day: int, row: AdRow, fields: Fields) -> Mark | None:
        """What there is to say of a good row: whether it is new, and if not, whether it says the same again."""
        key = (row.campaign_id, fields[0])
        before = self._reported.get(key)
        self._reported[key] = fields
        if row.day == self.request.date_of(day):
            return None
        if before is None:
            return Mark("first_report", "late")
        return Mark("restated", "duplicate") if before == fields else Mark("restated", "updated", "cost_micros")

    def _rejected(self, day: int) -> Batch:
        header = tuple("cost" if name == "cost_micros" else name for name in HEADER)
        lines = [",".join(written(row)) for row in self._rows(day)]
        return Batch(self._file(day, header, lines, "wrong_header"))

    def _file(
        self, day: int, header: Fields, lines: list[str], fault: str | None, notes: tuple[Note, ...] = ()
    ) -> Delivered:
        return Delivered(
            source=SOURCE,
            name=f"search_{self.request.date_of(day)}.csv",
            day=day,
            second=DELIVERED_AT_S,
            content=("\n".join([",".join(header), *lines]) + "\n").encode(),
            rows=len(lines),
            fault=fault,
            notes=notes,
        )


def _spoiled_places(day: int, turn: int, rows: int) -> dict[int, int]:
    """Return which rows are spoiled by which spoiler: of the first days' files all kinds, then one every other day."""
    if day <= len(SPOILERS):
        return {(day * 5) % rows: (day - 1) % len(SPOILERS)}
    return {(turn * 5) % rows: turn % len(SPOILERS)} if day % SPOIL_EVERY == 0 else {}


def written(row: AdRow) -> Fields:
    """Return a report's fields as they stand in an export."""
    micros = str(int(row.cost * MICROS))
    return (
        str(row.day),
        row.campaign_id,
        str(row.campaign),
        str(row.impressions),
        str(row.clicks),
        micros,
        row.currency,
    )
