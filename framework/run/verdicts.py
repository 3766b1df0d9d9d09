"""Verdicts on what was staged, before any of it is published: policies, budgets, dataset rules, steps' contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.boundary import MAX_VALUES, Share, describe, describe_findings, describe_violations, rows, shown
from framework.core.budget import EVERYTHING
from framework.core.events import emit
from framework.core.report import StepReport
from framework.errors import MAX_EXAMPLES, MAX_GROUPS, BoundaryError, StepError
from framework.run.budgets import fill_keys, limits_in
from framework.run.execution import look_again

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from framework.boundary import ColumnSpec, Contract, Finding, Tally, Violations
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
    if not intake.is_relieved:
        _require_policy(source, intake)
        _require_limits(source, intake, contract)
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
    for (column, by), cells in sorted(intake.fresh.tally.filled.items()):
        text = f"{intake.name}: {rows(cells)} with {column} filled by {by}"
        emit("cells.filled", text, source=intake.name, column=column, by=by, cells=cells)
    return words


def excess(source: FileSource, intake: Intake, contract: Contract) -> str:
    """Say what of a source is more than its policy or its budget allows; empty where nothing is.

    Raises:
        BoundaryError: when a budget is per value of a column that has too many values.
    """
    invalid = _invalid(source, intake)
    over = [f"{invalid} are invalid"] if invalid else _over_limits(source, intake, contract)
    return over[0].strip() if over else ""


def _accepted(intake: Intake) -> str:
    released = intake.retaken.tally.accepted if intake.retaken else 0
    return rows(intake.fresh.tally.accepted + released)


def _broken_findings(intake: Intake) -> list[Finding]:
    """The dataset rules that do not hold of fresh and retaken rows together. Without new files there is no batch.

    Nor is there one where an alternate source stands in: then its rows are the batch.
    """
    if not intake.files or intake.is_relieved:
        return []
    others = [intake.retaken.totals] if intake.retaken else []
    return [finding for finding in intake.fresh.totals.findings(look_again, *others) if not finding.holds]


def _require_policy(source: FileSource, intake: Intake) -> None:
    invalid = _invalid(source, intake)
    if not invalid:
        return
    head = f"source '{intake.name}' refuses invalid input, and {invalid} are invalid:"
    fix = f"{NOTHING_PUBLISHED}; {MEND} let the run go on without them: on_invalid='quarantine'"
    raise BoundaryError("\n".join([head, *describe(intake.fresh.tally), *_rejected(intake), fix]))


def _invalid(source: FileSource, intake: Intake) -> str:
    """Count what is invalid, where nothing may be."""
    tally = intake.fresh.tally
    if source.on_invalid != "fail" or not (tally.refused or intake.rejected):
        return ""
    return f"{_of(tally.refused, tally)} and {len(intake.rejected)} of {intake.files} files"


def _rejected(intake: Intake) -> Iterator[str]:
    if intake.rejected:
        yield f"  files: {len(intake.rejected)}"
    for refused in intake.rejected[:MAX_EXAMPLES]:
        yield f"    {refused.file.path}: {refused.reason}"
    if len(intake.rejected) > MAX_EXAMPLES:
        yield f"    and {len(intake.rejected) - MAX_EXAMPLES} more"


def _of(count: int, tally: Tally) -> str:
    return f"{count:,} of {rows(tally.rows_in - tally.blank)}"


def _require_limits(source: FileSource, intake: Intake, contract: Contract) -> None:
    """Fail where more is refused than a source's budget allows; rows that only wait for a reference are not counted."""
    over = _over_limits(source, intake, contract)
    if not over:
        return
    head = f"source '{intake.name}' is over its budget:"
    fix = f"{NOTHING_PUBLISHED}; {MEND} raise the budget of the source"
    broken = [*describe(intake.fresh.tally), *_rejected(intake)]
    raise BoundaryError("\n".join([head, *over, *(["what broke:", *broken] if broken else []), fix]))


def _over_limits(source: FileSource, intake: Intake, contract: Contract) -> list[str]:
    """Describe the limits that are exceeded."""
    over: list[str] = []
    fills = fill_keys(contract)
    for limit in limits_in(source, contract):
        what = "filled" if limit.on in fills else "refused"
        if limit.per is not None:
            over += _over_within(limit, limit.per, intake, contract, what)
        else:
            count = _filled(fills[limit.on], intake) if limit.on in fills else _counted(limit, intake)
            over += _over(limit, intake, count, what)
    return over


def _filled(column: str, intake: Intake) -> int:
    """How many cells of a column were filled; of `*`, how many rows with any."""
    tally = intake.fresh.tally
    if column == EVERYTHING:
        return tally.rows_filled
    return sum(count for (name, _), count in tally.filled.items() if name == column)


