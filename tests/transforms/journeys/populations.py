"""Small histories of many users, and the frames they make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import polars as pl
from hypothesis import strategies as st

START = datetime(2024, 3, 1, tzinfo=UTC)
AT = pl.Datetime("us", "UTC")
TOUCH_TYPES = {"touch": pl.Int64, "user": pl.Int64, "at": AT, "ad": pl.String}
ORDER_TYPES = {"order": pl.Int64, "user": pl.Int64, "bought_at": AT, "value": pl.Decimal(12, 2)}


def touches_of(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TOUCH_TYPES, orient="row")


def orders_of(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=ORDER_TYPES, orient="row")


@st.composite
def populations(draw, hours: int = 12) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Touches and orders of some users within a few hours: many at one instant, some ids twice, some keys null.

    The size is drawn, the rows come from a seed: a thousand histories cost no more than drawing two numbers each.
    """
    count, busy = draw(st.integers(0, 50)), draw(st.integers(0, 8))
    chance = Random(draw(st.integers(0, 2**32)))
    lost = draw(st.sampled_from([0, 0.05]))

    def some(values):
        return None if chance.random() < lost else chance.choice(values)

    users, times = range(1, count + 2), [START + timedelta(hours=h) for h in range(hours + 1)]
    ads, amounts = ["search", "mail", "video"], [cents(chance.randint(-999, 99_999)) for _ in range(9)]
    touches = [(n, some(users), some(times), some(ads)) for n in range(busy * count)]
    orders = [(some(range(2 * count)), some(users), some(times), some(amounts)) for _ in range(busy * count // 3)]
    return touches_of(touches), orders_of(orders)


def cents(units: int) -> Decimal:
    return Decimal(units).scaleb(-2)
