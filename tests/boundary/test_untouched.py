"""What a plan hands through unchanged: never too much."""

import polars as pl
import pytest

from framework.boundary import untouched_columns

ORDERS = pl.Schema({"id": pl.Int64, "amount": pl.Int64, "shop": pl.String})
SHOPS = pl.Schema({"shop": pl.String, "amount": pl.Int64, "town": pl.String})


def find(build):
    return untouched_columns(
        lambda frames: build(frames["orders"], frames["shops"]), {"orders": ORDERS, "shops": SHOPS}
    )


@pytest.mark.parametrize(
    ("build", "columns"),
    [
        (lambda o, _: o, {"id", "amount", "shop"}),
        (lambda o, _: o.filter(pl.col("id") > 1).sort("amount").head(3), {"id", "amount", "shop"}),
        (lambda o, _: o.with_columns(amount=pl.col("amount") * 2), {"id", "shop"}),
        (lambda o, _: o.with_columns(double=pl.col("amount") * 2), {"id", "amount", "shop"}),
        (lambda o, _: o.select("id", pl.col("shop").fill_null("x")), {"id"}),
        (lambda o, _: o.select("id", amount="id"), {"id"}),
        (lambda o, _: o.rename({"id": "amount", "amount": "id"}), {"shop"}),
        (lambda o, s: o.join(s, on="shop", how="left"), {"id", "amount", "shop"}),
        (lambda o, s: o.join(s, on="shop", how="semi"), {"id", "amount", "shop"}),
        (lambda o, s: o.drop("amount").join(s, on="shop"), {"id", "shop"}),
        (lambda o, _: o.unique(), {"id", "amount", "shop"}),
    ],
    ids=[
        "itself",
        "filter, sort, head",
        "changed",
        "added",
        "filled",
        "replaced",
        "swapped",
        "left join",
        "semi join",
        "column of the other side",
        "unique",
    ],
)
def test_columns_that_only_pass_are_untouched(build, columns):
    assert find(build) == ("orders", frozenset(columns))


@pytest.mark.parametrize(
    "build",
    [
        lambda o, s: o.join(s, on="shop", how="full", coalesce=True),
        lambda o, s: s.join(o, on="shop", how="right"),
        lambda o, _: o.group_by("shop").agg(pl.col("amount").sum()),
        lambda o, _: pl.concat([o, o]),
        lambda o, _: o.map_batches(lambda frame: frame),
        lambda o, _: o.shift(1),
        lambda o, _: o.unpivot(index="id"),
    ],
    ids=["full join", "right join", "group", "concat", "python", "shift", "unpivot"],
)
def test_what_cannot_be_followed_leaves_nothing_untouched(build):
    found = find(build)
    assert found is None or not found[1]


def test_the_other_input_is_told_apart():
    assert find(lambda _, s: s.filter(pl.col("amount") > 0)) == ("shops", frozenset(SHOPS.names()))
