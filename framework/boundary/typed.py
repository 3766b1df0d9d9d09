"""From a frame that nobody vouches for to `LazyFrame[Schema]`: the boundary for notebooks, tests and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import polars as pl

from framework.boundary.check import sift
from framework.boundary.conform import misplaced, missing_columns, passing
from framework.boundary.contract import Contract, compile_contract
from framework.boundary.dataset.totals import findings_in_one_frame, in_one_frame
from framework.boundary.messages import describe, describe_findings
from framework.boundary.messages import rows as counted
from framework.core.frames import PROVENANCE, SOURCE_FILE, SOURCE_LINE, SOURCE_TIME
from framework.core.typed import DataFrameModel, LazyFrame
from framework.errors import BoundaryError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.boundary.tally import Tally

    Refused = Callable[[pl.DataFrame], None]

COUNT = "rows"

S = TypeVar("S", bound=DataFrameModel)


def check(rows: pl.LazyFrame, schema: type[S], *, refused: Refused | None = None) -> LazyFrame[S]:
    """Hold any lazy frame against a schema as a source of a pipeline is held, and give it the schema's type.

    One row per row that holds, in their order. Values are cast where nothing is lost, as from files. Columns
    that the schema does not have are left out, but for provenance. Lazy: nothing is read, and the frame is checked in
    the one pass in which it is used, as often as it is used.

    Args:
        rows: The frame.
        schema: What its rows must be like.
        refused: Takes the rows that do not hold, batch by batch, in frames of `row` (from 1), `reasons` and `raw` (the
            values as JSON), each time the frame is used. Without it the first batch with such a row fails.

    Raises:
        DefinitionError: when the schema cannot be compiled.
        SchemaError: when a column is missing, or has a type that cannot become the declared one.
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
    found = rows.collect_schema()
    wrong = missing_columns(found, contract, lambda spec: spec.required and spec.default is None)
    wrong.extend(misplaced(found, contract))
    if wrong:
        raise SchemaError(f"the frame is not what {contract.name} declares: {'; '.join(wrong)}")
    columns = [*contract.columns, *(name for name in PROVENANCE if name in found)]
    accepted = sift(_located(rows), contract, _failing(contract) if refused is None else _handing(refused))
    accepted = accepted.select(columns)
    if contract.dataset_rules:
        accepted = pl.concat([accepted, _held_as_a_whole(accepted, contract)])
    return cast("LazyFrame[S]", accepted)


def _located(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with provenance: a row of a frame is in no file, and its line is its number."""
    known = rows.collect_schema()
    located = rows if SOURCE_LINE in known else rows.with_row_index(SOURCE_LINE, offset=1)
    defaults = {SOURCE_FILE: pl.lit(""), SOURCE_TIME: pl.lit(None, dtype=pl.Datetime("us", "UTC"))}
    added = [value.alias(name) for name, value in defaults.items() if name not in known]
    return located.with_columns(pl.col(SOURCE_LINE).cast(pl.Int64), *added)


def _handing(refused: Refused) -> Callable[[pl.DataFrame, Tally], None]:
    """Hand refused rows over in the columns that mean something where there are no files."""
    return lambda rows, _tally: refused(rows.select(pl.col("line").alias("row"), "reasons", "raw"))


def _failing(contract: Contract) -> Callable[[pl.DataFrame, Tally], None]:
    """Fail with the first batch that has refused rows."""

    def fail(_rows: pl.DataFrame, tally: Tally) -> None:
        head = f"{counted(tally.refused)} broke rules of {contract.name}, and there may be more:"
        fix = "correct them, or take them apart: check(..., refused=...)"
        raise BoundaryError("\n".join([head, *describe(tally), fix]))

    return fail


def _held_as_a_whole(accepted: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """No rows; but once all have passed, the rules over all rows are held."""
    schema = accepted.collect_schema()

    def hold(values: pl.DataFrame) -> pl.DataFrame:
        findings = findings_in_one_frame(contract.dataset_rules, values)
        broken = [finding for finding in findings if not finding.holds and finding.rule.severity == "error"]
        if broken:
            head = f"{contract.name}: rules over all rows broken by {counted(values[COUNT].item())}:"
            raise BoundaryError("\n".join([head, *describe_findings(broken, contract)]))
        return schema.to_frame()

    whole = accepted.select(*in_one_frame(contract.dataset_rules), pl.len().alias(COUNT))
    return passing(whole, hold, schema)
