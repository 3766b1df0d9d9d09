"""Small retail histories for property tests: a few files of every source, some delivered again, and when each arrives.

Keys are few, so that files collide: updates, duplicates, moves between days, ties in file time, products that come
late, change or never come. A file that is delivered again is newer, keeps its keys and may add some, unless records may
be withdrawn as well.
"""

import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import strategies as st

from tests.oracle.reading import COLUMNS

NOW = datetime(2024, 3, 1, tzinfo=UTC)
STEPS = 4
OPENING = ("PRD001", "PRD002")
PROFILE = {
    "customer_id": pl.String,
    "first_name": pl.String,
    "last_name": pl.String,
    "email": pl.String,
    "phone": pl.String,
    "registration_date": pl.Date,
    "customer_tier": pl.String,
    "preferred_categories": pl.List(pl.String),
}
Record = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """One content of a path: when it arrives (the number of the run), its file time in hours, and its records."""

    step: int
    path: str
    hour: int
    records: tuple[Record, ...]

    def write(self, raw: Path) -> None:
        """Put it into the raw folder, over what was there."""
        target = raw / self.path
        target.parent.mkdir(parents=True, exist_ok=True)
        seconds = int(datetime(2024, 2, 1, self.hour, tzinfo=UTC).timestamp())
        WRITERS[self.path.partition("/")[0]](target, self.records)
        os.utime(target, (seconds, seconds))


@dataclass(frozen=True)
class History:
    """All versions of all files."""

    versions: tuple[Version, ...]

    def arriving(self, step: int) -> list[Version]:
        """What arrives before a run, older versions first."""
        return [version for version in self.versions if version.step == step]


def _write_csv(target: Path, records: tuple[Record, ...]) -> None:
    columns = COLUMNS[target.parent.name]
    lines = [",".join(columns), *(",".join(str(record[name]) for name in columns) for record in records)]
    target.write_text("\n".join(lines) + "\n")


def _write_products(target: Path, records: tuple[Record, ...]) -> None:
    target.write_text(json.dumps({"products": records}))


def _write_campaigns(target: Path, records: tuple[Record, ...]) -> None:
    target.write_text(json.dumps(records))


def _write_customers(target: Path, records: tuple[Record, ...]) -> None:
    pl.DataFrame(list(records), schema=PROFILE, orient="row").write_parquet(target)


WRITERS = {
    "sales": _write_csv,
    "inventory": _write_csv,
    "products": _write_products,
    "campaigns": _write_campaigns,
    "customers": _write_customers,
}


def _one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


MOMENTS = _one_of("2024-01-01 09:00:00", "2024-01-01 21:30:00", "2024-01-02 09:00:00", "2024-01-03 00:00:00")
PRODUCT_IDS = _one_of("PRD001", "PRD001", "PRD002", "PRD003", "PRD004")
STORE_IDS = _one_of("ST001", "ST002")
GOOD = {
    "sales": {
        "transaction_id": _one_of(*(f"TXN00{n}" for n in range(1, 7))),
        "store_id": STORE_IDS,
        "customer_id": _one_of("CUST001", "CUST002", "CUST003"),
        "product_id": PRODUCT_IDS,
        "quantity": _one_of("1", "3"),
        "unit_price": _one_of("0.335", "9.99"),
        "discount_percent": _one_of("0", "12.5"),
        "transaction_timestamp": MOMENTS,
    },
    "products": {
        "product_id": _one_of("PRD001", "PRD002", "PRD003"),  # the fourth never comes
        "name": st.just("Thing"),
        "category": _one_of("Toys", "Home", "Garden"),
        "brand": _one_of("Atlas", None),
        "cost_price": _one_of(0.25, 1.015, 3),
        "retail_price": st.just(5.5),
        "last_updated": _one_of("2024-01-02T00:00:00Z", "2024-01-01T00:00:00Z", "2024-01-03T00:00:00Z"),
    },
    "customers": {
        "customer_id": _one_of("CUST001", "CUST002", "CUST004"),
        "first_name": st.just("Ada"),
        "last_name": st.just(None),
        "email": _one_of("ada@example.com", None),
        "phone": st.just(None),
        "registration_date": _one_of(date(2023, 5, 1), date(2023, 6, 1)),
        "customer_tier": _one_of("gold", "silver"),
        "preferred_categories": _one_of(["Toys"], []),
    },
    "inventory": {
        "update_id": _one_of("UPD001", "UPD002", "UPD003"),
        "store_id": STORE_IDS,
        "product_id": _one_of("PRD001", "PRD002"),
        "quantity_change": _one_of("5", "8"),
        "update_timestamp": MOMENTS,
        "update_type": _one_of("restock", "adjustment"),
    },
    "campaigns": {
        "campaign_id": _one_of("CMP001", "CMP002"),
        "name": st.just("Deal"),
        "start_date": _one_of("2024-01-01", "2024-01-02"),
        "end_date": _one_of("2024-01-02", "2024-01-03"),
        "target_categories": _one_of(["Toys"], ["Toys", "Home"]),
        "performance": _one_of(
            {"impressions": 100, "clicks": 8, "conversions": 2, "revenue": 40.5},
            {"impressions": 0, "clicks": 0, "conversions": 0, "revenue": 0},
        ),
    },
}
BAD = {
    "sales": _one_of({"quantity": "0"}, {"quantity": "two"}, {"transaction_timestamp": "01/02/2024"}),
    "products": _one_of({"cost_price": -1}, {"retail_price": None}),
    "customers": _one_of({"customer_tier": "tin"}, {"email": "nobody"}),
    "inventory": _one_of({"quantity_change": "0"}, {"update_type": "lost"}),
    "campaigns": _one_of({"performance": {"impressions": 1, "clicks": 2, "conversions": 0, "revenue": 0}}),
}
FILES = {"sales": (2, 4), "products": (1, 3), "customers": (0, 2), "inventory": (0, 2), "campaigns": (0, 2)}
MOST_RECORDS = {"sales": 5, "products": 2, "customers": 2, "inventory": 3, "campaigns": 2}
KEPT = {
    "sales": {"transaction_id", "product_id"},  # another product may be unknown, which would withdraw the sale
    "products": {"product_id"},
    "customers": {"customer_id"},
    "inventory": {"update_id"},
    "campaigns": {"campaign_id"},
}
"""What a correction leaves as it is."""
EXTENSION = {"sales": "csv", "inventory": "csv", "products": "json", "campaigns": "json", "customers": "parquet"}


