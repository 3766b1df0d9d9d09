"""Each rule alone against the examples of its definition, judged as a run judges rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from framework.boundary import Contract, DatasetRule, check
from framework.boundary.across import across_misfits, judge_agreement, judge_reference, side_value, values_of
from framework.core.clock import at_run_time
from framework.core.rule import Agreement
from framework.errors import AuthorError, did_you_mean
from framework.run.compiled import EPOCH
from framework.run.execution import look_again
from framework.sources import PROVENANCE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from framework.boundary import Checked, Rule
    from framework.core.rule import AcrossRule, Row, Terms
    from framework.run.rule_book import RuleEntry

State = Literal["passed", "failed", "untested"]
LONGEST = 200


@dataclass(frozen=True)
class TriedRule:
    """What came of a rule: `untested` where its definition has no examples; `findings` say which are wrong, and how."""

    name: str
    where: tuple[str, ...]
    state: State
    examples: int = 0
    findings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        told = {"name": self.name, "where": list(self.where), "state": self.state, "examples": self.examples}
        return {**told, "findings": list(self.findings)}


class _UnreadableError(Exception):
    """An example has values that its columns cannot hold, or columns that are not there."""


def try_rules(book: Iterable[RuleEntry]) -> list[TriedRule]:
    """Try the rules of a rule book on the examples of their definitions; nothing is read or written.

    An example is read as a source reads rows, so a date may be text. Columns that it does not give are null. An example
    under `holds` must hold. One under `breaks` must break this rule, and no other that looks only at the columns that
    the example gives. Built-in checks of columns need no examples, and are left out.

    Args:
        book: Rules, as `rule_book` gives them.
    """
    with at_run_time(EPOCH):
        return [_try(entry) for entry in book if entry.is_named or entry.examples]


def _try(entry: RuleEntry) -> TriedRule:
    terms: Terms = entry.rule.terms
    findings: list[str] = []
    for word, examples in (("holds", terms.holds), ("breaks", terms.breaks)):
        for number, example in enumerate(examples, 1):
            place = f"example {number} of {word}"
            told = _wrong(entry, example, must_hold=word == "holds")
            findings += [f"{place}: {what}" for what in told]
    state: State = "untested" if not entry.examples else "failed" if findings else "passed"
    return TriedRule(entry.name, entry.where, state, entry.examples, tuple(findings))


def _wrong(entry: RuleEntry, example: Any, *, must_hold: bool) -> list[str]:
    try:
        if entry.kind in {"agreement", "reference"}:
            return list(_across(entry.rule, entry.contracts, example, must_hold=must_hold))
        return list(_of_rows(entry.rule, entry.contracts[""], example, must_hold=must_hold))
    except _UnreadableError as error:
        return [str(error)]
    except (AuthorError, pl.exceptions.PolarsError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        first = (str(error).splitlines() or [""])[0]
        return [f"{_shown(example)} made it raise {type(error).__name__}: {first}"]


def _of_rows(rule: Rule | DatasetRule, contract: Contract, example: Any, *, must_hold: bool) -> Iterator[str]:
    rows: Sequence[Row] = [example] if isinstance(example, Mapping) else example
    broken = _broken(rule, contract, rows)
    is_broken = any(other is rule for other in broken)
    if must_hold and is_broken:
        yield f"{_shown(example)} must hold, and breaks it: {rule.reason}"
    if not must_hold and not is_broken:
        yield f"{_shown(example)} must break it, and holds"
    if not must_hold:
        for other in broken:
            if other is not rule:
                yield f"{_shown(example)} breaks another rule as well, {other.key}: {other.reason}"


def _broken(rule: Rule | DatasetRule, contract: Contract, rows: Sequence[Row]) -> list[Rule | DatasetRule]:
    """The rules that rows break: this one, and those that look at nothing but columns that the rows give."""
    given = {name for row in rows for name in row}
    if isinstance(rule, DatasetRule):
        alone = replace(_lenient(contract), rules=(), dataset_rules=(rule,))
        checked, _ = _checked(rows, alone)
        return [found.rule for found in checked.totals.findings(look_again) if not found.holds]
    beside = [r for r in contract.rules if r is rule or set(r.keys or r.holds.meta.root_names()) <= given]
    checked, _ = _checked(rows, replace(_lenient(contract), rules=tuple(beside), dataset_rules=()))
    counts = {key for key, found in checked.tally.by_rule.items() if found.refused or found.warned}
    return [r for r in beside if (r.column, r.name, r.message) in counts]


def _lenient(contract: Contract) -> Contract:
    """A contract that takes rows in which columns are missing."""
    columns = {n: replace(spec, nullable=True, required=False, default=None) for n, spec in contract.columns.items()}
    return replace(contract, columns=columns, is_strict=False, is_ordered=False)


def _checked(rows: Sequence[Row], contract: Contract) -> tuple[Checked, pl.DataFrame]:
    """Hold rows against a contract; gives what was counted, and the rows that were accepted.

    Raises:
        _UnreadableError: when a value is none of its column's type, or there is no such column.
    """
    refused: list[pl.DataFrame] = []
    parts = [_raw(row, contract) for row in rows] or [_raw({}, contract).clear()]
    checked = check(parts, contract, source="", quarantine=refused.append)
    accepted = checked.accepted.collect()
    for broken in checked.tally.by_rule.values():
        if broken.rule.failure == "cast":
            told = _shown(rows[0] if len(rows) == 1 else rows)
            raise _UnreadableError(f"{told} cannot be read: {broken.rule.reason}")
    return checked, accepted


def _raw(row: Row, contract: Contract) -> pl.LazyFrame:
    unknown = next((name for name in row if name not in contract.columns), None)
    if unknown is not None:
        hint = did_you_mean(unknown, contract.columns)
        raise _UnreadableError(f"{_shown(row)} has '{unknown}', which is no column of {contract.name}; {hint}")
    given = row or dict.fromkeys([next(iter(contract.columns))])
    values = {name: [_exact(value, contract.columns[name].dtype)] for name, value in given.items()}
    located = {name: pl.Series([None], dtype=dtype) for name, dtype in PROVENANCE_TYPES.items()}
    return pl.LazyFrame({**values, **located})


def _exact(value: Any, dtype: pl.DataType) -> Any:
    """A number of the definition as it was written: a float would not be a decimal's value to the last place."""
    return repr(value) if isinstance(value, float) and isinstance(dtype, pl.Decimal) else value


