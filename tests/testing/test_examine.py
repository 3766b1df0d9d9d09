"""What a step that gives other rows when it runs again is told: that it is not repeatable, or depends on the order."""

from __future__ import annotations

from itertools import count

import pandera.polars as pa
import polars as pl
import pytest

from framework.boundary import compile_contract
from framework.definition.step import read_step, step
from framework.testing.steps import examine
from framework.testing.steps.finding import Broken


class Total(pa.DataFrameModel):
    total: int


def totals(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.select(total="a")


ROWS = {"rows": pl.DataFrame({"a": [1]})}
ENGINES = {examine.STREAMING, examine.IN_MEMORY, examine.EAGER}


@pytest.mark.parametrize(
    ("wavers_on", "ordered", "check", "found"),
    [
        ({examine.STREAMING}, False, "order", examine.WAVERS),
        ({examine.STREAMING}, True, "repeat", "it gave other rows when it ran again"),
        (ENGINES, False, "repeat", "it gave other rows when it ran again"),
    ],
    ids=["streaming", "streaming, order declared", "everywhere"],
)
def test_rows_that_waver_where_order_is_free_depend_on_it(monkeypatch, wavers_on, ordered, check, found):
    """Streaming sums of floats waver by chance: here an engine that does so for certain stands in for it."""
    runs = count()

    def compute(subject, frames, *, engine=examine.STREAMING):
        return pl.DataFrame({"total": [next(runs) if engine in wavers_on else 0]})

    monkeypatch.setattr(examine, "compute", compute)
    subject = examine.Subject(read_step(step(returns=Total, ordered=ordered)(totals))[0], compile_contract(Total))
    with pytest.raises(Broken) as caught:
        examine.examine(subject, ROWS)
    assert (caught.value.finding.check, caught.value.finding.found) == (check, found)
    assert caught.value.finding.difference.select("in", "total").rows() == [("once", 0), ("again", 1)]
