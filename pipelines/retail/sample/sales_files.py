"""Sales as delivered: honest rows with troubles put in, rows held back, sent again or corrected later."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.retail.sample.campaigns import Campaign, uplifts
from pipelines.retail.sample.catalogue import Catalogue
from pipelines.retail.sample.dialects import Dialect
from pipelines.retail.sample.product_files import product_file
from pipelines.retail.sample.sales import FIELDS, REGIONS, Row, market_on, price_text, sell
from pipelines.retail.sample.sales_schedule import (
    CARRIED_DAYS,
    CUT_LINE,
    SalesFile,
    SalesSchedule,
    Slot,
    build_schedule,
)
from pipelines.retail.sample.sales_volume import lines_per_day
from pipelines.retail.sample.spoiling import BAD_KINDS, Arrival, Line, put, spoil
from pipelines.retail.sample.truth import written_in

DELIVERED_AT_S = 23 * 3600 + 1800
REGION_DELAY_S = 300
RENAMED = {"quantity": "qty"}
TRUNCATED_SHARE = 0.6
SPOILED_SHARE = 0.5  # no file has more of its rows in trouble
HEADER_LINES = 1
TIMESTAMP = FIELDS.index("transaction_timestamp")
QUANTITY = FIELDS.index("quantity")

Placed = tuple[float, Line]


@dataclass(frozen=True, slots=True)
class SalesOfDay:
    """The sales files of one day, and the units really sold per (store, product)."""

    files: list[Delivered]
    units: Counter[tuple[str, str]]


@dataclass
class SalesFeed:
    """Sales day by day; it remembers the rows that are still to come in a later file.

    Attributes:
        request: The sample asked for.
        catalogue: The products on sale.
        campaigns: What is promoted when.
        lines: Sale lines of each day, day 1 first.
        schedule: The files and their troubles.
    """

    request: SampleRequest
    catalogue: Catalogue
    campaigns: list[Campaign]
    lines: list[int] = field(init=False)
    schedule: SalesSchedule = field(init=False)
    _carried: defaultdict[Slot, list[Line]] = field(init=False, default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        """Lay out the whole period."""
        self.lines = lines_per_day(self.request, uplifts(self.campaigns, self.request.days))
        self.schedule = build_schedule(self.request, self.catalogue, self.lines)

    def deliver(self, day: int) -> SalesOfDay:
        """Return the files of a day. Days are asked for in order, each once."""
        market = market_on(self.catalogue, self.campaigns, day)
        first_number = 1 + sum(self.lines[: day - 1])
        sold = sell(self.request, market, day, first_number, self.lines[day - 1])
        files = [self._file(self.schedule.files[day, region], sold.rows[region]) for region in REGIONS]
        return SalesOfDay(files=files, units=sold.units)

    def _file(self, file: SalesFile, rows: list[Row]) -> Delivered:
        if file.is_rejected:
            return _rejected(file, [Line(row) for row in rows])
        placed = self._troubled(file, rows) + self._arriving(file, len(rows))
        lines = [line for _, line in sorted(placed, key=lambda pair: pair[0])]
        return _readable(file, lines)

    def _arriving(self, file: SalesFile, count: int) -> list[Placed]:
        dice = self.request.dice("arriving", file.day, file.region)
        return [(dice.uniform(-1, count - 1), line) for line in self._carried.pop((file.day, file.region), [])]

    def _troubled(self, file: SalesFile, rows: list[Row]) -> list[Placed]:
        """Put a file's own troubles into its rows; each line gets a place, by which they are sorted later."""
        dice = self.request.dice("trouble", file.day, file.region)
        slot = (file.day, file.region)
        kinds = self.schedule.kinds[slot][: int(len(rows) * SPOILED_SHARE)]
        arrivals = self._arrivals(file.day)
        placed: list[Line | None] = [Line(row) for row in rows]
        extra: list[Placed] = []
        for place, kind in zip(dice.sample(range(len(rows) - 1), len(kinds)) if kinds else (), kinds, strict=True):
            row = rows[place]
            if kind in BAD_KINDS:
                placed[place] = spoil(kind, row, dice, arrivals)
            elif kind in CARRIED_DAYS:
                placed[place] = None if kind == "late" else placed[place]
                later = dice.choice(self.schedule.later_days(slot, kind))
                self._carried[later, file.region].append(_carry(kind, row, dice))
            else:
                copy = Line(row, Mark(kind, "duplicate"))
                extra.append((place + dice.uniform(0.1, max(1, len(rows) - 1 - place)) - 0.05, copy))
        if file.fault == CUT_LINE and rows:
            placed[-1] = Line(rows[-1], Mark(CUT_LINE), cut=True)
        return [(float(place), line) for place, line in enumerate(placed) if line] + extra

    def _arrivals(self, day: int) -> list[Arrival]:
        """Return the products that are sold on a day before their record has come."""
        found = []
        for product_id in self.catalogue.missing_on(day):
            arrival = self.catalogue.arrivals[product_id]
            price = price_text(self.catalogue.known_on(arrival)[product_id].retail_cents)
            found.append(Arrival(product_id, price, product_file(self.request, arrival)))
        return found


def _carry(kind: str, row: Row, dice: Random) -> Line:
    """Return a row as it comes in a later file: late, again, or changed."""
    if kind == "late":
        return Line(row, Mark(kind, "late"))
    if kind == "duplicate_resent":
        return Line(row, Mark(kind, "duplicate"))
    if kind == "update":
        quantity = str(int(row[QUANTITY]) + dice.randint(1, 3))
        return Line(put(row, "quantity", quantity), Mark(kind, "updated", column="quantity"))
    moment = row[TIMESTAMP]
    earlier = date.fromisoformat(moment[:10]) - timedelta(days=1)
    moved = put(row, "transaction_timestamp", f"{earlier}{moment[10:]}")
    return Line(moved, Mark(kind, "updated", column="transaction_timestamp"))


def _readable(file: SalesFile, lines: list[Line]) -> Delivered:
    notes = tuple(
        Note(line=number, key=line.row[0] or None, mark=line.mark)
        for number, line in enumerate(lines, start=1 + HEADER_LINES)
        if line.mark
    )
    return _delivered(file, file.dialect.render(lines), len(lines), None, notes)


def _rejected(file: SalesFile, lines: list[Line]) -> Delivered:
    """Return a file that is refused as a whole; its rows are nowhere else."""
    dialect: Dialect = file.dialect
    if file.fault == "empty":
        return _delivered(file, b"", 0, file.fault)
    if file.fault == "wrong_header":
        header = tuple(RENAMED.get(name, name) for name in dialect.columns)
        return _delivered(file, dialect.render(lines, header), len(lines), file.fault)
    content = dialect.render(lines)
    return _delivered(file, content[: int(len(content) * TRUNCATED_SHARE)], None, file.fault)


def _delivered(
    file: SalesFile, content: bytes, rows: int | None, fault: str | None, notes: tuple[Note, ...] = ()
) -> Delivered:
    return Delivered(
        source="sales",
        name=file.name,
        day=file.day,
        second=DELIVERED_AT_S + REGION_DELAY_S * REGIONS.index(file.region),
        content=content,
        rows=rows,
        fault=fault,
        details=written_in(file.dialect.encoding, file.dialect.delimiter),
        notes=notes,
    )