def _across(rule: AcrossRule, known: Mapping[str, Contract], example: Any, *, must_hold: bool) -> Iterator[str]:
    unknown = next((node for node in example if node not in rule.nodes), None)
    if unknown is not None:
        hint = did_you_mean(unknown, rule.nodes)
        raise _UnreadableError(f"{_shown(example)} has rows of '{unknown}', at which it does not look; {hint}")
    frames = {node: _frame(node, example.get(node, ()), known) for node in rule.nodes}
    for what, fix in across_misfits(rule, {node: frame.schema for node, frame in frames.items()}):
        raise _UnreadableError(f"{_shown(example)} does not fit: {what} ({fix})")
    one, two = (frames[node].lazy() for node in rule.nodes)
    if isinstance(rule, Agreement):
        judged = judge_agreement(rule, side_value(rule, rule.left, one), side_value(rule, rule.right, two), look_again)
    else:
        judged = judge_reference(rule, values_of(rule, one), two, look_again)
    if must_hold and not judged.holds:
        yield f"{_shown(example)} must hold, and breaks it: {'; '.join(line.strip() for line in judged.lines)}"
    if not must_hold and judged.holds:
        yield f"{_shown(example)} must break it, and holds"


def _frame(node: str, rows: Sequence[Row], known: Mapping[str, Contract]) -> pl.DataFrame:
    if node in known:
        alone = replace(_lenient(known[node]), rules=(), dataset_rules=())
        return _checked(rows, alone)[1].drop(PROVENANCE_TYPES)
    if not rows:
        raise _UnreadableError(f"{node} has no schema, so an example must give a row of it")
    return pl.DataFrame([dict(row) for row in rows])


def _shown(example: Any) -> str:
    text = json.dumps(example, default=_plain, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else str(value)
