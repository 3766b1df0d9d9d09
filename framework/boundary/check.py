"""The one-pass boundary: casts, rules, the split into accepted and rejected rows, and the counts, in one plan."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.casts import cast
from framework.boundary.conform import is_there, passing, total
from framework.boundary.contract import ColumnSpec, Contract, Rule
from framework.core.frames import BLANK, MALFORMED, PROVENANCE, SOURCE_FILE, SOURCE_LINE, SOURCE_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from framework.core.source import OnInvalid, Reference

RAW = "_raw_"
OK = "_ok"
WINDOW = "_window_"

QUARANTINE_SCHEMA = pl.Schema(
    {
        "source": pl.String(),
        "state": pl.String(),
        "file": pl.String(),
        "file_time": pl.Datetime("us", "UTC"),
        "line": pl.Int64(),
        "reasons": pl.List(pl.String()),
        "raw": pl.String(),
    }
)
"""A quarantined row: where it stood, every rule it broke, and its values as they were read (JSON)."""


class Tally:
    """The counts of a boundary, complete once the plan has run to its end. Safe to share by threads.

    `rows_in` = `accepted` + `refused` + `blank`; `waiting` of the refused break nothing but foreign keys. `broken`
    counts per reason over the refused, `warnings` over all rows.
    """

    def __init__(self) -> None:
        self.rows_in = 0
        self.accepted = 0
        self.refused = 0
        self.waiting = 0
        self.blank = 0
        self.broken: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.lock = threading.Lock()


@dataclass(frozen=True)
class Checked:
    """What a boundary gives: the accepted rows, typed, with their provenance, lazy; and the counts of what passed."""

    accepted: pl.LazyFrame
    tally: Tally


def check(
    parts: Sequence[pl.LazyFrame],
    contract: Contract,
    *,
    source: str,
    quarantine: Callable[[pl.DataFrame], None],
    known: Mapping[Reference, pl.LazyFrame] | None = None,
    on_invalid: OnInvalid = "quarantine",
) -> Checked:
    """Hold raw rows against a contract, in the one pass in which they are read.

    Casts, rules and the verdict are expressions of the plan. Behind them every batch passes once: what is refused is
    handed to `quarantine` there and counted, what is accepted goes on. So rows are never held back for a second look.

    Args:
        parts: Lazy frames of raw rows, each with provenance; their raw types may differ from part to part.
        contract: The compiled schema.
        source: The source's name, for the quarantine.
        quarantine: Takes refused rows in `QUARANTINE_SCHEMA`, batch by batch, from several threads.
        known: Per foreign key the values that are known: one row per value, in a column named like the key.
        on_invalid: `warn` accepts rows that break rules as long as their values can be typed; `drop` only counts.

    Lazy: nothing is read. The order of rows is kept unless there are foreign keys.

    Raises:
        SchemaError: at planning, when a raw type cannot become the declared one without loss.
    """
    tally = Tally()
    references = dict(known or {})
    accepted = []
    for part in parts:
        judged = _judge(part, contract, references, on_invalid)
        columns = [*contract.columns, *PROVENANCE]
        sort = _sorter(judged, columns, source, tally, None if on_invalid == "drop" else quarantine)
        schema = judged.rows.select(columns).collect_schema()
        accepted.append(passing(judged.rows, sort, schema))
    return Checked(pl.concat(accepted), tally)


def _sorter(
    judged: _Judged, columns: list[str], source: str, tally: Tally, quarantine: Callable[[pl.DataFrame], None] | None
) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """The function through which judged batches pass: counts, hands over the refused, gives the accepted."""
    shape = _quarantine_columns(judged, source)
    is_row = pl.col(MALFORMED).ne_missing(BLANK)
    broken = {i: _breaks(rule, judged.rules).sum().alias(str(i)) for i, rule in enumerate(judged.rules)}
    warned = {i: (~total(r.holds) & is_row).sum().alias(str(i)) for i, r in enumerate(judged.counted)}

    def sort(batch: pl.DataFrame) -> pl.DataFrame:
        accepted = batch.filter(OK)
        refused = batch.filter(~pl.col(OK)) if accepted.height < batch.height else batch.clear()
        rows = refused.filter(is_row)
        warnings = batch.select(warned.values()).row(0) if warned and batch.height else ()
        counts = rows.select(broken.values()).row(0) if rows.height else ()
        waiting = rows.select(_waits(judged.rules).sum()).item() if rows.height else 0
        with tally.lock:
            tally.rows_in += batch.height
            tally.accepted += accepted.height
            tally.refused += rows.height
            tally.blank += refused.height - rows.height
            tally.waiting += waiting
            for rule, count in zip(judged.rules, counts, strict=False):
                tally.broken[rule.reason] += count
            for rule, count in zip(judged.counted, warnings, strict=False):
                tally.warnings[rule.reason] += count
        if rows.height and quarantine is not None:
            quarantine(rows.select(shape).cast(dict(QUARANTINE_SCHEMA)))  # type: ignore[arg-type]
        return accepted.select(columns)

    return sort


@dataclass(frozen=True)
class _Judged:
    rows: pl.LazyFrame
    rules: tuple[Rule, ...]
    raw: dict[str, pl.DataType]
    counted: tuple[Rule, ...]
    """The rules that accepted rows may break."""


def _judge(
    part: pl.LazyFrame,
    contract: Contract,
    known: Mapping[Reference, pl.LazyFrame],
    on_invalid: OnInvalid,
) -> _Judged:
    """Add the typed columns and the verdict to raw rows."""
    available = part.collect_schema()
    raw = {name: dtype for name, dtype in available.items() if name not in {*PROVENANCE, MALFORMED}}
    rows = part.rename({name: RAW + name for name in raw})
    if MALFORMED not in available:
        rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(MALFORMED))
    typed, structure = [], [_malformed_rule()]
    for spec in contract.columns.values():
        value, rules = _typed(spec, available)
        typed.append(value.alias(spec.name))
        structure.extend(rules)
    rows = rows.with_columns(typed)
    for reference, values in known.items():
        marker = _marker(reference)
        keys = values.select(pl.col(reference.key).alias(reference.column)).with_columns(
            pl.lit(value=True).alias(marker)
        )
        rows = rows.join(keys, on=reference.column, how="left", maintain_order="none")
    declared = [_settle_window(rule, i) for i, rule in enumerate(contract.rules)]
    windows = [rule.holds.alias(f"{WINDOW}{i}") for i, rule in enumerate(contract.rules) if rule.is_window]
    every = (*structure, *declared, *(_reference_rule(r) for r in known))
    blocking = structure if on_invalid == "warn" else [r for r in every if r.severity != "warning"]
    verdict = pl.all_horizontal([r.holds for r in blocking]).fill_null(value=True)
    counted = tuple(r for r in every if all(r is not b for b in blocking))
    return _Judged(rows.with_columns(windows).with_columns(verdict.alias(OK)), every, raw, counted)


def _settle_window(rule: Rule, number: int) -> Rule:
    """A rule that looks at many rows is answered in the plan, where they all are; batches then read its answer."""
    return replace(rule, holds=pl.col(f"{WINDOW}{number}")) if rule.is_window else rule


def _malformed_rule() -> Rule:
    return Rule("malformed", None, pl.col(MALFORMED).is_null(), "the line is malformed")


def _typed(spec: ColumnSpec, available: pl.Schema) -> tuple[pl.Expr, list[Rule]]:
    """The typed value of a column, and the rules on whether it could be typed and is there."""
    raw, typed = pl.col(RAW + spec.name), pl.col(spec.name)
    if spec.name not in available or available[spec.name] == pl.Null:
        value, kept = pl.lit(None, dtype=spec.dtype), pl.lit(value=True)
    else:
        done = cast(raw, typed, available[spec.name], spec.dtype, spec.formats)
        value, kept = done.value, done.kept
    if spec.default is not None:
        is_missing = raw.is_null() if spec.name in available else pl.lit(value=True)
        if spec.dtype.is_float():
            is_missing = is_missing | value.is_nan()
        value = pl.when(is_missing).then(pl.lit(spec.default, dtype=spec.dtype)).otherwise(value)
    rules = [Rule("type", spec.name, kept, type_words(spec))]
    if not spec.nullable:
        given = is_there(spec) if spec.name not in available else is_there(spec) | ~kept
        rules.append(Rule("not_null", spec.name, given, "must not be empty"))
    return value, rules


def type_words(spec: ColumnSpec) -> str:
    """Say in plain words what a column's values must look like."""
    dtype = spec.dtype
    if isinstance(dtype, pl.Decimal):
        return f"must be a number with at most {dtype.scale} decimal places"
    if dtype.is_integer():
        return "must be a whole number"
    if dtype == pl.Date:
        return "must be a date like " + (spec.formats[0] if spec.formats else "2024-12-31")
    if isinstance(dtype, pl.Datetime):
        return "must be a time like " + (spec.formats[0] if spec.formats else "2024-12-31 23:59:59")
    return f"must be of type {dtype}"


