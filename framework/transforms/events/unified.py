"""One schema for the raw fields of several channels: the unified event model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars.exceptions import PolarsError

from framework.errors import Problem, TransformError, did_you_mean
from framework.transforms.arguments import names_of
from framework.transforms.events.lossless import why_lossy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Fields = Mapping[str, str | pl.Expr | None]
    """Per target column: the source column, an expression over the source's columns, or None for null throughout."""


def unify(
    channels: Mapping[str, tuple[pl.LazyFrame, Fields]],
    schema: Mapping[str, pl.DataType | type[pl.DataType]],
    *,
    into: str = "channel",
    keep: str | Sequence[str] = (),
) -> pl.LazyFrame:
    """Bring the rows of several channels into one schema. One row per row of every channel; none is dropped.

    Lazy, streaming, in no promised order. The result has the columns of `schema` in its order, then `into`, the name of
    the channel, then those to `keep`: columns that every channel has under one name and type, such as the ones that say
    where a row came from (`framework.PROVENANCE`). A channel's other columns are left behind. Every target column is
    mapped in every channel, or declared missing there with None: nothing is null by forgetting. Types are widened only
    where no value can be lost (Int32 to Int64, Decimal to one of more digits, one time zone to another); what could
    lose a value, or must read one from text, is refused and is yours to write as an expression.

    Raises:
        TransformError: at definition, with every problem of all mappings at once.

    >>> clicks = pl.LazyFrame({"visitor": ["ann"], "cost": [3]}, schema_overrides={"cost": pl.Int32})
    >>> orders = pl.LazyFrame({"customer": ["bob"]})
    >>> events = unify(
    ...     {
    ...         "web": (clicks, {"user_id": "visitor", "cost_cent": "cost"}),
    ...         "shop": (orders, {"user_id": pl.col("customer").str.to_uppercase(), "cost_cent": None}),
    ...     },
    ...     {"user_id": pl.String, "cost_cent": pl.Int64},
    ... )
    >>> events.sort("user_id").collect().rows()
    [('BOB', None, 'shop'), ('ann', 3, 'web')]
    """
    targets, kept = pl.Schema(schema), names_of(keep)
    problems = [*_shape_problems(channels, targets, into), *_kept_problems(channels, [*targets, into], kept)]
    for name, (rows, fields) in channels.items():
        problems += _mapping_problems(name, rows, fields, targets)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise TransformError("\n".join([f"unify: {count} in the mapping:", *(f"  - {p}" for p in problems)]))
    return pl.concat([_mapped(name, *channel, targets, [into, *kept]) for name, channel in channels.items()])


def _mapped(name: str, rows: pl.LazyFrame, fields: Fields, targets: pl.Schema, others: Sequence[str]) -> pl.LazyFrame:
    """The rows of one channel in the target schema; `others`: the column of the channel's name, and those to keep."""
    values = [_value(fields[target]).cast(dtype).alias(target) for target, dtype in targets.items()]
    # Not `select`: a mapping of literals alone would give one row.
    return rows.with_columns(*values, pl.lit(name).alias(others[0])).select(*targets.names(), *others)


def _value(source: str | pl.Expr | None) -> pl.Expr:
    """A mapping's source as an expression."""
    if isinstance(source, pl.Expr):
        return source
    return pl.lit(None) if source is None else pl.col(source)


def _shape_problems(channels: Mapping[str, object], targets: pl.Schema, into: str) -> Iterator[Problem]:
    """What is wrong before any channel is looked at."""
    if not channels:
        yield Problem("channels", "there are none", "name at least one")
    if not targets:
        yield Problem("schema", "has no columns", "name at least one with its type")
    if into in targets:
        yield Problem(
            "schema", f"'{into}' is the column of the channel's name", "take it out, or choose another `into`"
        )


def _kept_problems(
    channels: Mapping[str, tuple[pl.LazyFrame, Fields]], taken: Sequence[str], kept: Sequence[str]
) -> Iterator[Problem]:
    """What is wrong with the columns to keep."""
    schemas = {name: rows.collect_schema() for name, (rows, _) in channels.items()}
    for column in kept:
        if column in taken:
            yield Problem("keep", f"'{column}' is a column of the result already", "rename one of them")
        for name, schema in schemas.items():
            if column not in schema:
                yield Problem(
                    f"{name}.{column}", "is to be kept, but is not there", did_you_mean(column, schema.names())
                )
        types = {str(schema[column]) for schema in schemas.values() if column in schema}
        if len(types) > 1:
            yield Problem("keep", f"'{column}' is {' and '.join(sorted(types))}", "give it one type in every channel")


def _mapping_problems(name: str, rows: pl.LazyFrame, fields: Fields, targets: pl.Schema) -> Iterator[Problem]:
    """What is wrong with the mapping of one channel."""
    there = rows.collect_schema()
    for target in fields:
        if target not in targets:
            yield Problem(f"{name}.{target}", "the schema has no such column", did_you_mean(target, targets.names()))
    for target, dtype in targets.items():
        where = f"{name}.{target}"
        if target not in fields:
            yield Problem(where, "is not mapped", "give a source column, an expression, or None for null")
            continue
        source = fields[target]
        if isinstance(source, str) and source not in there:
            yield Problem(where, f"there is no column '{source}'", did_you_mean(source, there.names()))
            continue
        yield from _type_problems(where, rows, _value(source), dtype)


def _type_problems(where: str, rows: pl.LazyFrame, value: pl.Expr, dtype: pl.DataType) -> Iterator[Problem]:
    """What is wrong with a mapped expression and its type."""
    try:
        given = rows.select(value.alias("value")).collect_schema()["value"]
    except PolarsError as error:
        yield Problem(where, f"the expression cannot be resolved: {str(error).strip().splitlines()[0]}")
        return
    fix = why_lossy(given, dtype)
    if fix is not None:
        yield Problem(where, f"is {given}, which may not fit into {dtype}", fix)
