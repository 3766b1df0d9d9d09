"""Rules across tables, as an author declares them: `agree(...)` and `references(...)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from framework.core.rule import Agreement, Side, TableReference, Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    import polars as pl

    from framework.core.budget import Limits
    from framework.core.rule import Example, Over

    Node = Callable[..., Any] | str
    Value = pl.Expr | str


def node_name(of: Callable[..., Any] | str) -> str:
    """What a step or source is called, given itself or its name."""
    return of if isinstance(of, str) else str(getattr(of, "__name__", repr(of)))


def agree(  # noqa: PLR0913 - one keyword per thing that is agreed on a rule
    name: str,
    *,
    left: Node,
    right: Node,
    on: Value | tuple[Value, Value],
    by: str | Sequence[str] | Mapping[str, str] = (),
    within: str | float | Decimal = 0,
    over: Over = "tables",
    message: str | None = None,
    owner: str | None = None,
    severity: str = "error",
    description: str = "",
    holds: Sequence[Example] = (),
    breaks: Sequence[Example] = (),
) -> Agreement:
    """Declare that an aggregate of two sources or steps agrees; for `Pipeline(..., rules=[...])`.

    A value that exists on one side only does not agree, whatever it is. What is null is left out by most aggregates;
    where an aggregate itself is null on both sides, it agrees. Pure: nothing is read.

    Args:
        name: What the rule is called.
        left: A step or source, or its name.
        right: Another one.
        on: The aggregate, such as `pl.col("net_amount").sum()`, or two of them, left and right; text is SQL.
        by: Columns for each of whose values the two must agree; a mapping gives the names on the left and right.
        within: How far they may be apart: a number (`"0.01"`), or a share of the larger one (`"0.5%"`). Floats may
            always differ by one part in a thousand million.
        over: `tables`: the tables as they would be published, rows that stay included, each side a source that is a
            table or the rows of an output. `run`: the rows that this run reads and computes, of any source or step.
        message: What a run says where it is broken. Default: what agrees with what.
        owner: Who answers for it.
        severity: `error` fails the run before it publishes anything; `warning` is in its report.
        description: Why it is there.
        holds: Examples for which it must hold: rows by source or step, `{"sales": [{...}], "daily_sales": [{...}]}`.
        breaks: Examples that must break it.

    >>> agree("all_is_summed", left="daily", right="sales", on="SUM(net)", by="day").message
    'daily and sales must agree on SUM(net) for each day'
    """
    values = on if isinstance(on, tuple) else (on, on)
    pairs = by if isinstance(by, Mapping) else {column: column for column in ([by] if isinstance(by, str) else by)}
    first, second = node_name(left), node_name(right)
    words = " and ".join(dict.fromkeys(map(str, values))) + (f" for each {', '.join(pairs)}" if pairs else "")
    return Agreement(
        name,
        Side(first, values[0], tuple(pairs)),
        Side(second, values[-1], tuple(pairs.values())),
        str(within),
        over,
        f"{first} and {second} must agree on {words}" if message is None else message,
        severity,
        description,
        Terms(owner, None, tuple(holds), tuple(breaks)),
    )


def references(  # noqa: PLR0913 - one keyword per thing that is agreed on a rule
    name: str,
    *,
    of: Node,
    column: str | Sequence[str],
    to: Node,
    key: str | Sequence[str] = (),
    over: Over = "tables",
    message: str | None = None,
    owner: str | None = None,
    severity: str = "error",
    budget: Limits | None = None,
    description: str = "",
    holds: Sequence[Example] = (),
    breaks: Sequence[Example] = (),
) -> TableReference:
    """Declare that the values of a column are known in another source or step; for `Pipeline(..., rules=[...])`.

    Rows in which a column is null refer to nothing. Other than with `references=` of files, no row waits: broken, the
    rule fails the run, or warns. Pure: nothing is read.

    Args:
        name: What the rule is called.
        of: The step or source that refers, or its name.
        column: Its column, or columns that refer together.
        to: The step or source that must have the value.
        key: Its column or columns. Default: those of `column`.
        over: `tables`: all rows of the table as it would be published. `run`: the rows of `of` that this run computes.
            `to` is a whole table in both cases, where there is one.
        message: What a run says where it is broken. Default: what must be known where.
        owner: Who answers for it.
        severity: `error` fails the run before it publishes anything; `warning` is in its report.
        budget: How many rows of `of` may break it before the run fails: `100`, `"0.1%"`, or both in a list.
        description: Why it is there.
        holds: Examples for which it must hold: rows by source or step, `{"sales": [{...}], "products": [{...}]}`.
        breaks: Examples that must break it.

    >>> references("sold_products", of="sales", column="product_id", to="products").message
    'product_id of sales must be known in products'
    """
    columns = (column,) if isinstance(column, str) else tuple(column)
    keys = ((key,) if isinstance(key, str) else tuple(key)) or columns
    first, second = node_name(of), node_name(to)
    words = f"{', '.join(columns)} of {first} must be known in {second}"
    return TableReference(
        name,
        first,
        columns,
        second,
        keys,
        over,
        words if message is None else message,
        severity,
        description,
        Terms(owner, budget, tuple(holds), tuple(breaks)),
    )
