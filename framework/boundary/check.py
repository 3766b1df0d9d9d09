"""The one-pass boundary: casts, rules, the split into accepted and rejected rows, and the counts, in one plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.casts import cast
from framework.boundary.contract import ColumnSpec, Contract, Rule
from framework.core.frames import MALFORMED, PROVENANCE, SOURCE_FILE, SOURCE_LINE, SOURCE_TIME
from framework.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.core.source import OnInvalid, Reference

RAW = "_raw_"
OK = "_ok"

QUARANTINE_SCHEMA = pl.Schema(
    {
        "source": pl.String,
        "state": pl.String,
        "file": pl.String,
        "file_time": pl.Datetime("us", "UTC"),
        "line": pl.Int64,
        "reasons": pl.List(pl.String),
        "raw": pl.String,
    }
)
"""A quarantined row: where it stood, every rule it broke, and its values as they were read (JSON)."""


@dataclass(frozen=True)
class Checked:
    """What a boundary gives, all lazy and all of one shared scan.

    `accepted`: one row per row that passed, typed, with its provenance. `rejected`: one row per row that did not, in
    `QUARANTINE_SCHEMA`. `totals`: one row with `rows_in`, `accepted`, `waiting` and one count per warning.
    `broken`: one row with one count per rule, over the rejected rows.
    """

    accepted: pl.LazyFrame
    rejected: pl.LazyFrame
    totals: pl.LazyFrame
    broken: pl.LazyFrame


def check(
    parts: Sequence[pl.LazyFrame],
    contract: Contract,
    *,
    source: str,
    known: Mapping[Reference, pl.LazyFrame] | None = None,
    on_invalid: OnInvalid = "quarantine",
) -> Checked:
    """Hold raw rows against a contract.

    Args:
        parts: Lazy frames of raw rows, each with provenance; their raw types may differ from part to part.
        contract: The compiled schema.
        source: The source's name, for the quarantine.
        known: Per foreign key the values that are known: one row per value, in a column named like the key.
        on_invalid: `warn` accepts rows that break rules as long as their values can be typed.

    Lazy: nothing is read. The order of rows is kept unless there are foreign keys.

    Raises:
        SchemaError: at planning, when a raw type cannot become the declared one without loss.
    """
    references = dict(known or {})
    judged = [_judge(part, contract, references, on_invalid) for part in parts]
    rows = [j.rows for j in judged]
    kept = [r.filter(OK).select([*contract.columns, *PROVENANCE]) for r in rows]
    refused = [r.filter(~pl.col(OK)) for r in rows]
    rejected = [_quarantine_rows(r, j, source) for r, j in zip(refused, judged, strict=True)]
    totals = [_totals(r, j.rules) for r, j in zip(rows, judged, strict=True)]
    broken = [
        r.select((~_total(rule.holds)).sum().cast(pl.Int64).alias(str(i)) for i, rule in enumerate(j.rules))
        for r, j in zip(refused, judged, strict=True)
    ]
    return Checked(
        accepted=pl.concat(kept),
        rejected=pl.concat(rejected),
        totals=pl.concat(totals).sum(),
        broken=pl.concat(broken).sum(),
    )


def rule_reasons(contract: Contract, references: Sequence[Reference] = ()) -> list[str]:
    """The reason of each rule, in the order in which `Checked.broken` counts them."""
    every = [*_structure_rules(contract), *contract.rules, *(_reference_rule(r) for r in references)]
    return [rule.reason for rule in every]


@dataclass(frozen=True)
class _Judged:
    rows: pl.LazyFrame
    rules: tuple[Rule, ...]
    raw: tuple[str, ...]


def _judge(
    part: pl.LazyFrame,
    contract: Contract,
    known: Mapping[Reference, pl.LazyFrame],
    on_invalid: OnInvalid,
) -> _Judged:
    """Add the typed columns and the verdict to raw rows."""
    available = part.collect_schema()
    raw = tuple(name for name in available if name not in {*PROVENANCE, MALFORMED})
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
    every = (*structure, *contract.rules, *(_reference_rule(r) for r in known))
    blocking = structure if on_invalid == "warn" else [r for r in every if r.severity != "warning"]
    verdict = pl.all_horizontal([r.holds for r in blocking]).fill_null(value=True)
    return _Judged(rows.with_columns(verdict.alias(OK)), every, raw)


def _structure_rules(contract: Contract) -> list[Rule]:
    """The rules that every contract has: a readable line, and per column a value that can be typed and is there."""
    schema = pl.Schema(dict.fromkeys(contract.columns, pl.Null()))
    return [_malformed_rule(), *(rule for spec in contract.columns.values() for rule in _typed(spec, schema)[1])]


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
        value = pl.when(raw.is_null()).then(pl.lit(spec.default, dtype=spec.dtype)).otherwise(value)
    rules = [Rule("type", spec.name, kept, type_words(spec))]
    if not spec.nullable:
        # NOTE: polars orders NaN above every number, so a missing float would pass `gt`.
        there = typed.is_not_null() & typed.is_not_nan() if spec.dtype.is_float() else typed.is_not_null()
        given = there if spec.name not in available else there | ~kept
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
    return Rule("reference", reference.column, pl.col(_marker(reference)).is_not_null(), message, "waiting")


def _marker(reference: Reference) -> str:
    return f"_known_{reference.column}"


def _total(holds: pl.Expr) -> pl.Expr:
    return holds.fill_null(value=True)


def _waits(rules: Sequence[Rule]) -> pl.Expr:
    """True where a row breaks nothing but foreign keys."""
    hard = [r.holds for r in rules if r.severity == "error"]
    return pl.all_horizontal(hard).fill_null(value=True) & ~pl.col(OK)


def _totals(rows: pl.LazyFrame, rules: Sequence[Rule]) -> pl.LazyFrame:
    warnings = [
        (~_total(rule.holds)).sum().cast(pl.Int64).alias(f"warning {rule.reason}")
        for rule in rules
        if rule.severity == "warning"
    ]
    return rows.select(
        pl.len().cast(pl.Int64).alias("rows_in"),
        pl.col(OK).sum().cast(pl.Int64).alias("accepted"),
        _waits(rules).sum().cast(pl.Int64).alias("waiting"),
        *warnings,
    )


def _quarantine_rows(refused: pl.LazyFrame, judged: _Judged, source: str) -> pl.LazyFrame:
    reasons = [pl.when(~_total(rule.holds)).then(pl.lit(rule.reason)) for rule in judged.rules[1:]]
    reasons.insert(0, pl.col(MALFORMED))
    values = pl.struct(pl.col(RAW + name).alias(name) for name in judged.raw)
    return refused.select(
        source=pl.lit(source),
        state=pl.when(_waits(judged.rules)).then(pl.lit("waiting")).otherwise(pl.lit("open")),
        file=pl.col(SOURCE_FILE),
        file_time=pl.col(SOURCE_TIME),
        line=pl.col(SOURCE_LINE),
        reasons=pl.concat_list(reasons).list.drop_nulls(),
        raw=values.struct.json_encode(),
    ).cast(dict(QUARANTINE_SCHEMA))  # type: ignore[arg-type]


def conform(frame: pl.LazyFrame, contract: Contract, step: str) -> pl.LazyFrame:
    """Hold a step's output against the columns it declares, without reading: names and types, in the plan.

    Columns beyond the contract (provenance) are kept.

    Raises:
        SchemaError: at planning, naming every missing column and every type that differs.
    """
    found = frame.collect_schema()
    wrong = []
    for name, spec in contract.columns.items():
        if name not in found:
            wrong.append(f"{name} is missing")
        elif found[name] != spec.dtype and not _same_family(found[name], spec.dtype):
            wrong.append(f"{name} is {found[name]}, declared {spec.dtype}")
    if wrong:
        raise SchemaError(f"step '{step}' does not give what {contract.name} declares: {'; '.join(wrong)}")
    return frame.with_columns(
        pl.col(name).cast(spec.dtype) for name, spec in contract.columns.items() if found[name] != spec.dtype
    )


def _same_family(found: pl.DataType, declared: pl.DataType) -> bool:
    """Types between which a strict cast either keeps the value or raises: integers, and decimals of one scale."""
    if isinstance(found, pl.Decimal) and isinstance(declared, pl.Decimal):
        return found.scale == declared.scale
    return found.is_integer() and declared.is_integer()


def violations(frame: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """Count what a step's output breaks of its contract: one row, one count per rule of `contract_reasons`."""
    counts = [(~_total(rule.holds)).sum().cast(pl.Int64) for rule in _contract_rules(contract)]
    return frame.select(count.alias(str(i)) for i, count in enumerate(counts))


def contract_reasons(contract: Contract) -> list[str]:
    """The reasons that `violations` counts, in its order."""
    return [rule.reason for rule in _contract_rules(contract)]


def _contract_rules(contract: Contract) -> list[Rule]:
    missing = [
        Rule("not_null", spec.name, pl.col(spec.name).is_not_null(), "must not be empty")
        for spec in contract.columns.values()
        if not spec.nullable
    ]
    return [*missing, *(rule for rule in contract.rules if rule.severity == "error")]
