"""From a frame that nobody vouches for to `LazyFrame[Schema]`: the boundary for notebooks, tests and scripts."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NoReturn, TypeVar, cast

import polars as pl

from framework.boundary.check import Checked
from framework.boundary.check import check as sort_rows
from framework.boundary.conform import misplaced, passing
from framework.boundary.contract import Contract, compile_contract
from framework.boundary.messages import describe, describe_findings
from framework.boundary.messages import rows as counted
from framework.core.frames import PROVENANCE, SOURCE_FILE, SOURCE_LINE, SOURCE_TIME
from framework.core.typed import DataFrameModel, LazyFrame
from framework.errors import BoundaryError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[[pl.DataFrame], None]

S = TypeVar("S", bound=DataFrameModel)


def check(rows: pl.LazyFrame, schema: type[S], *, refused: Refused | None = None) -> LazyFrame[S]:
    """Hold any lazy frame against a schema as a source of a pipeline is held, and give it the schema's type.

    One row per row that holds, in their order. Values are cast where nothing is lost, as from files. Columns
    that the schema does not have are left out, but for provenance. Lazy: nothing is read, and the frame is checked in
    the one pass in which it is used.

    Args:
        rows: The frame.
        schema: What its rows must be like.
        refused: Takes the rows that do not hold, batch by batch, in frames of `row` (from 1), `reasons` and `raw` (the
            values as JSON); the last of them once all rows have been read. Without it the first batch with such a row
            fails.

    Raises:
        DefinitionError: when the schema cannot be compiled.
        SchemaError: when a column is missing, or has a type that cannot become the declared one; or when a rule over
            all rows takes a second look at them, which only a pipeline can.
        BoundaryError: when the frame is collected or written, and rows, or all of them together, break a rule.

    >>> class Order(DataFrameModel):
    ...     amount: int
    >>> raw = pl.LazyFrame({"amount": ["1", "2", "x"]})
    >>> bad = []
    >>> check(raw, Order, refused=bad.append).collect()["amount"].to_list()
    [1, 2]
    >>> bad[0].rows()
    [(3, ['amount: must be a whole number'], '{"amount":"x"}')]
    """
    contract = compile_contract(schema)
    if any(rule.second_look for rule in contract.dataset_rules):
        _refuse_to_look()
    found = rows.collect_schema()
    _require_columns(found, contract)
    keep = _nowhere if refused is None else _handing(refused)
    checked = sort_rows([_located(rows)], contract, source="", quarantine=keep)
    columns = [*contract.columns, *(name for name in PROVENANCE if name in found)]
    accepted = checked.accepted.select(columns)
    if refused is None:
        accepted = _failing(accepted, checked, contract)
    if refused is not None or contract.dataset_rules:
        accepted = pl.concat([accepted, _settled(accepted, checked, contract)])
    return cast("LazyFrame[S]", accepted)


def _require_columns(found: pl.Schema, contract: Contract) -> None:
    surplus = [name for name in found if name not in contract.columns and name not in PROVENANCE]
    wrong = []
    for name, spec in contract.columns.items():
        if name not in found and spec.required and spec.default is None:
            near = get_close_matches(name, surplus, n=1)
            wrong.append(f"{name} is missing" + (f" (is '{near[0]}' meant?)" if near else ""))
    if contract.is_strict and surplus:
        wrong.append(f"{', '.join(surplus)}: not declared")
    wrong.extend(misplaced(found, contract))
    if wrong:
        raise SchemaError(f"the frame is not what {contract.name} declares: {'; '.join(wrong)}")


def _located(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with provenance: a row of a frame is in no file, and its line is its number."""
    known = rows.collect_schema()
    located = rows if SOURCE_LINE in known else rows.with_row_index(SOURCE_LINE, offset=1)
    defaults = {SOURCE_FILE: pl.lit(""), SOURCE_TIME: pl.lit(None, dtype=pl.Datetime("us", "UTC"))}
    added = [value.alias(name) for name, value in defaults.items() if name not in known]
    return located.with_columns(pl.col(SOURCE_LINE).cast(pl.Int64), *added)


def _nowhere(_rows: pl.DataFrame) -> None:
    """Refused rows of a frame that fails with them."""


def _handing(refused: Refused) -> Refused:
    """Hand refused rows over in the columns that mean something where there are no files."""
    return lambda rows: refused(rows.select(pl.col("line").alias("row"), "reasons", "raw"))


def _failing(accepted: pl.LazyFrame, checked: Checked, contract: Contract) -> pl.LazyFrame:
    """Let rows pass until one is refused."""

    def hold(batch: pl.DataFrame) -> pl.DataFrame:
        if checked.has_refused:
            tally = checked.tally
            head = f"{tally.refused:,} of {counted(tally.rows_in)} so far broke rules of {contract.name}:"
            fix = "correct them, or take them apart: check(..., refused=...)"
            raise BoundaryError("\n".join([head, *describe(tally), fix]))
        return batch

    return passing(accepted, hold, accepted.collect_schema())


def _settled(accepted: pl.LazyFrame, checked: Checked, contract: Contract) -> pl.LazyFrame:
    """No rows; but once all have passed, the last refused ones are handed over and the rules over all rows are held."""
    schema = accepted.collect_schema()

    def settle(_counted: pl.DataFrame) -> pl.DataFrame:
        tally = checked.tally
        broken = [f for f in checked.totals.findings(_refuse_to_look) if not f.holds and f.rule.severity == "error"]
        if broken:
            head = f"{contract.name}: rules over all rows broken by {counted(tally.accepted)}:"
            raise BoundaryError("\n".join([head, *describe_findings(broken, contract)]))
        return schema.to_frame()

    return passing(accepted.select(pl.len()), settle, schema)


def _refuse_to_look(_plan: pl.LazyFrame | None = None) -> NoReturn:
    """A frame passes once: what its rules would have to read again is kept by a run."""
    raise SchemaError("a rule over all rows takes a second look at them, which a frame cannot; hold it in a pipeline")
