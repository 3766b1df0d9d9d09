"""What is known of a schema before any frame of it is drawn, and how drawing goes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from framework.boundary import compile_contract
from framework.boundary.conform import contract_rules
from framework.boundary.dataset.totals import Totals
from framework.boundary.rule import Rule, total
from framework.errors import SchemaError, did_you_mean
from framework.testing.domains import EXAMPLES, Domain, domains
from framework.testing.values import Reach, to_series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from framework.boundary import Contract
    from framework.core.typed import DataFrameModel, DataFrameSchema


@dataclass(frozen=True)
class Flavour:
    """How a frame is drawn: its number of rows, of values per column, nulls, and how far values go."""

    name: str
    rows: tuple[int, int] | None = None
    values: int = 6
    nulls: Literal["some", "all"] = "some"
    reach: Reach = "usual"


USUAL = Flavour("usual")
EDGE = Flavour("values at the edges", reach="edge")
EXTREME = Flavour("extreme values", rows=(1, 12), reach="extreme")
FLAVOURS = (
    Flavour("no rows", rows=(0, 0)),
    Flavour("one row", rows=(1, 1)),
    Flavour("all that may be null is null", rows=(1, 8), nulls="all"),
    Flavour("one value per column", rows=(2, 8), values=1),
    Flavour("many values per column", rows=(12, 30), values=30),
    EDGE,
)
"""What code forgets, without values so large that nothing can be calculated with them."""


@dataclass
class Luck:
    """What came of a trial: the rows kept, and per rule how many values and rows were tried, and kept to it."""

    kept: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)

    def note(self, reason: str, *, tried: int, held: int) -> None:
        """Count what a rule says of some values or rows."""
        self.tried[reason] += tried
        self.held[reason] += held

    @property
    def hardest(self) -> str:
        """The rule to which the smallest share keeps."""
        shares = {reason: self.held[reason] / count for reason, count in self.tried.items() if count}
        return min(shares, key=lambda reason: shares[reason], default="")


@dataclass(frozen=True)
class Recipe:
    """A schema made ready for drawing: its contract, the values of its columns, its rules by what they look at.

    `mentioned`: the values that rules mention, whether they keep to them or not. `luck`: kept while a trial goes on.
    """

    contract: Contract
    domains: dict[str, Domain]
    rules: tuple[Rule, ...]
    unique: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    mentioned: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    luck: Luck | None = None
    trials: dict[int, Luck] = field(default_factory=dict)

    @property
    def of_rows(self) -> list[Rule]:
        """The rules that look at one row."""
        return [rule for rule in self.rules if not rule.is_window]

    def of_column(self, name: str) -> list[Rule]:
        """The rules that look at one column alone."""
        return [rule for rule in self.of_rows if set(rule.holds.meta.root_names()) == {name}]

    def frame(self, rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
        """Make a frame of rows of cells."""
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(self.domains)
        found = zip(self.domains.items(), columns, strict=True)
        return pl.DataFrame([to_series(name, cells, domain.dtype) for (name, domain), cells in found])


def read_recipe(
    model: type[DataFrameModel] | DataFrameSchema,
    overrides: Mapping[str, SearchStrategy[Any]] | None = None,
    keys: Sequence[Sequence[str]] = (),
    contract: Contract | None = None,
) -> Recipe:
    """Compile a schema for drawing; `keys` are further columns whose values must be unique together.

    `contract`: what the schema becomes in a pipeline, where its source has its own word on nulls.

    Raises:
        DefinitionError: when the schema cannot be compiled.
        SchemaError: when `overrides` names a column that is not there.
    """
    known = contract or compile_contract(model)
    for name in overrides or {}:
        if name not in known.columns:
            hint = did_you_mean(name, known.columns)
            raise SchemaError(f"overrides names '{name}', which is no column of {known.name}; {hint}")
    rules = tuple(rule for rule in contract_rules(known) if rule.severity == "error")
    given = [_key_rule(tuple(key)) for key in keys if set(key) <= set(known.columns)]
    every = [rule.keys for rule in (*rules, *given) if rule.keys]
    found = domains(model, known, overrides or {})
    return Recipe(
        contract=known,
        domains={name: _fitting(name, domain, rules) for name, domain in found.items()},
        rules=(*rules, *given),
        unique=tuple(dict.fromkeys(key[0] for key in every if len(key) == 1)),
        keys=tuple(dict.fromkeys(key for key in every if len(key) > 1)),
        mentioned={name: domain.mentioned for name, domain in found.items()},
    )


def _fitting(name: str, domain: Domain, rules: Sequence[Rule]) -> Domain:
    """Leave out what rules on the column alone forbid of the values that are listed or mentioned."""
    own = [rule for rule in rules if not rule.is_window and set(rule.holds.meta.root_names()) == {name}]

    def good(cells: tuple[Any, ...]) -> tuple[Any, ...]:
        frame = pl.DataFrame([to_series(name, cells, domain.dtype)])
        return tuple(cell for cell, is_good in zip(cells, holds(frame, own), strict=True) if is_good)

    listed = None if domain.listed is None else good(domain.listed)
    return replace(domain, listed=listed, mentioned=good(domain.mentioned))


def _key_rule(key: tuple[str, ...]) -> Rule:
    words = f"{', '.join(key)}: must be unique together"
    return Rule("unique", None, pl.len().over(key) == 1, words, is_window=True, keys=key)


def verdicts(frame: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """Hold rows against rules: one row per row, one column per rule, true where it holds."""
    if not frame.height:
        return pl.DataFrame(schema=[(str(number), pl.Boolean) for number in range(len(rules))])
    columns = [total(rule.holds).alias(str(number)) for number, rule in enumerate(rules)]
    return frame.select(pl.repeat(value=True, n=pl.len()).alias("_"), *columns).drop("_")


def holds(frame: pl.DataFrame, rules: Sequence[Rule], luck: Luck | None = None) -> pl.Series:
    """Say of each row whether it keeps to all rules."""
    if not rules or not frame.height:
        return pl.Series([True] * frame.height, dtype=pl.Boolean)
    found = verdicts(frame, rules)
    if luck is not None:
        for rule, column in zip(rules, found.iter_columns(), strict=True):
            luck.note(rule.reason, tried=frame.height, held=int(column.sum()))
    return found.select(pl.all_horizontal(pl.all())).to_series()


def _ask(plan: pl.LazyFrame) -> pl.DataFrame:
    return plan.collect()


def broken_totals(frame: pl.DataFrame, contract: Contract) -> list[str]:
    """The rules over the whole frame that do not hold, as reasons."""
    totals = Totals([rule for rule in contract.dataset_rules if rule.severity == "error"], contract.schema)
    totals.add(frame.select(list(contract.columns)))
    return [finding.rule.reason for finding in totals.findings(_ask) if not finding.holds]


def hopeless(recipe: Recipe, luck: Luck) -> SchemaError:
    """Say that no row keeps to a schema, which rule is the hardest, and what to do."""
    reason, name = luck.hardest, recipe.contract.name
    return SchemaError(
        f"no rows of {name} could be made: of {luck.tried[reason]} tried {luck.held[reason]} keep to '{reason}'; give"
        f" values to draw from: frames({name}, overrides={{'column': strategy}}), or in the schema"
        f" pa.Field(metadata={{'{EXAMPLES}': [...]}})"
    )
