"""The rule book: every rule of every pipeline, where it stands, who answers for it, and what it asks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from framework.boundary import DatasetRule
from framework.core.budget import full_key, limits_of
from framework.core.clock import at_run_time
from framework.core.rule import Agreement
from framework.definition.load import load_pipelines
from framework.definition.selection import select
from framework.errors import DefinitionError, Problem, SelectionError, did_you_mean
from framework.run.compiled import EPOCH, contracts
from framework.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from framework.boundary import Contract, Rule
    from framework.core.rule import AcrossRule, Side, Terms
    from framework.definition import Pipeline

UNTYPED = re.compile(r"dyn \w+: ")
"""Stands before a number of an expression as long as its type is not known, and says nothing to people."""
Kind = Literal["row", "window", "dataset", "reference", "agreement"]


@dataclass(frozen=True)
class RuleEntry:
    """One rule of the book.

    `where`: the schema, source, step or pipeline that declares it. `used_by`: the nodes whose rows it is held against.
    `is_named`: whether it is a business rule, not a built-in check of a column. `rule` and `contracts`: what it was
    compiled to, and the schemas of the sources and steps that it looks at.
    """

    name: str
    kind: Kind
    severity: str
    message: str
    expression: str
    where: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    owner: str | None = None
    budget: str | None = None
    description: str = ""
    examples: int = 0
    is_named: bool = True
    rule: Any = field(default=None, compare=False, repr=False)
    contracts: Mapping[str, Contract] = field(default_factory=dict, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        told = ("name", "kind", "severity", "message", "owner", "budget", "description", "expression", "examples")
        places = {"where": list(self.where), "used_by": list(self.used_by), "is_named": self.is_named}
        return {**{name: getattr(self, name) for name in told}, **places}


def rule_book(*selection: str, project: str | Path = ".") -> list[RuleEntry]:
    """List the rules of a project's pipelines: those of schemas, sources and steps, and those across tables.

    Reads no data. A rule that several schemas or steps have is one entry with several places.

    Args:
        selection: Names such as `retail.sales`, or a domain such as `retail`. Default: every pipeline.
        project: The project's folder.

    Raises:
        SelectionError: when a name matches nothing; suggests the nearest.
        DefinitionError: naming everything of the definitions that does not fit.
    """
    return book_of(select(load_pipelines(load_settings(Path(project))), selection))


def book_of(pipelines: Iterable[Pipeline]) -> list[RuleEntry]:
    """List the rules of pipelines, by name.

    Raises:
        DefinitionError: naming every schema problem of every node.
    """
    found: dict[Any, RuleEntry] = {}
    problems: list[Problem] = []
    with at_run_time(EPOCH):
        for pipeline in pipelines:
            try:
                known = contracts(pipeline)
            except DefinitionError as error:
                problems.extend(error.problems)
                continue
            for entry in _entries(pipeline, known):
                _add(found, entry)
    if problems:
        raise DefinitionError(sorted(set(problems)))
    return sorted(found.values(), key=lambda entry: (not entry.is_named, entry.name, entry.where))


def _add(found: dict[Any, RuleEntry], entry: RuleEntry) -> None:
    same = (entry.name, entry.kind, entry.severity, entry.message, entry.owner, entry.budget, entry.expression)
    key = (
        *same,
        repr(getattr(entry.rule, "terms", None)),
        entry.where if entry.kind in {"agreement", "reference"} else (),
    )
    first = found.setdefault(key, entry)
    if first is not entry:
        where, used = ({**dict.fromkeys(a), **dict.fromkeys(b)} for a, b in zip(_at(first), _at(entry), strict=True))
        found[key] = replace(first, where=tuple(where), used_by=tuple(used))


def _at(entry: RuleEntry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return entry.where, entry.used_by


def _entries(pipeline: Pipeline, known: Mapping[str, Contract]) -> Iterator[RuleEntry]:
    for node, contract in known.items():
        if node in pipeline.table_sources:  # their rows were held against it when they were written
            continue
        own = {rule.name for rule in pipeline.rules_of(node)}
        kind = "source" if node in pipeline.sources else "step"
        every: list[Rule | DatasetRule] = [*contract.rules, *contract.dataset_rules]
        for rule in every:
            is_own = rule.column is None and rule.name in own
            where = f"{kind} {pipeline.name}:{node}" if is_own else f"schema {contract.name}"
            yield _of_rows(rule, contract, where, f"{pipeline.name}:{node}")
    for name, source in pipeline.file_sources.items():
        for reference in source.references:
            yield RuleEntry(
                name=f"{reference.column}.reference",
                kind="reference",
                severity="waiting",
                message=f"{reference.column}: waits for {reference.source} to know this {reference.key}",
                expression=f"{name}.{reference.column} in {reference.source}.{reference.key}",
                where=(f"source {pipeline.name}:{name}",),
                used_by=(f"{pipeline.name}:{name}",),
                is_named=False,
            )
    yield from (_across(rule, pipeline, known) for rule in pipeline.rules)


def _of_rows(rule: Rule | DatasetRule, contract: Contract, where: str, node: str) -> RuleEntry:
    is_dataset = isinstance(rule, DatasetRule)
    return RuleEntry(
        name=rule.key,
        kind="dataset" if isinstance(rule, DatasetRule) else "window" if rule.is_window else "row",
        severity=rule.severity,
        message=rule.reason,
        expression=UNTYPED.sub("", rule.expression if isinstance(rule, DatasetRule) else str(rule.holds)),
        where=(where,),
        used_by=(node,),
        description=rule.description,
        is_named=is_dataset or not (rule.kind or rule.keys),  # type: ignore[union-attr]
        rule=rule,
        contracts={"": contract},
        **_agreed(rule.terms),
    )


def _agreed(terms: Terms) -> dict[str, Any]:
    budget = " and ".join(map(str, limits_of(terms.budget))) or None
    return {"owner": terms.owner, "budget": budget, "examples": terms.examples}


def _across(rule: AcrossRule, pipeline: Pipeline, known: Mapping[str, Contract]) -> RuleEntry:
    return RuleEntry(
        name=rule.name,
        kind="agreement" if isinstance(rule, Agreement) else "reference",
        severity=rule.severity,
        message=rule.message,
        expression=_asked(rule),
        where=(f"pipeline {pipeline.name}",),
        used_by=tuple(f"{pipeline.name}:{node}" for node in rule.nodes),
        description=rule.description,
        rule=rule,
        contracts={node: known[node] for node in rule.nodes if node in known},
        **_agreed(rule.terms),
    )


def _asked(rule: AcrossRule) -> str:
    over = "" if rule.over == "tables" else ", over the rows of a run"
    if not isinstance(rule, Agreement):
        return f"({', '.join(rule.columns)}) of {rule.of} in ({', '.join(rule.keys)}) of {rule.to}{over}"
    within = f" within {rule.within}" if rule.within != "0" else ""
    return f"{_side(rule.left)} = {_side(rule.right)}{within}{over}"


def _side(side: Side) -> str:
    return f"{side.value} of {side.node}" + (f" by {', '.join(side.by)}" if side.by else "")


def find_rules(book: Sequence[RuleEntry], name: str) -> list[RuleEntry]:
    """Find the rules that are meant by a name: one as it is listed, or without its column.

    Raises:
        SelectionError: when there is none; suggests the nearest.
    """
    found = [entry for entry in book if entry.name == full_key(name)]
    found = found or [entry for entry in book if entry.name.rpartition(".")[2] == name]
    if not found:
        hint = did_you_mean(name, {entry.name for entry in book}) or "there are none"
        raise SelectionError(f"no rule is called '{name}'; {hint}")
    return found
