"""The counts of a boundary as plain data, and back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import pandera.polars as pa
import polars as pl
import pytest

from framework.boundary import Share, check, compile_contract, counts_to_dict, describe, restore_counts
from framework.boundary.kept import _decoded, _encoded
from tests.boundary.checking import located

if TYPE_CHECKING:
    from framework.boundary import Checked

BY = {
    "text": ["a", "b", "b", None],
    "number": ["1", "2", "2", "x"],
    "flag": ["true", "false", "false", ""],
    "day": ["2026-01-01", "2026-01-02", "2026-01-02", ""],
    "moment": ["2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z", "2026-01-02T10:00:00Z", ""],
    "price": ["1.50", "2.25", "2.25", ""],
}


class Row(pa.DataFrameModel):
    amount: int = pa.Field(gt=0, metadata={"sensitive": True})
    text: str = pa.Field(nullable=True)
    number: int = pa.Field(nullable=True)
    flag: bool = pa.Field(nullable=True)
    day: pl.Date = pa.Field(nullable=True)
    moment: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(nullable=True)
    price: Annotated[pl.Decimal, 10, 2] = pa.Field(nullable=True)


def checked() -> Checked:
    rows = pl.DataFrame({"amount": ["5", "0", "-1", "y"], **BY})
    shares = [Share("*", column) for column in BY] + [Share("amount", "text")]
    return check([located(rows)], compile_contract(Row), source="rows", quarantine=lambda _: None, shares=shares)


def test_counts_that_went_through_json_are_those_that_passed():
    first, second = checked(), checked()
    first.accepted.collect(engine="streaming")
    restore_counts(second, json.loads(json.dumps(counts_to_dict(first.tally))))
    one, other = first.tally, second.tally
    for name in (
        "rows_in",
        "accepted",
        "refused",
        "waiting",
        "blank",
        "rows_filled",
        "broken",
        "warnings",
        "by_column",
    ):
        assert getattr(one, name) == getattr(other, name), name
    assert list(describe(one)) == list(describe(other)) != []
    for share in one.partitions.shares:
        assert set(one.partitions.of(share)) == set(other.partitions.of(share)), share
    assert counts_to_dict(one) == counts_to_dict(other)


def test_no_sensitive_value_is_written_down_with_the_counts():
    found = checked()
    found.accepted.collect(engine="streaming")
    examples = [told["examples"] for *_, told in counts_to_dict(found.tally)["by_rule"]]
    values = [value for every in examples for *_, values in every for name, value in values.items() if name == "amount"]
    assert set(values) == {"***"}


@pytest.mark.parametrize("value", [None, True, 3, "2026-01-01", timedelta(days=1, microseconds=7)])
def test_values_keep_their_type(value):
    assert _decoded(json.loads(json.dumps(_encoded(value)))) == value
