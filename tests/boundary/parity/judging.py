"""The verdict of a schema on each row: ours, and that of Pandera's own eager validation."""

# ruff: noqa: TC002 - Pandera is imported where schemas are made

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandera.polars as pa
import polars as pl
from hypothesis import settings
from pandera.errors import SchemaErrors

from framework.boundary import QUARANTINE_SCHEMA, check, compile_contract
from framework.run.verdicts import look_again
from tests.boundary.checking import located


@dataclass(frozen=True)
class Verdict:
    """Which rows (from 0) are refused, and whether a rule over all of them is broken."""

    refused: frozenset[int]
    is_broken: bool = False


def pandera_says(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> Verdict:
    """What Pandera finds with `validate(lazy=True)` on a data frame, at full depth."""
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        if cases["failure_case"].dtype == pl.String:
            raised = cases.filter(pl.col("failure_case").str.contains("(Error|Exception)\\("))
            assert raised.height == 0, raised.rows()  # a check that raises says nothing about rows
        refused = frozenset(cases["index"].drop_nulls().to_list())
        return Verdict(refused, is_broken=cases["index"].null_count() > 0)
    return Verdict(frozenset())


def sluice_says(schema: Any, *parts: pl.DataFrame, **asked: Any) -> Verdict:
    """What the compiled schema says of the same rows, in one streaming execution; the accounts are checked."""
    quarantined: list[pl.DataFrame] = []
    starts = [sum(part.height for part in parts[:n]) for n in range(len(parts))]
    placed = [
        located(part).with_columns(pl.col("_source_line") + start - 1)
        for part, start in zip(parts, starts, strict=True)
    ]
    contract = compile_contract(schema, **asked)
    checked = check(placed, contract, source="rows", quarantine=quarantined.append)
    accepted = checked.accepted.collect(engine="streaming")
    tally = checked.tally
    refused = pl.concat(quarantined) if quarantined else pl.DataFrame(schema=QUARANTINE_SCHEMA)
    assert tally.rows_in == tally.accepted + tally.refused == sum(part.height for part in parts)
    assert (tally.accepted, tally.refused) == (accepted.height, refused.height)
    assert not set(accepted["_source_line"]) & set(refused["line"])
    findings = checked.totals.findings(look_again)
    return Verdict(frozenset(refused["line"]), any(not f.holds for f in findings if f.rule.severity == "error"))


HALF = settings(max_examples=max(5, settings.default.max_examples // 2))
"""For tests with a parameter per type: an example holds a hundred rows."""
