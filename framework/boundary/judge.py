"""Judge raw rows in the plan: their typed values, what they break, and one verdict per row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.absent import as_record, is_optional, must_have, where_absent
from framework.boundary.casts.cast import cast
from framework.boundary.casts.missing import without_tokens
from framework.boundary.conform import is_there
from framework.boundary.filling.cells import fill
from framework.boundary.repeated import IS_REPEATED, key_hashes
from framework.boundary.rule import Rule, total
from framework.boundary.type_words import loss_words, type_words
from framework.boundary.windows import keys_read, settle_windows
from framework.core.frames import ABSENT, MALFORMED, PROVENANCE

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from framework.boundary.contract import ColumnSpec, Contract
    from framework.boundary.filling.cells import Filling
    from framework.boundary.known import Known
    from framework.boundary.windows import Keys
    from framework.core.source import OnInvalid, Reference

RAW = "_raw_"
"""Begins the names of raw columns beside the typed ones."""
OK = "_ok"
"""The verdict: whether a row is accepted."""
PART = "_part"
LOOKED_UP = 100_000


@dataclass(frozen=True)
class Judged:
    """Rows with their typed columns beside the raw ones, and the verdict in the column `OK`, lazy.

    `rules`: all that were held against them. `counted`: those that accepted rows may break. `raw`: the raw values of a
    row as JSON. `keys`: what `keys_read` says of the uniqueness rules. `fillings`: the columns that have fallbacks.
    """

    rows: pl.LazyFrame
    rules: tuple[Rule, ...]
    raw: pl.Expr
    counted: tuple[Rule, ...]
    keys: Mapping[str, tuple[tuple[str, ...], pl.Expr]]
    fillings: tuple[Filling, ...] = ()


@dataclass(frozen=True)
class _Typed:
    """Rows of one part with typed columns, and the rules on whether they could be typed.

    `lacks`: the optional columns that were not delivered, and for which rows.
    """

    rows: pl.LazyFrame
    rules: tuple[Rule, ...]
    raw: pl.Expr
    lacks: Mapping[str, pl.Expr]


def judge(
    parts: Sequence[pl.LazyFrame],
    contract: Contract,
    known: Known,
    on_invalid: OnInvalid,
    first: int = 0,
) -> list[Judged]:
    """Add the typed columns and the verdict to raw rows.

    Parts stay apart, unless a rule looks at many rows: then it must see those of all parts. Raw columns are numbered by
    part, from `first` on.
    """
    typed = [_type(part, contract, f"{RAW}{n}_") for n, part in enumerate(parts, first)]
    if len(typed) > 1 and any(rule.is_window and rule.keys not in known.repeated for rule in contract.rules):
        typed = [_together(typed)]
    return [_judge(one, contract, known, on_invalid) for one in typed]


def unique_keys(parts: Sequence[pl.LazyFrame], contract: Contract) -> dict[Keys, pl.LazyFrame]:
    """Give the hashes of the keys that must be unique, one row per raw row whose key can be read. Lazy.

    Only what it takes to type the key is read.
    """
    typed = [_type(part, contract, f"{RAW}{n}_") for n, part in enumerate(parts)]
    found: dict[Keys, list[pl.LazyFrame]] = {}
    for one in typed:
        for keys, is_read in keys_read(contract.rules, one.rules, one.lacks).values():
            found.setdefault(keys, []).append(one.rows.filter(is_read).select(key_hashes(keys)))
    return {keys: pl.concat(hashes) for keys, hashes in found.items()}


def _type(part: pl.LazyFrame, contract: Contract, prefix: str) -> _Typed:
    available = part.collect_schema()
    raw = {name: dtype for name, dtype in available.items() if name not in {*PROVENANCE, MALFORMED, ABSENT}}
    gone = where_absent(available)
    rows = part.rename({name: prefix + name for name in raw})
    if MALFORMED not in available:
        rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(MALFORMED))
    values, structure = [], [_malformed_rule()]
    for spec in contract.columns.values():
        value, rules = _typed(spec, available, prefix, gone.get(spec.name))
        values.append(value.alias(spec.name))
        structure.extend(rules)
    told = as_record({name: _told(pl.col(prefix + name), dtype) for name, dtype in raw.items()}, gone)
    lacks = {spec.name: pl.lit(value=True) for spec in contract.columns.values() if is_left_out(spec, available)}
    lacks |= {name: where for name, where in gone.items() if is_optional(contract.columns[name])}
    return _Typed(rows.with_columns(values), tuple(structure), told, lacks)


def is_left_out(spec: ColumnSpec, available: Container[str]) -> bool:
    """Whether an optional column was not delivered: then it is null, and no rule is broken by that."""
    return spec.name not in available and is_optional(spec)


def _together(parts: Sequence[_Typed]) -> _Typed:
    """Put parts of different raw types into one frame, where each row is held against the rules of its own part."""
    rows = [part.rows.with_columns(pl.lit(n, dtype=pl.Int32).alias(PART)) for n, part in enumerate(parts)]
    every = dict.fromkeys((rule.name, rule.column) for part in parts for rule in part.rules)
    rules = [_of_parts([_find(part.rules, *identity) for part in parts]) for identity in every]
    raw = pl.coalesce(pl.when(pl.col(PART) == n).then(part.raw) for n, part in enumerate(parts))
    absent = {
        name: [(n, part) for n, part in enumerate(parts) if name in part.lacks] for p in parts for name in p.lacks
    }
    lacks = {
        name: pl.any_horizontal([(pl.col(PART) == n) & part.lacks[name] for n, part in lacking])
        for name, lacking in absent.items()
    }
    return _Typed(pl.concat(rows, how="diagonal"), tuple(rules), raw, lacks)


def _find(rules: Sequence[Rule], name: str, column: str | None) -> Rule | None:
    return next((rule for rule in rules if (rule.name, rule.column) == (name, column)), None)


def _of_parts(same: Sequence[Rule | None]) -> Rule:
    """One rule of several parts, each of which may hold it in its own way, or not know it."""
    holds = [(pl.col(PART) != n) | total(rule.holds) for n, rule in enumerate(same) if rule is not None]
    first = next(rule for rule in same if rule is not None)
    return replace(first, holds=pl.all_horizontal(holds))


def _judge(typed: _Typed, contract: Contract, known: Known, on_invalid: OnInvalid) -> Judged:
    fillings: tuple[Filling, ...] = ()
    reasons: tuple[Rule, ...] = ()
    structure, rows = typed.rules, typed.rows
    if contract.marks:
        filled = fill(rows, contract, structure, typed.raw, known.last)
        rows, structure, reasons, fillings = filled.rows, filled.structure, filled.reasons, filled.fillings
    for reference, values in known.values.items():
        rows = _look_up(rows, reference, values)
    marks = {keys: pl.col(f"{IS_REPEATED}{n}") for n, keys in enumerate(known.repeated)}
    for key, found in known.repeated.items():
        rows = found.mark(rows, key, marks[key].meta.output_name())
    windows, declared = settle_windows(contract.rules, structure, typed.lacks, marks)
    every = (*structure, *declared, *reasons, *(_reference_rule(r) for r in known.values))
    blocking = [r for r in (structure if on_invalid == "warn" else every) if r.severity != "warning"]
    counted = tuple(r for r in every if all(r is not b for b in blocking))
    keys = keys_read(contract.rules, structure, typed.lacks)
    judged = rows.with_columns(windows).with_columns(verdict(blocking))
    return Judged(judged, every, typed.raw, counted, keys, fillings)


def verdict(blocking: Sequence[Rule]) -> pl.Expr:
    """The column `OK`: true where a row breaks none of the rules that refuse it."""
    return pl.all_horizontal([rule.holds for rule in blocking]).fill_null(value=True).alias(OK)


def _look_up(rows: pl.LazyFrame, reference: Reference, values: pl.DataFrame) -> pl.LazyFrame:
    """Mark the rows whose value is known. A join copies every column, so a few values are looked up in place."""
    marker = _marker(reference)
    keys = values[reference.key]
    if keys.len() <= LOOKED_UP:
        return rows.with_columns(pl.col(reference.column).is_in(keys.implode()).alias(marker))
    known = pl.LazyFrame({reference.column: keys}).with_columns(pl.lit(value=True).alias(marker))
    joined = rows.join(known, on=reference.column, how="left", maintain_order="none")
    return joined.with_columns(pl.col(marker).fill_null(value=False))


def _told(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A raw value as JSON can hold it. NOTE: bytes would stop the run (polars 2.1)."""
    if dtype == pl.Binary:
        return raw.bin.encode("base64")
    return pl.lit("bytes within a nested value") if dtype.is_nested() and "Binary" in str(dtype) else raw


