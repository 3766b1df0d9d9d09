"""Any history of deliveries, corrections, replays and rebuilds ends in the tables that a plain reading of it gives."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandera.polars as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from framework import Pipeline, csv_files, table
from framework.core.typed import DataFrameModel
from framework.lake.quarantine import Selection
from framework.run.quarantine.mending import Correction, mend
from framework.run.quarantine.replay import discard
from tests.run.quarantine_shop import Shop


class Count(DataFrameModel):
    id: str
    quantity: int = pa.Field(gt=0)


COUNTS = Pipeline(
    "t.sales",
    sources={"sales": csv_files("sales/*.csv", schema=Count)},
    outputs=[table("sales", of="sales", mode="merge", key="id")],
)
FILES = "abc"
QUANTITIES = st.sampled_from(["0", "x", "1", "2", "3"])
LINES = st.lists(st.tuples(st.sampled_from("uvw"), QUANTITIES), min_size=1, max_size=3)
ACTS = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from(FILES), LINES),
    st.tuples(st.just("mend"), st.integers(0, 5), QUANTITIES),
    st.tuples(st.just("discard"), st.integers(0, 5)),
    st.tuples(st.just("queue")),
    st.tuples(st.just("run")),
    st.tuples(st.just("rebuild")),
)


class Ledger:
    """What was delivered and decided, kept by hand: the lines of each file with its hour, and the word on each line."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[int, list[list[str]]]] = {}
        self.discarded: set[tuple[str, int]] = set()

    def deliver(self, name: str, hour: int, lines: list[tuple[str, str]]) -> None:
        self.files[name] = (hour, [list(line) for line in lines])
        self.discarded = {(file, line) for file, line in self.discarded if file != name}

    def mend(self, name: str, line: int, quantity: str) -> None:
        self.files[name][1][line - 2][1] = quantity
        self.discarded.discard((name, line))

    def table(self) -> list[tuple[str, int]]:
        """The newest accepted line of each id."""
        newest: dict[str, tuple[tuple[int, str, int], int]] = {}
        for name, (hour, lines) in self.files.items():
            for number, (row, quantity) in enumerate(lines, 2):
                if quantity in {"0", "x"} or (name, number) in self.discarded:
                    continue
                place = (hour, name, number)
                if row not in newest or place > newest[row][0]:
                    newest[row] = (place, int(quantity))
        return sorted((row, quantity) for row, (_, quantity) in newest.items())


def open_rows(shop: Shop) -> list[tuple[str, str, int]]:
    """The rows that can be decided on: id, file, line."""
    held = shop.held(states=("open", "mended", "queued"))
    return [(row["id"], row["file"].removeprefix("sales/").removesuffix(".csv"), row["line"]) for row in held]


def act(shop: Shop, ledger: Ledger, what: tuple) -> None:
    match what:
        case ("deliver", name, lines):
            shop.put(f"sales/{name}.csv", "id,quantity\n" + "".join(f"{i},{q}\n" for i, q in lines))
            ledger.deliver(name, shop.hour, lines)
            shop.run()  # the ids of rows are known once they were read
        case ("mend", number, quantity):
            rows = open_rows(shop)
            if rows:
                row, name, line = rows[number % len(rows)]
                mend(shop.desk(), [Correction(row, {"quantity": quantity})], by="ann", where="a test")
                ledger.mend(name, line, quantity)
        case ("discard", number):
            rows = open_rows(shop)
            if rows:
                row, name, line = rows[number % len(rows)]
                discard(shop.desk(), Selection(ids=(row,)), by="ann")
                ledger.discarded.add((name, line))
        case ("queue",):
            if open_rows(shop):
                shop.queue()
        case ("run",):
            shop.run()
        case ("rebuild",):
            shop.run(full=True)


@settings(max_examples=12)
@given(LINES, st.lists(ACTS, max_size=9))
def test_any_history_ends_as_it_reads(first, history):
    with TemporaryDirectory() as folder:
        shop, ledger = Shop(Path(folder), COUNTS), Ledger()
        for what in [("deliver", "a", first), *history]:
            act(shop, ledger, what)
        if open_rows(shop):
            shop.queue()
        shop.run()
        assert shop.table("id", "quantity") == ledger.table()
        shop.run(full=True)
        assert shop.table("id", "quantity") == ledger.table()
        assert len({row["id"] for row in shop.held(states=("open", "mended", "queued", "discarded"))}) == len(
            shop.held(states=("open", "mended", "queued", "discarded"))
        )