def _reference_rule(reference: Reference) -> Rule:
    message = f"waits for {reference.source} to know this {reference.key}"
    known = pl.col(_marker(reference)).is_not_null() | pl.col(reference.column).is_null()  # no value refers to nothing
    return Rule("reference", reference.column, known, message, "waiting")


def _marker(reference: Reference) -> str:
    return f"_known_{reference.column}"


def _waits(rules: Sequence[Rule]) -> pl.Expr:
    """True where a row breaks nothing but foreign keys."""
    hard = [r.holds for r in rules if r.severity == "error"]
    return pl.all_horizontal(hard).fill_null(value=True) & ~pl.col(OK)


def _told(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A raw value as JSON can hold it. NOTE: bytes would stop the run (polars 2.1)."""
    if dtype == pl.Binary:
        return raw.bin.encode("base64")
    return pl.lit("bytes within a nested value") if dtype.is_nested() and "Binary" in str(dtype) else raw


def _breaks(rule: Rule, rules: Sequence[Rule]) -> pl.Expr:
    """True where a refused row breaks a rule.

    An unknown reference is a reason only where it is the only one: what else is wrong does not depend on what is known.
    """
    return ~total(rule.holds) & _waits(rules) if rule.severity == "waiting" else ~total(rule.holds)


def _quarantine_columns(judged: _Judged, source: str) -> list[pl.Expr]:
    reasons = [pl.when(_breaks(rule, judged.rules)).then(pl.lit(rule.reason)) for rule in judged.rules[1:]]
    values = pl.struct(_told(pl.col(RAW + name), dtype).alias(name) for name, dtype in judged.raw.items())
    return [
        pl.lit(source).alias("source"),
        pl.when(_waits(judged.rules)).then(pl.lit("waiting")).otherwise(pl.lit("open")).alias("state"),
        pl.col(SOURCE_FILE).alias("file"),
        pl.col(SOURCE_TIME).alias("file_time"),
        pl.col(SOURCE_LINE).alias("line"),
        pl.concat_list([pl.col(MALFORMED), *reasons]).list.drop_nulls().alias("reasons"),
        values.struct.json_encode().alias("raw"),
    ]
