"""Conversions as delivered: the CRM's export in UTC, and the shops' in the time their clocks show."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import NamedTuple

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.marketing.sample.calendar import ZONE
from pipelines.marketing.sample.conversions import clocks_go_forward
from pipelines.marketing.sample.records import Batch, Conversion
from pipelines.marketing.sample.reference_files import LATE_CURRENCY, late_currency_day, rates_file

SOURCE = "marketing/conversions"
HEADER = ("conversion_id", "user_id", "converted_at", "type", "value", "currency")
SHOP_HEADER = ("conversion_id", "user_id", "converted_at_local", "type", "value", "currency")
CRM_AT_S, SHOP_AT_S = 86_395, 86_390
WRONG_HEADER_AT, EMPTY_AT = 0.33, 0.65
SPECIAL_SHARES = {"duplicate_resent": 0.06, "value_corrected": 0.05}
CARRIED_DAYS = 4
LAYOUT = "%Y-%m-%d %H:%M:%S"
KNOWN_CURRENCIES = frozenset({"EUR", "CHF", "GBP", "USD"})

Fields = tuple[str, ...]


def _put(place: int, *values: str) -> Callable[[Fields, Random], Fields]:
    return lambda fields, dice: (*fields[:place], dice.choice(values), *fields[place + 1 :])


SPOILERS: tuple[tuple[str, str | None, str, Callable[[Fields, Random], Fields]], ...] = (
    ("currency_malformed", "currency", "quarantined", _put(5, "£", "Fr.«")),  # bytes that are no UTF-8 in latin-1
    ("value_decimal_comma", "value", "quarantined", _put(4, "12,50")),
    ("purchase_negative", "value", "quarantined", lambda f, _: (*f[:3], "purchase", "-12.50", f[5])),
    ("refund_positive", "value", "quarantined", lambda f, _: (*f[:3], "refund", "12.50", f[5])),
    ("converted_at_unparsable", "converted_at", "quarantined", _put(2, "11.03.2024 10:00", "2024-02-30 10:00:00")),
    ("conversion_id_missing", "conversion_id", "quarantined", _put(0, "")),
    ("user_id_missing", "user_id", "quarantined", _put(1, "")),
    ("type_unknown", "type", "quarantined", _put(3, "Kauf", "sale")),
    ("too_many_fields", None, "quarantined", lambda fields, _: (*fields, "x")),
    ("too_few_fields", None, "quarantined", lambda fields, _: fields[:-1]),
    ("currency_unknown", "currency", "waiting", _put(5, "XTS")),
)


class Line(NamedTuple):
    """One line of a file; `conversion` is null where it is refused."""

    fields: Fields
    conversion: Conversion | None
    mark: Mark | None = None


@dataclass
class ConversionFeed:
    """The files in order of days; it remembers the lines that come again. Ask for days in order, once."""

    request: SampleRequest
    _carried: defaultdict[int, list[Line]] = field(init=False, default_factory=lambda: defaultdict(list))

    def crm(self, day: int, conversions: list[Conversion]) -> Batch:
        """Return the CRM's export of a day, or on some days one that is of no use."""
        is_planned = any(one.is_planned for one in conversions)
        if day in self.request.fault_days(EMPTY_AT) and not is_planned:
            return Batch(self._file("crm", day, b"", 0, fault="empty"))
        dice = self.request.dice("crm", day)
        is_broken = day in self.request.fault_days(WRONG_HEADER_AT) and not is_planned
        lines: list[Line] = []
        for one in conversions:
            line = Line(_fields(one), one, self._waiting(day, one))
            lines.append(line)
            if not (is_broken or one.is_planned or line.mark):
                self._send_again(day, one, dice)
        if not is_broken:
            lines += self._carried.pop(day, [])
            lines += [_spoiled(day, turn, dice) for turn in self._turns(day)]
        return self._batch("crm", day, HEADER, lines, fault="wrong_header" if is_broken else None)

    def shop(self, day: int, conversions: list[Conversion]) -> Batch:
        """Return the shops' export of a day; where clocks are put forward, one at a time that none has shown."""
        lines = [Line(_fields(one, local=True), one) for one in conversions]
        if clocks_go_forward(self.request.date_of(day)):
            fields = (f"C8{day:07d}", "U999998", f"{self.request.date_of(day)} 02:30:00", "purchase", "9.90", "EUR")
            lines.append(Line(fields, None, Mark("local_time_left_out", column="converted_at_local")))
        return self._batch("shop", day, SHOP_HEADER, lines)

    def _turns(self, day: int) -> range:
        """All kinds of trouble come on the first day, later two a day, among them always one with odd bytes."""
        return range(len(SPOILERS)) if day == 1 else range(day % len(SPOILERS), day % len(SPOILERS) + 1)

    def _waiting(self, day: int, one: Conversion) -> Mark | None:
        """A currency that the rates do not know yet."""
        if one.currency in KNOWN_CURRENCIES or day >= late_currency_day(self.request):
            return None
        known_from = rates_file(self.request, late_currency_day(self.request))
        return Mark("late_currency", "waiting", "currency", {"currency": LATE_CURRENCY, "known_from": known_from})

    def _send_again(self, day: int, one: Conversion, dice: Random) -> None:
        broken = {*self.request.fault_days(EMPTY_AT), *self.request.fault_days(WRONG_HEADER_AT)}
        later = [d for d in range(day + 1, min(self.request.days, day + CARRIED_DAYS) + 1) if d not in broken]
        draw = dice.random()
        if not later or one.kind != "purchase":
            return
        for kind, share in SPECIAL_SHARES.items():
            if draw < share:
                changed = one if kind == "duplicate_resent" else replace(one, value=one.value + Decimal("3.50"))
                verdict = "duplicate" if kind == "duplicate_resent" else "updated"
                mark = Mark(kind, verdict, None if changed is one else "value")
                self._carried[dice.choice(later)].append(Line(_fields(changed), changed, mark))
                return
            draw -= share

    def _batch(self, name: str, day: int, header: Fields, lines: list[Line], fault: str | None = None) -> Batch:
        shown = tuple("id" if fault and column == "conversion_id" else column for column in header)
        text = "\n".join(";".join(fields) for fields in (shown, *(line.fields for line in lines))) + "\n"
        notes = tuple(Note(n, line.fields[0] or None, line.mark) for n, line in enumerate(lines, start=2) if line.mark)
        file = self._file(name, day, text.encode("latin-1"), len(lines), fault, () if fault else notes)
        return Batch(file, () if fault else [line.conversion for line in lines if line.conversion])

    def _file(
        self, name: str, day: int, content: bytes, rows: int, fault: str | None = None, notes: tuple[Note, ...] = ()
    ) -> Delivered:
        return Delivered(
            source=SOURCE,
            name=f"{name}_{self.request.date_of(day)}.csv",
            day=day,
            second=CRM_AT_S if name == "crm" else SHOP_AT_S,
            content=content,
            rows=rows,
            fault=fault,
            notes=notes,
        )


def _fields(one: Conversion, *, local: bool = False) -> Fields:
    moment = one.at.astimezone(ZONE) if local else one.at
    return (one.conversion_id, one.user_id, moment.strftime(LAYOUT), one.kind, str(one.value), one.currency)


def _spoiled(day: int, turn: int, dice: Random) -> Line:
    """A line of somebody who exists nowhere else, spoiled."""
    kind, column, verdict, spoil = SPOILERS[turn]
    good = (f"C7{day:05d}{turn:02d}", f"U98{day:02d}{turn:02d}", "2024-03-11 10:00:00", "purchase", "10.00", "EUR")
    return Line(spoil(good, dice), None, Mark(kind, verdict, column))
