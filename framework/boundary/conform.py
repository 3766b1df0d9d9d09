"""Hold what a step gives against the schema it declares: names and types in the plan, rules while the rows pass."""

from __future__ import annotations

import threading
from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.rule import Rule, looks_at, total
from framework.boundary.tally import StepExample, shown
from framework.boundary.totals import Finding, Totals
from framework.boundary.windows import settle_windows
from framework.core.frames import PROVENANCE
from framework.errors import MAX_EXAMPLES, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from framework.boundary.contract import ColumnSpec, Contract
    from framework.boundary.quantiles import Ask


def conform(frame: pl.LazyFrame, contract: Contract, step: str) -> pl.LazyFrame:
    """Hold a step's output against the columns it declares, without reading: names and types, in the plan.

    Optional columns that are missing are added, with their default or null. Columns beyond the contract are kept,
    unless the schema is strict (an error, but for provenance) or filters (left out).

    Raises:
        SchemaError: at planning, naming every missing column and every type that differs.
    """
    found = frame.collect_schema()
    wrong = missing_columns(found, contract, lambda spec: spec.required)
    for name, spec in contract.columns.items():
        if name in found and found[name] != spec.dtype and not _same_family(found[name], spec.dtype):
            wrong.append(f"{name} is {found[name]}, declared {spec.dtype}")
    wrong.extend(misplaced(found, contract))
    if wrong:
        raise SchemaError(f"step '{step}' does not give what {contract.name} declares: {'; '.join(wrong)}")
    specs = contract.columns.values()
    foreign = foreign_columns(found, contract)
    kept = frame.select(n for n in found if n not in foreign) if contract.is_filter else frame
    added = [pl.lit(s.default, dtype=s.dtype).alias(s.name) for s in specs if s.name not in found]
    cast = [pl.col(s.name).cast(s.dtype) for s in specs if s.name in found and found[s.name] != s.dtype]
    return kept.with_columns(*added, *cast)


def foreign_columns(found: Iterable[str], contract: Contract) -> list[str]:
    """The columns that a contract does not have, but for provenance."""
    return [name for name in found if name not in contract.columns and name not in PROVENANCE]


def missing_columns(found: Collection[str], contract: Contract, must: Callable[[ColumnSpec], bool]) -> list[str]:
    """Say which columns that must be there are not, and which are there that a strict schema does not have."""
    foreign = foreign_columns(found, contract)
    wrong = []
    for name, spec in contract.columns.items():
        if name not in found and must(spec):
            near = get_close_matches(name, foreign, n=1)
            wrong.append(f"{name} is missing" + (f" (is '{near[0]}' meant?)" if near else ""))
    if contract.is_strict and foreign:
        wrong.append(f"{', '.join(foreign)}: not declared")
    return wrong


def misplaced(names: Iterable[str], contract: Contract) -> list[str]:
    """Say which order columns should have, where the schema asks for one (`ordered`) and they have another."""
    found = [name for name in names if name in contract.columns]
    declared = [name for name in contract.columns if name in found]
    if not contract.is_ordered or found == declared:
        return []
    return [f"columns are in the order {', '.join(found)}, declared {', '.join(declared)}"]


def _same_family(found: pl.DataType, declared: pl.DataType) -> bool:
    """Types between which a strict cast either keeps the value or raises: integers, and decimals of one scale."""
    if isinstance(found, pl.Decimal) and isinstance(declared, pl.Decimal):
        return found.scale == declared.scale
    return found.is_integer() and declared.is_integer()