@st.composite
def _records(draw: st.DrawFn, source: str, at_least: int = 1) -> list[Record]:
    size = draw(st.integers(at_least, MOST_RECORDS[source]))  # drawn apart: lists of free size are mostly short
    good = st.fixed_dictionaries(GOOD[source])
    records = draw(st.lists(good, min_size=size, max_size=size))
    return [row | draw(BAD[source]) if draw(st.integers(0, 9)) == 9 else row for row in records]


@st.composite
def _corrected(draw: st.DrawFn, source: str, version: Version) -> Version:
    """Deliver a file again, later: some records corrected, some added, in any order."""
    records = []
    is_same_again = draw(st.integers(0, 2)) == 2
    for record in version.records:
        changes: Record = {}
        if not is_same_again and draw(st.booleans()):
            changes = {name: draw(values) for name, values in GOOD[source].items() if name not in KEPT[source]}
        if "last_updated" in record:
            changes["last_updated"] = max(record["last_updated"], changes.get("last_updated", ""))
        records.append(record | changes)
    added = [] if is_same_again else draw(_records(source, at_least=0))
    return replace(
        version,
        step=draw(st.integers(version.step, STEPS - 1)),
        hour=version.hour + draw(st.integers(1, 2)),
        records=tuple(draw(st.permutations([*records, *added]))),
    )


@st.composite
def _rewritten(draw: st.DrawFn, source: str, version: Version) -> Version:
    """Deliver a file again with another time, earlier or later: some records kept, the others gone, new ones added.

    Of a product only what is said of it changes: one that is unknown again would take back its sales.
    """
    kept = [record for record in version.records if draw(st.booleans())]
    if source == "products":
        said = {name: values for name, values in GOOD[source].items() if name not in KEPT[source]}
        kept = [record | draw(st.fixed_dictionaries(said)) for record in version.records]
    return replace(
        version,
        step=draw(st.integers(version.step, STEPS - 1)),
        hour=version.hour + draw(st.sampled_from([-1, 1, 2])),
        records=tuple(draw(st.permutations([*kept, *draw(_records(source))]))),
    )


@st.composite
def _first(draw: st.DrawFn, source: str, name: str) -> Version:
    return Version(
        step=draw(st.integers(0, STEPS - 1)),
        path=f"{source}/{name}.{EXTENSION[source]}",
        hour=draw(st.integers(1, 3)),
        records=tuple(draw(_records(source, at_least=2 if source == "sales" else 1))),
    )


@st.composite
def histories(draw: st.DrawFn, *, withdrawing: bool = False) -> History:
    """Draw a history; any run may find nothing new. Mostly two products are known from the start.

    With `withdrawing`, files that are delivered again may have lost records, or hold bad ones, or be older than before.
    """
    firsts = [
        draw(_first(source, f"file_{number}"))
        for source, (fewest, most) in FILES.items()
        for number in range(draw(st.integers(fewest, most)))
    ]
    if draw(st.integers(0, 3)):
        one = st.fixed_dictionaries(GOOD["products"])
        known = tuple(draw(one) | {"product_id": name, "last_updated": "2024-01-01T00:00:00Z"} for name in OPENING)
        firsts.append(Version(0, "products/opening.json", 1, known))
    again = []
    for first in (one for one in firsts if draw(st.booleans())):
        source = first.path.partition("/")[0]
        is_rewritten = withdrawing and draw(st.booleans())
        again.append(draw((_rewritten if is_rewritten else _corrected)(source, first)))
    return History(tuple(sorted([*firsts, *again], key=lambda version: version.step)))