def _malformed_rule() -> Rule:
    return Rule("malformed", None, pl.col(MALFORMED).is_null(), "the line is malformed", failure="parse")


def _typed(spec: ColumnSpec, available: pl.Schema, prefix: str, gone: pl.Expr | None) -> tuple[pl.Expr, list[Rule]]:
    """The typed value of a column, and the rules on whether it could be typed and is there.

    `gone`: the rows that lack it though others have it; None: it is not told.
    """
    raw, typed = pl.col(prefix + spec.name), pl.col(spec.name)
    lost = None
    if spec.name not in available or available[spec.name] == pl.Null:
        value, kept = pl.lit(None, dtype=spec.dtype), pl.lit(value=True)
    else:
        raw = without_tokens(raw, available[spec.name], spec.dtype, spec.reading)
        done = cast(raw, typed, available[spec.name], spec.dtype, spec.reading)
        value, kept = done.value, done.kept
        lost = done.lost
    if spec.default is not None:
        is_missing = raw.is_null() if spec.name in available else pl.lit(value=True)
        if spec.dtype.is_float():
            is_missing = is_missing | value.is_nan()
        if spec.reading.absent == "apart" and spec.name in available:
            is_missing = pl.lit(value=False) if gone is None else gone
        value = pl.when(is_missing).then(pl.lit(spec.default, dtype=spec.dtype)).otherwise(value)
    rules = [Rule("type", spec.name, kept, type_words(spec), failure="cast")]
    if not spec.nullable and not is_left_out(spec, available):
        given = is_there(spec) if spec.name not in available else is_there(spec) | ~kept
        given = given if gone is None else given | gone
        rules.append(Rule("not_null", spec.name, given, "must not be empty"))
    if gone is not None and must_have(spec):
        rules.append(Rule("required", spec.name, ~gone, "is absent"))
    if lost is not None:
        rules.append(Rule("lossy", spec.name, ~lost, loss_words(spec), "warning"))
    return value, rules


def _reference_rule(reference: Reference) -> Rule:
    message = f"waits for {reference.source} to know this {reference.key}"
    known = pl.col(_marker(reference)) | pl.col(reference.column).is_null()  # no value refers to nothing
    return Rule("reference", reference.column, known, message, "waiting", failure="reference")


def _marker(reference: Reference) -> str:
    return f"_known_{reference.column}"
