"""What the rows of a step break of the schema it declares, counted while they pass."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.conform import contract_rules, passing
from framework.boundary.dataset.aside import Aside
from framework.boundary.dataset.totals import Finding, Totals
from framework.boundary.repeated import KeySpool, Repeated, key_hashes
from framework.boundary.rule import Rule, looks_at, total
from framework.boundary.tally import StepExample, shown
from framework.boundary.windows import settle_windows
from framework.errors import MAX_EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from framework.boundary.contract import Contract
    from framework.boundary.dataset.quantiles import Ask

IS_REPEATED = "_is_repeated"


class Violations:
    """Counts, per rule, the rows of a step's output that break the contract it declares. Safe to share by threads.

    Nothing is held back while rows pass, and little of them kept: unique keys go to a spool as hashes.

    `broken_rows`: how many rows break a rule, by its reason; `rows`: how many have passed. `examples`: a few rows per
    rule, by its reason. `totals`: what its dataset rules look at.
    """

    def __init__(self, contract: Contract, *, settled: Collection[Rule] = (), key: Sequence[str] = ()) -> None:
        """Count the rules of a contract, but for those known to hold already (`settled`); `key` names rows."""
        done = {_identity(rule) for rule in settled}
        self.rules = [rule for rule in contract_rules(contract) if _identity(rule) not in done]
        self._passed = [rule for rule in self.rules if not rule.keys]
        self.broken_rows: Counter[str] = Counter()
        self.rows = 0
        self.examples: dict[str, list[StepExample]] = {rule.reason: [] for rule in self.rules}
        self.contract = contract
        self.totals = Totals(contract.dataset_rules, contract.schema)
        self._broken: list[Finding] | None = None
        self._key = [name for name in key if name in contract.columns]
        self._keys = [_WatchedKeys(rule, self._told(rule), contract.schema) for rule in self.rules if rule.keys]
        self._lock = threading.Lock()

    def close(self, ask: Ask) -> Violations:
        """Count what only all rows together tell, once the plan has run to its end; before, nothing here is complete.

        Args:
            ask: Runs the plans of a second look, where one is taken.
        """
        if self._broken is None:
            for keys in self._keys:
                found = keys.repeated()
                if found.rows:
                    self.broken_rows[keys.rule.reason] += found.rows
                    self._keep_examples(keys.rule, keys.first(found, ask))
            self._broken = [finding for finding in self.totals.findings(ask) if not finding.holds]
        return self

    @property
    def broken(self) -> list[Finding]:
        """The dataset rules that do not hold; none before `close`."""
        return self._broken or []

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
        windows, settled = settle_windows(self._passed, (), {})
        answers = [window.meta.output_name() for window in windows]
        broken = [(~total(rule.holds)).sum().alias(str(i)) for i, rule in enumerate(settled)]
        holds = pl.all_horizontal([pl.lit(value=True), *(total(rule.holds) for rule in settled)])

        def count(batch: pl.DataFrame) -> pl.DataFrame:
            with self._lock:
                self.rows += batch.height
            if not batch.select(holds.all()).item():
                found = batch.select(broken).row(0)
                self._count(found)
                for rule, count, is_held in zip(self._passed, found, settled, strict=True):
                    if count:
                        self._keep_examples(rule, batch.filter(~total(is_held.holds)))
            for keys in self._keys:
                keys.add(batch)
            self.totals.add(batch)
            return batch.drop(answers)

        return passing(rows.with_columns(windows), count, rows.collect_schema())

    def _count(self, found: Sequence[int]) -> None:
        with self._lock:
            for rule, rows_broken in zip(self._passed, found, strict=True):
                self.broken_rows[rule.reason] += rows_broken

    def _told(self, rule: Rule) -> list[str]:
        """The columns that tell of a row which breaks a rule: those that the rule looks at, and the key."""
        return list(dict.fromkeys([*looks_at(rule, self.contract.columns), *self._key]))

    def _keep_examples(self, rule: Rule, broken: pl.DataFrame) -> None:
        wanted = MAX_EXAMPLES - len(self.examples[rule.reason])
        if wanted <= 0:
            return
        names = looks_at(rule, self.contract.columns)
        told = broken.head(wanted).select(self._told(rule)).rows(named=True)
        kept = [StepExample(self._shown(row, names), self._shown(row, self._key)) for row in told]
        with self._lock:
            self.examples[rule.reason].extend(kept[: MAX_EXAMPLES - len(self.examples[rule.reason])])

    def _shown(self, row: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
        columns = self.contract.columns
        return {name: shown(row[name], is_sensitive=columns[name].is_sensitive) for name in names}


class _WatchedKeys:
    """The keys of a uniqueness rule as rows pass: their hashes, and the columns that tell of a row, set aside."""

    def __init__(self, rule: Rule, told: Sequence[str], schema: pl.Schema) -> None:
        self.rule = rule
        self._spool = KeySpool()
        self._aside = Aside((name, schema[name]) for name in told)

    def add(self, batch: pl.DataFrame) -> None:
        self._spool.add(batch.select(key_hashes(self.rule.keys)))
        self._aside.add(batch)

    def repeated(self) -> Repeated:
        """The keys that several rows have."""
        return self._spool.repeated()

    def first(self, repeated: Repeated, ask: Ask) -> pl.DataFrame:
        """The first few rows with such a key, by key."""
        marked = repeated.mark(self._aside.scan(), self.rule.keys, IS_REPEATED).filter(IS_REPEATED)
        return ask(marked.sort(self.rule.keys).head(MAX_EXAMPLES))


def _identity(rule: Rule) -> tuple[str | None, str, str]:
    try:
        expression = str(rule.holds.meta.serialize(format="json"))
    except pl.exceptions.ComputeError:  # a Python function per element: equal only to itself
        expression = str(id(rule.holds))
    return rule.column, rule.name, expression
