"""Stock movements: what was sold leaves the shelf, what runs low is restocked, some of it is counted."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.retail.sample.catalogue import Catalogue
from pipelines.retail.sample.sales import STORES, clock
from pipelines.retail.sample.truth import written_in

DELIVERED_AT_S = 23 * 3600
RESTOCK_AT_S, SALE_AT_S, COUNT_AT_S = 6 * 3600, 22 * 3600, 9 * 3600
OPENING_STOCK, LOW_STOCK, RESTOCK = 60, 15, 60
DAYS_OF_COVER = 4
SPOILED_SHARE = 0.01
COUNTED_SHARE = 0.02
HEADER = "update_id,store_id,product_id,quantity_change,update_timestamp,update_type"

Shelf = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Movement:
    """One change of stock at a second of the day."""

    second: int
    shelf: Shelf
    change: int
    kind: str


def _flip(movement: Movement) -> Movement:
    """Return a movement that every sign convention refuses (an adjustment may have either sign)."""
    sale = movement if movement.kind != "adjustment" else replace(movement, kind="sale", change=-1)
    return replace(sale, change=-sale.change)


SPOILERS: tuple[tuple[str, str, Callable[[Movement], Movement]], ...] = (
    ("update_type_unknown", "update_type", lambda movement: replace(movement, kind="shrinkage")),
    ("quantity_change_zero", "quantity_change", lambda movement: replace(movement, change=0)),
    ("quantity_sign_mismatch", "quantity_change", _flip),
)


@dataclass
class StockFeed:
    """Inventory day by day; it remembers what lies on the shelves.

    Attributes:
        request: The sample asked for.
        catalogue: The products on sale.
    """

    request: SampleRequest
    catalogue: Catalogue
    _on_hand: Counter[Shelf] = field(init=False, default_factory=Counter)
    _stocked: set[str] = field(init=False, default_factory=set)
    _next_id: int = field(init=False, default=1)

    def deliver(self, day: int, sold: Counter[Shelf]) -> Delivered:
        """Return the inventory file of a day. Days are asked for in order, each once.

        Args:
            day: The day.
            sold: Units sold that day per (store, product).

        Returns:
            One file, its movements in order of time.
        """
        dice = self.request.dice("inventory", day)
        shelves = sorted(sold)
        movements = self._restock(dice, day, sold)
        movements += [Movement(SALE_AT_S + dice.randrange(1800), shelf, -sold[shelf], "sale") for shelf in shelves]
        movements += _counted(dice, shelves)
        for movement in movements:
            self._on_hand[movement.shelf] += movement.change
        return self._file(day, dice, sorted(movements, key=lambda movement: movement.second))

    def _restock(self, dice: Random, day: int, sold: Counter[Shelf]) -> list[Movement]:
        """Open the shelves of products new in the catalogue, and fill up those that run low."""
        known = self.catalogue.known_on(day).keys()
        new = sorted(known - self._stocked)
        self._stocked |= known
        amounts = {(store, product): OPENING_STOCK for product in new for store in STORES}
        amounts |= {shelf: RESTOCK for shelf, left in sorted(self._on_hand.items()) if left < LOW_STOCK}
        return [
            Movement(RESTOCK_AT_S + dice.randrange(7200), shelf, amount + DAYS_OF_COVER * sold[shelf], "restock")
            for shelf, amount in amounts.items()
        ]

    def _file(self, day: int, dice: Random, movements: list[Movement]) -> Delivered:
        spoiled = max(len(SPOILERS), round(len(movements) * SPOILED_SHARE))
        kinds = {
            place: SPOILERS[turn % len(SPOILERS)]
            for turn, place in enumerate(dice.sample(range(len(movements)), min(spoiled, len(movements) // 2)))
        }
        lines, notes = [HEADER], []
        for place, movement in enumerate(movements):
            update_id = f"UPD{self._next_id + place:08d}"
            final = movement
            if place in kinds:
                kind, column, spoil = kinds[place]
                final = spoil(movement)
                notes.append(Note(len(lines) + 1, update_id, Mark(kind, column=column)))
            lines.append(self._line(day, update_id, final))
        self._next_id += len(movements)
        return Delivered(
            source="inventory",
            name=f"inventory_{self.request.date_of(day)}.csv",
            day=day,
            second=DELIVERED_AT_S,
            content=("\n".join(lines) + "\n").encode(),
            rows=len(movements),
            details=written_in("utf-8", ","),
            notes=tuple(notes),
        )

    def _line(self, day: int, update_id: str, movement: Movement) -> str:
        store, product = movement.shelf
        moment = f"{self.request.date_of(day)} {clock(movement.second)}"
        return f"{update_id},{store},{product},{movement.change},{moment},{movement.kind}"


def _counted(dice: Random, shelves: list[Shelf]) -> list[Movement]:
    """Return a few returned goods and corrections after counting."""
    chosen = dice.sample(shelves, max(1, round(len(shelves) * COUNTED_SHARE))) if shelves else []
    return [
        Movement(COUNT_AT_S + dice.randrange(36_000), shelf, dice.randint(1, 2), "return")
        if number % 2
        else Movement(COUNT_AT_S + dice.randrange(36_000), shelf, dice.choice((-3, -2, -1, 1, 2)), "adjustment")
        for number, shelf in enumerate(chosen)
    ]