def _over(limit: Limit, intake: Intake, count: int, what: str) -> Iterator[str]:
    tally = intake.fresh.tally
    if not limit.allows(count, tally.rows_in - tally.blank):
        yield f"  {_words(limit)}: {_of(count, tally)} {what}, at most {limit} may be"
    elif limit.on == EVERYTHING and limit.percent and not limit.allows(len(intake.rejected), intake.files):
        yield f"  files: {len(intake.rejected)} of {intake.files} refused, at most {limit} may be"


def _over_within(limit: Limit, per: str, intake: Intake, contract: Contract, what: str) -> Iterator[str]:
    """Describe the values of a column within which a limit is broken: the worst first.

    Raises:
        BoundaryError: when the column has too many values for their rows to be counted.
    """
    partitions = intake.fresh.tally.partitions
    if per in partitions.crowded:
        head = f"source '{intake.name}': its budget '{limit.key}' is per value of a column with more than"
        fix = f"{NOTHING_PUBLISHED}; take a column with fewer values, or give the budget without 'per {per}'"
        raise BoundaryError(f"{head} {MAX_VALUES:,} values\n{fix}")
    over = [one for one in partitions.of(Share(limit.on, per)) if not limit.allows(one[1], one[2])]
    if not over:
        return
    worst_first = sorted(over, key=lambda one: (-one[1] / one[2] if limit.percent else 0, -one[1], str(one[0])))
    count = "1 value" if len(over) == 1 else f"{len(over):,} values"
    yield f"  {_words(limit)}: too much {what} within {count}, at most {limit} may be:"
    for value, refused, of in worst_first[:MAX_GROUPS]:
        yield f"    {_value(value, contract.columns[per])}: {refused:,} of {rows(of)}"
    if len(over) > MAX_GROUPS:
        yield f"    and {len(over) - MAX_GROUPS:,} more"


def _words(limit: Limit) -> str:
    return f"all rules{limit.key.removeprefix(EVERYTHING)}" if limit.on == EVERYTHING else limit.key


def _value(value: Any, column: ColumnSpec) -> str:
    return "no value, or none that can be read" if value is None else shown(value, is_sensitive=column.is_sensitive)


def _counted(limit: Limit, intake: Intake) -> int:
    """How much of what a limit is on was refused. Of a file that was refused as a whole one row at least is known."""
    tally = intake.fresh.tally
    if limit.on == EVERYTHING:
        return tally.refused - tally.waiting + (len(intake.rejected) if limit.rows is not None else 0)
    of_column = [b for b in tally.by_rule.values() if b.rule.column == limit.on]
    if of_column:
        return tally.by_column[limit.on] + sum(b.let_pass for b in of_column)
    return sum(b.refused + b.let_pass for b in tally.by_rule.values() if limit.on == b.rule.key)


def require_contracts(target: Target) -> None:
    """Fail the run where a step gave rows that break the contract it declares; say what only warns.

    Raises:
        StepError: naming the step, its broken rules, how often each was broken, and examples.
    """
    require_steps(target.violations, f"'{target.table}' is not written")


def require_steps(violations: Mapping[str, Violations], consequence: str) -> None:
    """Hold steps against the schemas that they declare, once their rows have passed; see `require_contracts`."""
    for step, found in violations.items():
        lines = list(describe_violations(found.close(look_again)))
        if lines:
            head = f"step '{step}' gave rows that break the schema it declares; {consequence}:"
            fix = f"{NOTHING_PUBLISHED}; correct the step, or the rules of {found.contract.name}"
            broken = StepError("\n".join([head, *lines, fix]))
            broken.step = step
            raise broken
        report = step_report(found)
        warned = [f"{count:,} x {reason}" for reason, count in report.warned.items()]
        for words in [*warned, *report.warnings]:
            emit("rule.broken", f"{step}: {words}", level="WARNING", step=step)


def step_reports(targets: Sequence[Target]) -> dict[str, StepReport]:
    """The steps of which rules that only warn were broken. One that feeds several tables has given each the same."""
    found: dict[str, StepReport] = {}
    for target in targets:
        for step, violations in target.violations.items():
            report = step_report(violations)
            if step not in found and (report.warned or report.warnings):
                found[step] = report
    return found


def step_report(found: Violations) -> StepReport:
    """What the rows of a step break of rules that only warn, once its violations are closed."""
    warned = {reason: count for reason, count in found.warnings.most_common() if count}
    over_all = [finding for finding in found.broken if finding.rule.severity == "warning"]
    return StepReport(warned, [line.strip() for line in describe_findings(over_all, found.contract)])