class Violations:
    """Counts, per rule, the rows of a step's output that break the contract it declares. Safe to share by threads.

    `broken_rows`: how many rows break a rule, by its reason; `rows`: how many have passed. `examples`: a few rows per
    rule, by its reason. `totals`: what its dataset rules look at.
    """

    def __init__(self, contract: Contract, *, settled: Collection[Rule] = (), key: Sequence[str] = ()) -> None:
        """Count the rules of a contract, but for those known to hold already (`settled`); `key` names rows."""
        done = {_identity(rule) for rule in settled}
        self.rules = [rule for rule in contract_rules(contract) if _identity(rule) not in done]
        self.broken_rows: Counter[str] = Counter()
        self.rows = 0
        self.examples: dict[str, list[StepExample]] = {rule.reason: [] for rule in self.rules}
        self.contract = contract
        self.totals = Totals(contract.dataset_rules, contract.schema)
        self._broken: list[Finding] | None = None
        self._key = [name for name in key if name in contract.columns]
        self._lock = threading.Lock()

    def broken(self, ask: Ask) -> list[Finding]:
        """Give the dataset rules that do not hold, once the plan has run to its end; `ask` runs a second look, once."""
        if self._broken is None:
            self._broken = [finding for finding in self.totals.findings(ask) if not finding.holds]
        return self._broken

    @property
    def counts(self) -> Counter[str]:
        """What fails the step: rows by rule, of rules that only warn or have a budget as soon as that is exceeded."""
        return self._where(fails=True)

    @property
    def warnings(self) -> Counter[str]:
        """Rows by rule, of rules that only warn, or are within their budget."""
        return self._where(fails=False)

    def terms(self, reason: str) -> str:
        """Say how many rows may break a rule, and who answers for it; empty where neither was agreed."""
        rule = next((rule for rule in self.rules if rule.reason == reason), None)
        limits = " and ".join(map(str, rule.limits)) if rule else ""
        told = [f"of {self.rows:,}, at most {limits} may"] if limits else []
        told += [f"owner: {rule.terms.owner}"] if rule and rule.terms.owner else []
        return f" ({'; '.join(told)})" if told else ""

    def _where(self, *, fails: bool) -> Counter[str]:
        return Counter(
            {rule.reason: self.broken_rows[rule.reason] for rule in self.rules if self._is_over(rule) == fails}
        )

    def _is_over(self, rule: Rule) -> bool:
        """Whether a rule fails the step if any row breaks it: one with a budget does so beyond that."""
        if not rule.limits:
            return rule.severity == "error"
        return any(not limit.allows(self.broken_rows[rule.reason], self.rows) for limit in rule.limits)

    def watch(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Give the same rows, lazy; as they pass, in one execution, what they break is counted."""
        if not self.rules and not self.totals.rules:
            return rows
        windows, settled = settle_windows(self.rules, (), {})
        answers = [window.meta.output_name() for window in windows]
        broken = [(~total(rule.holds)).sum().alias(str(i)) for i, rule in enumerate(settled)]
        holds = pl.all_horizontal([pl.lit(value=True), *(total(rule.holds) for rule in settled)])

        def count(batch: pl.DataFrame) -> pl.DataFrame:
            with self._lock:
                self.rows += batch.height
            if not batch.select(holds.all()).item():
                found = batch.select(broken).row(0)
                self._count(found)
                self._keep_examples(batch, [rule.holds for rule in settled], found)
            self.totals.add(batch)
            return batch.drop(answers)

        return passing(rows.with_columns(windows), count, rows.collect_schema())

    def _count(self, found: Sequence[int]) -> None:
        with self._lock:
            for rule, rows_broken in zip(self.rules, found, strict=True):
                self.broken_rows[rule.reason] += rows_broken

    def _keep_examples(self, batch: pl.DataFrame, holds: Sequence[pl.Expr], found: Sequence[int]) -> None:
        for rule, is_held, count in zip(self.rules, holds, found, strict=True):
            wanted = MAX_EXAMPLES - len(self.examples[rule.reason])
            if not count or wanted <= 0:
                continue
            names = looks_at(rule, self.contract.columns)
            rows = batch.filter(~total(is_held)).head(wanted)
            told = rows.select(list(dict.fromkeys([*names, *self._key]))).rows(named=True)
            kept = [StepExample(self._shown(row, names), self._shown(row, self._key)) for row in told]
            with self._lock:
                self.examples[rule.reason].extend(kept[: MAX_EXAMPLES - len(self.examples[rule.reason])])

    def _shown(self, row: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
        columns = self.contract.columns
        return {name: shown(row[name], is_sensitive=columns[name].is_sensitive) for name in names}


def passing(rows: pl.LazyFrame, function: Callable[[pl.DataFrame], pl.DataFrame], schema: pl.Schema) -> pl.LazyFrame:
    """Pass every batch of a plan through a function, once, without leaving the streaming engine.

    Nothing is pushed through it: the function sees all rows and columns. Several consumers share what it gives. It may
    be called by several threads at a time.
    """
    return rows.map_batches(
        function,
        schema=schema,
        streamable=True,
        predicate_pushdown=False,
        projection_pushdown=False,
        slice_pushdown=False,
        validate_output_schema=False,
    ).cache()


def is_there(spec: ColumnSpec) -> pl.Expr:
    """Whether a typed column has a value."""
    typed = pl.col(spec.name)
    # NOTE: polars orders NaN above every number, so a missing float would pass `gt`.
    return typed.is_not_null() & typed.is_not_nan() if spec.dtype.is_float() else typed.is_not_null()


def contract_rules(contract: Contract) -> list[Rule]:
    """The rules on typed rows: columns that must not be empty, and the checks of the schema."""
    missing = [
        Rule("not_null", spec.name, is_there(spec), "must not be empty")
        for spec in contract.columns.values()
        if not spec.nullable and (spec.required or spec.default is not None)  # one that is not delivered is null
    ]
    return [*missing, *contract.rules]


def settled_rules(contract: Contract, untouched: Collection[str]) -> list[Rule]:
    """The rules of a contract that still hold of rows whose `untouched` columns are as they were when checked.

    Rules with a budget are none of them: a step hands on the rows that break them within it.
    """
    return [
        rule
        for rule in contract_rules(contract)
        if rule.severity == "error"
        and not rule.limits
        and not rule.is_window
        and set(rule.holds.meta.root_names()) <= set(untouched)
    ]


def _identity(rule: Rule) -> tuple[str | None, str, str]:
    try:
        expression = str(rule.holds.meta.serialize(format="json"))
    except pl.exceptions.ComputeError:  # a Python function per element: equal only to itself
        expression = str(id(rule.holds))
    return rule.column, rule.name, expression
