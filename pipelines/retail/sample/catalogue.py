"""The products a retailer sells: the opening catalogue, what changes in it, and what arrives late."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from framework.testing import SampleRequest

LINES_PER_PRODUCT = 50
FEWEST_PRODUCTS, MOST_PRODUCTS = 40, 400
DAYS_PER_LATE_PRODUCT = 6
DAYS_SOLD_BEFORE_KNOWN = 5
UPDATE_EVERY_DAYS = 3
CATEGORY_CHANGE_EVERY_DAYS = 14
CHANGED_SHARE = 0.05
WRITTEN_AT_S = 4 * 3600
NAMES = {
    "Electronics": (
        "Wireless Headphones",
        'Monitor 27"',
        "Écran tactile",
        "USB-C Hub 🔌",
        "Gehäuse für Tablets",
    ),
    "Clothing": ("Jeans “Søren”", "Blouse brodée", "Rain Jacket ☔", "Wool Socks, 3 pairs", "Señorita Dress"),
    "Home": ("Crème brûlée Set", 'Kitchen Knife 8"', "Bettwäsche Größe L", "Candle 🕯️ Vanilla", "Oak Shelf"),
    "Sports": ("Yoga Mat 🧘", "Trekking Rucksack", "O'Neill Wetsuit", "Vélo d'appartement", "Dumbbell 5 kg"),
    "Toys": ("Puzzle „Zürich“", "Robot 🤖 Kit", "Plüschbär", 'Game "Go!"', "Wooden Train"),
    "Beauty": ("Crème de nuit", "Shampoo «Açaí»", "Lip Balm 💄", "Eau de Cologne", "Sun Cream SPF 50"),
}
CATEGORIES = tuple(NAMES)
BRANDS = ("TechBrand", "Nørd", "Casa María", "Ünlü", "Atlas & Sons", "Kōbō")


@dataclass(frozen=True, slots=True)
class Product:
    """One product record as of `last_updated` (UTC); prices in cents."""

    product_id: str
    name: str
    category: str
    brand: str
    cost_cents: int
    retail_cents: int
    last_updated: datetime

    def record(self) -> dict[str, object]:
        """Return the record as it stands in a document, prices in units of currency."""
        return {
            "product_id": self.product_id,
            "name": self.name,
            "category": self.category,
            "brand": self.brand,
            "cost_price": self.cost_cents / 100,
            "retail_price": self.retail_cents / 100,
            "last_updated": self.last_updated.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What becomes known about products, and when.

    Attributes:
        updates: Day to the records that first become known on it, at most one per product.
        arrivals: Late product to the day its record arrives.
    """

    updates: dict[int, tuple[Product, ...]]
    arrivals: dict[str, int]

    def known_on(self, day: int) -> dict[str, Product]:
        """Return the state of every product whose record has arrived by a day."""
        return {
            product.product_id: product
            for updated in sorted(self.updates)
            if updated <= day
            for product in self.updates[updated]
        }

    def missing_on(self, day: int) -> list[str]:
        """Return the late products that are already sold on a day though their record has not arrived."""
        return [
            product_id for product_id, arrival in self.arrivals.items() if 0 < arrival - day <= DAYS_SOLD_BEFORE_KNOWN
        ]


def build_catalogue(request: SampleRequest) -> Catalogue:
    """Draw the opening catalogue and all its updates."""
    dice = request.dice("catalogue")
    count = min(max(request.rows // LINES_PER_PRODUCT, FEWEST_PRODUCTS), MOST_PRODUCTS)
    known = {f"PRD{n:04d}": _draw(request, dice, n) for n in range(1, count + 1)}
    updates = {1: tuple(known.values())}
    late = {f"PRD{count + n:04d}": day for n, day in enumerate(_late_days(request.days), start=1)}
    for day in range(2, request.days + 1):
        changed = _changes(request, dice, day, known)
        arriving = [_draw(request, dice, int(product_id[3:])) for product_id, due in late.items() if due == day]
        arriving = [replace(product, last_updated=_written(request, day)) for product in arriving]
        if changed or arriving:
            updates[day] = (*changed, *arriving)
            known |= {product.product_id: product for product in updates[day]}
    return Catalogue(updates=updates, arrivals=late)


def _draw(request: SampleRequest, dice: Random, number: int) -> Product:
    category = CATEGORIES[number % len(CATEGORIES)]
    retail_cents = max(199, round(dice.lognormvariate(7.8, 0.8)))
    updated = request.moment(1, WRITTEN_AT_S) - timedelta(days=dice.randint(5, 90), seconds=dice.randrange(3600))
    return Product(
        product_id=f"PRD{number:04d}",
        name=f"{dice.choice(NAMES[category])} {number}",
        category=category,
        brand=dice.choice(BRANDS),
        cost_cents=round(retail_cents * dice.uniform(0.35, 0.7)),
        retail_cents=retail_cents,
        last_updated=updated,
    )


def _late_days(days: int) -> list[int]:
    count = max(2, days // DAYS_PER_LATE_PRODUCT)
    spread = [1 + round(n * days / (count + 1)) for n in range(1, count + 1)]
    return [day for day in spread if 1 < day <= days]


def _changes(request: SampleRequest, dice: Random, day: int, known: dict[str, Product]) -> list[Product]:
    changed = {}
    if day % UPDATE_EVERY_DAYS == 1:
        for product_id in dice.sample(sorted(known), max(1, round(len(known) * CHANGED_SHARE))):
            changed[product_id] = _reprice(known[product_id], dice)
    if day % CATEGORY_CHANGE_EVERY_DAYS == 0 or day == request.days // 2 + 1:
        product = known[dice.choice(sorted(known)[:10])]
        category = dice.choice([name for name in CATEGORIES if name != product.category])
        changed[product.product_id] = replace(changed.get(product.product_id, product), category=category)
    return [replace(product, last_updated=_written(request, day)) for product in changed.values()]


def _reprice(product: Product, dice: Random) -> Product:
    return replace(
        product,
        cost_cents=max(1, round(product.cost_cents * dice.uniform(0.95, 1.1))),
        retail_cents=max(99, round(product.retail_cents * dice.uniform(0.9, 1.15))),
    )


def _written(request: SampleRequest, day: int) -> datetime:
    return request.moment(day, WRITTEN_AT_S)
