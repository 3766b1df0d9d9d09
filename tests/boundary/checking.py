"""Holding a handful of rows against a schema the way a run does."""

# ruff: noqa: TC002 - Pandera is imported where models are made

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandera.polars as pa
import polars as pl

from framework.boundary import QUARANTINE_SCHEMA, Known, Tally, check, compile_contract

MOMENT = datetime(2024, 5, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    accepted: pl.DataFrame
    rejected: pl.DataFrame
    tally: Tally

    @property
    def passed(self) -> list[int]:
        """The lines of the accepted rows."""
        return sorted(self.accepted["_source_line"].to_list())

    @property
    def reasons(self) -> dict[int, list[str]]:
        """The reasons of the rejected rows, by line."""
        return dict(self.rejected.sort("line").select("line", "reasons").rows())


def located(rows: pl.DataFrame, file: str = "f.csv") -> pl.LazyFrame:
    """Raw rows with provenance; lines from 1."""
    lines = rows.with_row_index("_source_line", offset=1).with_columns(pl.col("_source_line").cast(pl.Int64))
    place = [pl.lit(MOMENT).dt.cast_time_unit("us").alias("_source_time"), pl.lit(file).alias("_source_file")]
    return lines.with_columns(place).lazy()


def hold(model: type[pa.DataFrameModel], *parts: pl.DataFrame | pl.LazyFrame, **asked: Any) -> Outcome:
    """Check parts of raw rows in one execution; the invariants of every boundary are checked on the way."""
    refused: list[pl.DataFrame] = []
    frames = [located(part) if isinstance(part, pl.DataFrame) else part for part in parts]
    contract = compile_contract(model)
    asked["known"] = Known(asked.pop("known", None) or {}, asked.pop("repeated", {}))
    checked = check(frames, contract, source="orders", quarantine=refused.append, **asked)
    accepted = checked.accepted.collect(engine="streaming")
    tally = checked.tally
    rejected = pl.concat(refused) if refused else pl.DataFrame(schema=QUARANTINE_SCHEMA)
    assert tally.rows_in == tally.accepted + tally.refused + tally.blank
    assert tally.accepted == accepted.height
    assert tally.refused == rejected.height or asked.get("on_invalid") == "drop"
    assert dict(accepted.schema) == {**contract.schema, **{n: accepted.schema[n] for n in accepted.columns[-3:]}}
    return Outcome(accepted, rejected, tally)
