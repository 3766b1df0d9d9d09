"""Verdicts on what was staged, before any of it is published: policies, budgets, dataset rules, steps' contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.boundary import describe, describe_findings, rows
from framework.core.budget import EVERYTHING
from framework.core.events import emit
from framework.errors import MAX_EXAMPLES, MAX_GROUPS, BoundaryError, StepError
from framework.run.budgets import rule_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framework.boundary import Contract, Finding, Tally
    from framework.core.budget import Limit
    from framework.core.source import FileSource
    from framework.run.intake import Intake
    from framework.run.targets import Target

NOTHING_PUBLISHED = "nothing of this run is published"
MEND = "correct the rows and deliver the files again, or"


def require_source(source: FileSource, intake: Intake, contract: Contract) -> list[str]:
    """Hold what came of a source against its policy, its budget and its dataset rules; gives what is to be warned of.

    Raises:
        BoundaryError: with the counts per column and rule, and examples.
    """
    _require_policy(source, intake)
    _require_budget(source, intake)
    broken = _broken_findings(intake)
    warns = [f for f in broken if f.rule.severity == "warning" or source.on_invalid == "warn"]
    fails = [f for f in broken if f not in warns]
    if fails:
        count = "1 rule" if len(fails) == 1 else f"{len(fails)} rules"
        head = f"source '{intake.name}': {count} over all its rows broken by the {_accepted(intake)} accepted:"
        told = [*describe_findings(fails, contract), f"{NOTHING_PUBLISHED}; {MEND} change the rule in {contract.name}"]
        raise BoundaryError("\n".join([head, *told]))
    words = [line.strip() for line in describe_findings(warns, contract)]
    for word in words:
        emit("rule.broken", f"{intake.name}: {word}", level="WARNING", source=intake.name)
    return words


def _accepted(intake: Intake) -> str:
    released = intake.retaken.tally.accepted if intake.retaken else 0
    return rows(intake.fresh.tally.accepted + released)


def _broken_findings(intake: Intake) -> list[Finding]:
    """The dataset rules that do not hold of fresh and retaken rows together. Without new files there is no batch."""
    if not intake.files:
        return []
    others = [intake.retaken.totals] if intake.retaken else []
    return [finding for finding in intake.fresh.totals.findings(*others) if not finding.holds]


def _require_policy(source: FileSource, intake: Intake) -> None:
    tally = intake.fresh.tally
    if source.on_invalid != "fail" or not (tally.refused or intake.rejected):
        return
    what = f"{_of(tally.refused, tally)} and {len(intake.rejected)} of {intake.files} files"
    head = f"source '{intake.name}' refuses invalid input, and {what} are invalid:"
    fix = f"{NOTHING_PUBLISHED}; {MEND} let the run go on without them: on_invalid='quarantine'"
    raise BoundaryError("\n".join([head, *describe(tally), *_rejected(intake), fix]))


def _rejected(intake: Intake) -> Iterator[str]:
    if intake.rejected:
        yield f"  files: {len(intake.rejected)}"
    for refused in intake.rejected[:MAX_EXAMPLES]:
        yield f"    {refused.file.path}: {refused.reason}"
    if len(intake.rejected) > MAX_EXAMPLES:
        yield f"    and {len(intake.rejected) - MAX_EXAMPLES} more"


def _of(count: int, tally: Tally) -> str:
    return f"{count:,} of {rows(tally.rows_in - tally.blank)}"


def _require_budget(source: FileSource, intake: Intake) -> None:
    """Fail where more is refused than a source's budget allows; rows that only wait for a reference are not counted."""
    tally = intake.fresh.tally
    over = []
    for limit in source.limits:
        count = _counted(limit, intake)
        if not limit.allows(count, tally.rows_in - tally.blank):
            on = "all rules" if limit.on == EVERYTHING else limit.on
            over.append(f"  {on}: {_of(count, tally)} refused, at most {limit} may be")
        elif limit.on == EVERYTHING and limit.percent and not limit.allows(len(intake.rejected), intake.files):
            over.append(f"  files: {len(intake.rejected)} of {intake.files} refused, at most {limit} may be")
    if not over:
        return
    head = f"source '{intake.name}' is over its budget:"
    fix = f"{NOTHING_PUBLISHED}; {MEND} raise the budget of the source"
    raise BoundaryError("\n".join([head, *over, "what broke:", *describe(tally), *_rejected(intake), fix]))


def _counted(limit: Limit, intake: Intake) -> int:
    """How much of what a limit is on was refused. Of a file that was refused as a whole one row at least is known."""
    tally = intake.fresh.tally
    if limit.on == EVERYTHING:
        return tally.refused - tally.waiting + (len(intake.rejected) if limit.rows is not None else 0)
    of_column = [b for b in tally.by_rule.values() if b.rule.column == limit.on]
    if of_column:
        return tally.by_column[limit.on] + sum(b.warned for b in of_column)
    return sum(b.refused + b.warned for b in tally.by_rule.values() if limit.on == rule_key(b.rule.column, b.rule.name))


def require_contracts(target: Target) -> None:
    """Fail the run where a step gave rows that break the contract it declares; say what only warns.

    Raises:
        StepError: naming the step, its broken rules and how often each was broken.
    """
    for step, found in target.violations.items():
        lines = [f"  {count:,} x {reason}" for reason, count in found.counts.most_common(MAX_GROUPS) if count]
        broken = [f for f in found.totals.findings() if not f.holds]
        lines += describe_findings([f for f in broken if f.rule.severity == "error"], found.contract)
        if lines:
            head = f"step '{step}' gave rows that break the schema it declares; '{target.table}' is not written:"
            fix = f"{NOTHING_PUBLISHED}; correct the step, or the rules of {found.contract.name}"
            raise StepError("\n".join([head, *lines, fix]))
        warned = [f"{count:,} x {reason}" for reason, count in found.warnings.items() if count]
        warned += _stripped(describe_findings([f for f in broken if f.rule.severity == "warning"], found.contract))
        for words in warned:
            emit("rule.broken", f"{step}: {words}", level="WARNING", step=step)


def _stripped(lines: Iterator[str]) -> Sequence[str]:
    return [line.strip() for line in lines]
