"""The counts of a boundary as plain data: written down with its rows, and put back where these are used again."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.dataset.totals import Finding, Totals
from framework.boundary.messages import told_values
from framework.boundary.rule import Rule
from framework.boundary.tally import Example

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.boundary.check import Checked
    from framework.boundary.contract import Contract
    from framework.boundary.dataset.quantiles import Ask
    from framework.boundary.dataset.rule import DatasetRule
    from framework.boundary.tally import Broken, Tally

COUNTS = ("rows_in", "accepted", "refused", "waiting", "blank", "rows_filled")
BY_REASON = ("broken", "warnings")
TIMES: dict[str, Any] = {"datetime": datetime, "date": date, "time": time}


class KeptTotals(Totals):
    """Dataset rules that were judged before, when the rows passed."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__((), pl.Schema())
        self._findings = list(findings)

    def findings(self, _ask: Ask, *_others: Totals) -> list[Finding]:
        """What was found then."""
        return self._findings


def counts_to_dict(tally: Tally) -> dict[str, Any]:
    """Render counts as plain data for JSON; of rows only the examples, in which sensitive values are masked."""
    return {
        **{name: getattr(tally, name) for name in COUNTS},
        **{name: dict(getattr(tally, name)) for name in BY_REASON},
        "by_column": list(tally.by_column.items()),
        "filled": [[*key, count] for key, count in tally.filled.items()],
        "by_rule": [[*key, _broken(one)] for key, one in tally.by_rule.items()],
        "partitions": tally.partitions.to_dict(_encoded),
    }


def _broken(one: Broken) -> dict[str, Any]:
    examples = [[example.file, example.line, example.values] for example in one.examples]
    return {"refused": one.refused, "warned": one.warned, "examples": examples}


def restore_counts(checked: Checked, document: dict[str, Any]) -> None:
    """Give a boundary the counts that it once had, in place of those of rows that pass; `document`: of these."""
    tally = checked.counts
    for name in COUNTS:
        setattr(tally, name, document[name])
    for name in BY_REASON:
        setattr(tally, name, Counter(document[name]))
    tally.by_column = Counter(dict(map(tuple, document["by_column"])))
    tally.filled = Counter({(column, by): count for column, by, count in document["filled"]})
    rules = {_key(rule): rule for sorter in checked.sorters for rule in sorter.rules}
    for column, name, message, found in document["by_rule"]:
        # Rules on types follow what is in the files; one that is not there again is still told by its words.
        broken = tally.of(rules.get((column, name, message)) or Rule(name, column, pl.lit(value=True), message))
        broken.refused, broken.warned = found["refused"], found["warned"]
        broken.examples = [Example(file, line, values) for file, line, values in found["examples"]]
    tally.partitions.restore(document["partitions"], _decoded)


def _key(rule: Rule) -> tuple[str | None, str, str]:
    return rule.column, rule.name, rule.message


def findings_to_list(findings: Sequence[Finding], contract: Contract) -> list[list[Any]]:
    """Render findings on all dataset rules of a contract as plain data: whether each holds, and the values as told."""
    return [[one.holds, told_values(one, contract)] for one in findings]


def findings_from_list(found: Sequence[Sequence[Any]], rules: Sequence[DatasetRule]) -> list[Finding]:
    """Read what `findings_to_list` gave."""
    return [Finding(rule, holds, dict(values)) for rule, (holds, values) in zip(rules, found, strict=True)]


def _encoded(value: Any) -> Any:
    """A value as JSON has it, with its type where JSON has none."""
    if isinstance(value, datetime | date | time):
        return {type(value).__name__: value.isoformat()}
    if isinstance(value, timedelta):
        return {"timedelta": value // timedelta(microseconds=1)}
    return {"Decimal": str(value)} if isinstance(value, Decimal) else value


def _decoded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, told),) = value.items()
    if kind == "timedelta":
        return timedelta(microseconds=told)
    if kind == "Decimal":
        return Decimal(told)
    return TIMES[kind].fromisoformat(told)
