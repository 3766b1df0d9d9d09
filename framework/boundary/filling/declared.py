"""A source's fallbacks, worked into the contract that its rows are held against; what cannot work is refused here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary.rule import Rule, total
from framework.core.fallback import CAUSES, Default, LastKnown
from framework.core.frames import FILLED
from framework.errors import DefinitionError, Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from framework.boundary.contract import ColumnSpec, Contract
    from framework.core.fallback import Fallback


def with_fallbacks(
    contract: Contract, given: Mapping[str, tuple[Fallback, ...]], *, source: str, has_alternate: bool = False
) -> Contract:
    """Give the contract of a source with what stands in for values that cannot be used; its rows carry the mark.

    `has_alternate`: another source may stand in for it, or it for another one, so rows are marked anyway.

    Raises:
        DefinitionError: naming every column that is not there, every value that does not fit, and what can never work.
    """
    if not given and not has_alternate:
        return contract
    problems = [p for name, chosen in given.items() for p in _problems(contract, given, name, chosen, source)]
    if FILLED in contract.columns:
        problems.append(Problem(f"source '{source}'", f"{contract.name} has a column {FILLED}", "rename it"))
    if problems:
        raise DefinitionError(problems)
    columns = contract.columns.items()
    filled = {n: replace(spec, fallback=given.get(n, ())) for n, spec in columns}
    return replace(contract, columns=filled, is_marked=True)


def own_rules(contract: Contract, name: str) -> list[Rule]:
    """The rules that refuse a row for the value of one column alone."""
    rules = [rule for rule in contract.rules if rule.severity == "error" and not rule.is_window and not rule.keys]
    return [rule for rule in rules if set(rule.holds.meta.root_names()) == {name}]


def _problems(
    contract: Contract, given: Mapping[str, tuple[Fallback, ...]], name: str, chosen: Sequence[Fallback], source: str
) -> Iterator[Problem]:
    where = f"source '{source}', fallback of '{name}'"
    if name not in contract.columns:
        yield Problem(where, f"{contract.name} has no such column", did_you_mean(name, contract.columns))
        return
    if not chosen:
        yield Problem(where, "names nothing that stands in", "give default(...) or last_known(...)")
    for rule in contract.rules:
        if name in rule.keys:
            fix = "a filled key would make one row of several; quarantine such rows"
            yield Problem(where, f"the column is part of what is unique ({', '.join(rule.keys)})", fix)
    for number, one in enumerate(chosen):
        yield from _causes(where, one, contract.columns[name])
        yield from _after_default(where, chosen[:number])
        if isinstance(one, Default):
            yield from _value(where, contract, name, one.value)
        else:
            yield from _look_up(where, contract, given, name, one)


def _causes(where: str, one: Fallback, spec: ColumnSpec) -> Iterator[Problem]:
    for cause in one.covers:
        if cause not in CAUSES:
            yield Problem(where, f"for_='{cause}' is no cause", did_you_mean(str(cause), CAUSES))
    if not one.covers:
        yield Problem(where, "for_ names no cause", f"one or several of {', '.join(CAUSES)}")
    if one.covers == ("null",) and (spec.nullable or spec.default is not None):
        what = "may be empty" if spec.nullable else f"has the default {spec.default!r}"
        fix = f"to have empty cells filled and marked: nulls=Nulls(refuse=['{spec.name}'])"
        yield Problem(where, f"is for missing values only, but the column {what}", fix if spec.nullable else "drop one")


def _after_default(where: str, before: Sequence[Fallback]) -> Iterator[Problem]:
    if before and isinstance(before[-1], Default) and set(before[-1].covers) >= set(CAUSES):
        yield Problem(where, "what follows a default is never asked", "put the default last")


def _value(where: str, contract: Contract, name: str, value: Any) -> Iterator[Problem]:
    """Hold a default against the column's type and its own rules."""
    dtype = contract.columns[name].dtype
    try:
        cell = pl.Series(name, [value], dtype=dtype)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        yield Problem(where, f"default({value!r}) is no {dtype}", "give a value of the column's type")
        return
    if cell.null_count():
        yield Problem(where, f"default({value!r}) is no value", "drop it: without a value the row is refused")
        return
    if cell.to_list()[0] != value:
        yield Problem(where, f"default({value!r}) would become {cell.to_list()[0]!r}", f"{dtype} cannot hold it")
    for rule in own_rules(contract, name):
        if not pl.DataFrame([cell]).select(total(rule.holds).alias(name)).item():
            yield Problem(where, f"default({value!r}) breaks the column's own rule: {rule.message}", "give another")


def _look_up(
    where: str, contract: Contract, given: Mapping[str, tuple[Fallback, ...]], name: str, one: LastKnown
) -> Iterator[Problem]:
    if not one.key:
        yield Problem(where, "last_known has no key", "say of what the value is: key='product_id'")
    if one.max_age is not None and one.at is None:
        yield Problem(where, "max_age without a time", "say since when a value holds: at='updated_at'")
    if one.as_of is not None and one.at is None:
        yield Problem(where, "as_of without a time", "say since when a value holds: at='updated_at'")
    used = [("key", own) for own, _ in one.key] + ([("as_of", one.as_of)] if one.as_of else [])
    for option, own in used:
        if own not in contract.columns:
            hint = did_you_mean(own, contract.columns)
            yield Problem(where, f"{option} names '{own}', which {contract.name} does not have", hint)
        elif own == name or own in given:
            what = "is the column itself" if own == name else "has a fallback itself"
            yield Problem(where, f"{option} '{own}' {what}", "look up by columns that rows bring with them")
    spec = contract.columns.get(one.as_of or "")
    if spec is not None and not isinstance(spec.dtype, pl.Date | pl.Datetime):
        yield Problem(where, f"as_of '{one.as_of}' is {spec.dtype}", "name a column of times or dates")
