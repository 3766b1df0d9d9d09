"""Business rules in Python: `rule(...)`, an attribute of a schema, or given to a source or a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl

from framework.boundary.custom import ORIGIN, Origin, sql_check
from framework.boundary.made_checks import MadeCheck
from framework.boundary.sql import parse_sql
from framework.boundary.terms import set_terms
from framework.core.rule import BusinessRule, Terms, term_mistakes
from framework.errors import DefinitionError, Problem, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pandera.api.polars.types import PolarsData

    from framework.core.budget import Limits
    from framework.core.rule import Example


@dataclass(frozen=True)
class DeclaredRule(BusinessRule):
    """A rule that can be an attribute of a model: Pandera then finds a check of rows in it."""

    def __get__(self, instance: object, owner: type | None = None) -> DeclaredRule:
        """Be what Pandera takes for a method, not for a column without a type."""
        return self

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn by which name the rule can be found again: a schema in YAML calls it by that."""
        object.__setattr__(self, "_home", f"{owner.__module__}:{owner.__qualname__}.{name}")

    def __call__(self, data: PolarsData) -> pl.LazyFrame:
        """Answer as a check of Pandera does: one value per row, or one for all of them. Lazy."""
        return _function(self)(data)

    @property
    def home(self) -> str:
        """The module, the model and the name under which it stands; empty where it is no attribute of a model."""
        return str(getattr(self, "_home", ""))

    @property
    def __dataframe_check_config__(self) -> MadeCheck:
        """By this Pandera (0.35) knows a check of a model's rows."""
        return MadeCheck(as_check(self))


def rule(  # noqa: PLR0913 - one keyword per thing that is agreed on a rule
    name: str,
    expression: pl.Expr | str,
    *,
    message: str,
    owner: str | None = None,
    severity: str = "error",
    budget: Limits | None = None,
    description: str = "",
    holds: Sequence[Example] = (),
    breaks: Sequence[Example] = (),
) -> DeclaredRule:
    """Declare a business rule: an attribute of a schema, or an item of `rules=` of a source or a step.

    A rule looks at a row (`net <= gross`), at a row among others (`.over()`), or at all rows (`sum() > 0`): that is
    seen from the expression. Where it has no answer, as for missing values, it holds. Pure: nothing is read.

    Args:
        name: By which budgets, messages and `sluice rules` call it.
        expression: True where the rule holds; text is SQL.
        message: What a row that breaks it is told, such as `net_amount: must not exceed gross_amount`.
        owner: Who answers for it.
        severity: `error`, or `warning`: counted, refuses nothing.
        budget: How many rows may break it before the run fails: `100`, `"0.1%"`, or both in a list. A source's own
            `budget={name: ...}` takes its place. Rows of a step that break it within its budget are kept and counted.
        description: Why it is there.
        holds: Examples for which it must hold: rows, or lists of rows where it looks at many. `sluice rules test`.
        breaks: Examples that must break it, and no other rule.

    Raises:
        DefinitionError: naming everything of it that cannot be; what the expression asks of columns is seen once it is
            part of a schema.

    >>> net_within_gross = rule(
    ...     "net_within_gross", pl.col("net") <= pl.col("gross"), message="net: must not exceed gross", owner="finance",
    ...     holds=[{"net": 1, "gross": 2}], breaks=[{"net": 3, "gross": 2}],
    ... )
    >>> class Line(pa.DataFrameModel):
    ...     net: int
    ...     gross: int
    ...     net_within_gross = net_within_gross
    >>> [check.name for check in Line.to_schema().checks]
    ['net_within_gross']
    """
    terms = Terms(owner, budget, tuple(holds), tuple(breaks))
    made = DeclaredRule(name, expression, message, severity, description, terms)
    problems = [Problem(f"rule '{name}'", what, fix) for what, fix in (*_mistakes(made), *term_mistakes(made))]
    if problems:
        raise DefinitionError(problems)
    return made


def _mistakes(made: BusinessRule) -> Iterator[tuple[str, str]]:
    if not isinstance(made.expression, pl.Expr | str):
        kind = type(made.expression).__name__
        yield f"its expression is a {kind}", "give an expression of Polars, or SQL as text"
    if isinstance(made.expression, str):
        try:
            parse_sql(made.expression)
        except SchemaError as error:
            yield str(error), "true where the rule holds, such as net_amount <= gross_amount"
    if made.name in pa.Check.CHECK_FUNCTION_REGISTRY:
        yield "has the name of a check of Pandera, which would take it for that", "choose another"


def as_check(made: BusinessRule) -> pa.Check:
    """Give a rule as a check of Pandera over rows, with its terms."""
    check = pa.Check(
        _function(made),
        name=made.name,
        error=made.message,
        raise_warning=made.severity == "warning",
        description=made.description or None,
    )
    set_terms(check, made.terms)
    return check


def _function(made: BusinessRule) -> Callable[[PolarsData], pl.LazyFrame]:
    expression, home = made.expression, getattr(made, "home", "")
    if isinstance(expression, str):
        return sql_check(expression, made.name)

    def ask(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(expression)

    if home:
        vars(ask)[ORIGIN] = Origin("python", home)
    else:
        ask.__qualname__ = f"<locals>.{made.name}"
    return ask
