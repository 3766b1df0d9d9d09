"""Small histories of two dozen entities, with ties in time, nulls in every column, and NaN."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import polars as pl
from hypothesis import strategies as st

START = datetime(2024, 3, 31, tzinfo=UTC)  # the clocks of Europe change at 01:00 UTC
SCHEMA = {
    "user": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "n": pl.Int32,
    "score": pl.Float64,
    "paid": pl.Decimal(12, 2),
    "is_new": pl.Boolean,
}


def history(seed: int, *, size: int = 120, users: int = 25) -> list[dict]:
    """Rows that follow from a seed, up to `size` of them; about one value in ten is null."""
    chance = Random(seed)

    def maybe(value):
        return None if chance.random() < 0.1 else value

    return [
        {
            "user": maybe(f"u{chance.randrange(users)}"),
            "at": maybe(START + timedelta(hours=chance.randrange(12))),
            "n": maybe(chance.randint(-3, 9)),
            "score": maybe(chance.choice([0.5, -2.0, 3.25, float("nan")])),
            "paid": maybe(Decimal(chance.randint(-500, 500)) / 100),
            "is_new": maybe(chance.random() < 0.5),
        }
        for _ in range(chance.randrange(size + 1))
    ]


ROWS = st.integers(0, 2**32).map(history)


def frame(rows: list[dict]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=SCHEMA)
