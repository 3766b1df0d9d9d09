"""Frames with one broken rule: the mirror of the boundary."""

from __future__ import annotations

import pandera.polars as pa
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import Unsatisfiable

from framework.errors import SchemaError
from framework.testing import broken
from tests.boundary.checking import hold
from tests.testing.test_frames import SCHEMAS

pytestmark = pytest.mark.drawn(3)

FEW = settings(
    derandomize=True,
    database=None,
    max_examples=2,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_boundary_refuses_the_broken_rows_and_no_others_with_the_reason(schema):
    @settings(FEW)
    @given(broken(schema))
    def refused(case):
        outcome = hold(schema, case.frame)
        assert outcome.reasons == {number + 1: [case.reason] for number in case.broken}
        assert len(outcome.passed) == case.frame.height - len(case.broken)

    refused()


class Order(pa.DataFrameModel):
    order_id: str = pa.Field(unique=True, str_length={"min_value": 2, "max_value": 2})
    kind: str = pa.Field(isin=["buy", "sell"])
    amount: int = pa.Field(ge=-100, le=100)
    rate: float = pa.Field(gt=0, lt=1)
    items: int = pa.Field(nullable=True)

    @pa.dataframe_check(error="only what is sold is below zero")
    def sign(cls, data):  # noqa: N805
        import polars as pl

        return data.lazyframe.select((pl.col("amount") < 0) == (pl.col("kind") == "sell"))


REASONS = [
    "order_id: must not be empty",
    "kind: must not be empty",
    "amount: must not be empty",
    "rate: must not be empty",
    "order_id: must have 2 to 2 characters",
    "kind: must be one of ['buy', 'sell']",
    "amount: must be >= -100",
    "amount: must be <= 100",
    "rate: must be > 0",
    "rate: must be < 1",
    "only what is sold is below zero",
    "order_id: must be unique",
]


@pytest.mark.parametrize("reason", REASONS)
def test_each_rule_can_be_asked_for(reason):
    case = find(broken(Order, rule=reason), lambda _: True, settings=settings(FEW, max_examples=200))
    assert case.reason == reason
    assert hold(Order, case.frame).reasons == {number + 1: [reason] for number in case.broken}
    assert len(case.broken) == (2 if "unique" in reason else 1)


def test_a_rule_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(SchemaError) as caught:
        broken(Order, rule="rate: must be > 1")
    assert str(caught.value) == (
        "Order has no rule 'rate: must be > 1' that a row can break;"
        " did you mean 'rate: must be > 0' or 'rate: must be < 1'?"
    )


class Overlapping(pa.DataFrameModel):
    number: int = pa.Field(unique=True)
    kind: str = pa.Field(isin=["x"])

    class Config:
        unique = ("number", "kind")


def test_a_rule_that_cannot_be_broken_alone_is_not_given():
    only_together = broken(Overlapping, rule="number: must be unique")
    with pytest.raises(Unsatisfiable):
        find(only_together, lambda _: True, settings=settings(FEW, max_examples=4))
