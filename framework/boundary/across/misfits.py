"""Rules across tables against the columns of their tables: what does not fit, before any row is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.across.agreement import expression_of
from framework.core.rule import Agreement, read_tolerance
from framework.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from framework.core.rule import AcrossRule, Side, TableReference


def across_misfits(rule: AcrossRule, schemas: Mapping[str, pl.Schema]) -> Iterator[tuple[str, str]]:
    """Say what of a rule does not fit the columns of its sources and steps, and what to do.

    Args:
        rule: The rule.
        schemas: The columns of sources and steps, as far as they are known.
    """
    if isinstance(rule, Agreement):
        yield from _agreement_misfits(rule, schemas)
    else:
        yield from _reference_misfits(rule, schemas)


def _agreement_misfits(rule: Agreement, schemas: Mapping[str, pl.Schema]) -> Iterator[tuple[str, str]]:
    types = {}
    for word, side in (("left", rule.left), ("right", rule.right)):
        schema = schemas.get(side.node)
        if schema is None:
            continue
        lacking = [name for name in side.by if name not in schema]
        for name in lacking:
            yield f"by names '{name}', which {side.node} does not have", did_you_mean(name, schema.names())
        try:
            dtype = _type_of(side, schema)
        except SchemaError as error:
            yield f"{word}: {error}", ""
            continue
        if not lacking:
            types[word] = (dtype, [schema[name] for name in side.by])
    if len(types) == len(("left", "right")):
        yield from _unlike(rule, *types["left"], *types["right"])


def _unlike(
    rule: Agreement, left: pl.DataType, left_by: list[pl.DataType], right: pl.DataType, right_by: list[pl.DataType]
) -> Iterator[tuple[str, str]]:
    for name, one, two in zip(rule.left.by, left_by, right_by, strict=True):
        if one != two:
            fix = "cast one of them where it is computed"
            yield f"by {name} is {one} in {rule.left.node} and {two} in {rule.right.node}", fix
    if left.is_numeric() != right.is_numeric() or (not left.is_numeric() and left != right):
        fix = "aggregate the same kind of value on both sides"
        yield f"compares {left} of {rule.left.node} with {right} of {rule.right.node}", fix
    elif not left.is_numeric() and read_tolerance(rule.within) not in {None, read_tolerance("0")}:
        yield f"within='{rule.within}' is said of values of type {left}", "only numbers can be near each other"


def _type_of(side: Side, schema: pl.Schema) -> pl.DataType:
    """The type of a side's aggregate.

    Raises:
        SchemaError: when it is none, or does not fit the columns.
    """
    expression = expression_of(side, schema)
    unknown = [name for name in expression.meta.root_names() if name not in schema]
    if unknown:
        hint = did_you_mean(unknown[0], schema.names())
        raise SchemaError(f"it looks at column '{unknown[0]}', which {side.node} does not have; {hint}")
    try:
        is_one = expression.meta.is_scalar()
        dtype = pl.LazyFrame(schema=schema).select(expression.alias("_")).collect_schema()["_"]
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"it does not fit the columns of {side.node}: {str(error).splitlines()[0]}") from error
    if not is_one:
        raise SchemaError("it gives a value for each row; aggregate them, such as pl.col('net_amount').sum()")
    return dtype


def _reference_misfits(rule: TableReference, schemas: Mapping[str, pl.Schema]) -> Iterator[tuple[str, str]]:
    of, to = schemas.get(rule.of), schemas.get(rule.to)
    for word, node, schema, names in (("column", rule.of, of, rule.columns), ("key", rule.to, to, rule.keys)):
        there = schema.names() if schema is not None else list(names)
        for name in (name for name in names if name not in there):
            yield f"{word} names '{name}', which {node} does not have", did_you_mean(name, there)
    if of is None or to is None:
        return
    for column, key in zip(rule.columns, rule.keys, strict=False):
        if column in of and key in to and of[column] != to[key]:
            what = f"{column} of {rule.of} is {of[column]}, {key} of {rule.to} is {to[key]}"
            yield what, "cast one of them where it is computed"
