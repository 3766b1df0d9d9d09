"""Run parameters: text becomes what the step's annotation says, and every wrong one is named."""

# ruff: noqa: TC001, TC002 - annotations of steps are read at run time

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Literal

import pandera.polars as pa
import polars as pl
import pytest

from framework.core.typed import LazyFrame
from framework.definition import Pipeline, step, table
from framework.errors import ConfigurationError
from framework.run.parameters import resolve_parameters, typed_parameters
from framework.sources import csv_files


class Row(pa.DataFrameModel):
    id: int


@step(returns=Row)
def kept(
    rows: LazyFrame[Row],
    since: date,
    limit: int = 5,
    ratio: Decimal = Decimal("0.10"),
    mode: Literal["a", "b"] = "a",
    names: list[str] | None = None,
) -> pl.LazyFrame:
    return rows


PIPELINE = Pipeline(
    "retail.kept", sources={"rows": csv_files("*.csv")}, steps=[kept], outputs=[table("retail/kept", of=kept)]
)


def test_text_becomes_what_the_annotation_says():
    given = {"since": "2024-01-05", "limit": "7", "ratio": "0.25", "mode": "b", "names": ["x"]}
    values = resolve_parameters(PIPELINE, given)
    assert values == {"since": "2024-01-05", "limit": 7, "ratio": "0.25", "mode": "b", "names": ["x"]}
    assert typed_parameters(PIPELINE, values) == {
        "since": date(2024, 1, 5), "limit": 7, "ratio": Decimal("0.25"), "mode": "b", "names": ["x"],
    }  # fmt: skip


def test_values_survive_the_plan_s_json():
    values = resolve_parameters(PIPELINE, {"since": date(2024, 1, 5)})
    assert typed_parameters(PIPELINE, json.loads(json.dumps(values))) == {
        "since": date(2024, 1, 5), "limit": 5, "ratio": Decimal("0.10"), "mode": "a", "names": None,
    }  # fmt: skip


def test_everything_wrong_is_named_at_once():
    with pytest.raises(ConfigurationError) as caught:
        resolve_parameters(PIPELINE, {"limt": "3", "limit": "many", "mode": "c"})
    assert str(caught.value) == (
        "retail.kept: there is no parameter 'limt'; did you mean 'limit'?; "
        "parameter 'since' needs a value: --param since=...; "
        "parameter 'limit': Input should be a valid integer, unable to parse string as an integer, got 'many'; "
        "parameter 'mode': Input should be 'a' or 'b', got 'c'"
    )


def test_pipeline_without_parameters_takes_none():
    bare = Pipeline("x", sources={"rows": csv_files("*", schema=Row)}, outputs=[table("x", of="rows")])
    assert resolve_parameters(bare, {}) == {}
    with pytest.raises(ConfigurationError) as caught:
        resolve_parameters(bare, {"limit": 1})
    assert str(caught.value) == "x: there is no parameter 'limit'; it takes none"
