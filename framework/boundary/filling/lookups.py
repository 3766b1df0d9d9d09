"""Last known values: a table's rows made ready to be asked, and what they say of rows whose own value is bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.boundary.filling.declared import own_rules
from framework.boundary.filling.marks import is_filled
from framework.boundary.rule import total
from framework.core.clock import run_time
from framework.core.frames import FILLED
from framework.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from framework.boundary.contract import Contract
    from framework.core.fallback import LastKnown

FOUND, AT, ANSWER, MOMENT = "_found", "_at", "_answer", "_moment"
STALE = -64
"""Added to the number of a fallback that was asked, below zero: it knows a value, but one that is too old."""
TIME = pl.Datetime("us", "UTC")
_WORDS = (pl.String, pl.Enum, pl.Categorical)


def known_frame(rows: pl.LazyFrame, contract: Contract, name: str, one: LastKnown) -> pl.LazyFrame:
    """Make the rows of a table ready to be asked for the values of a column. Lazy.

    One row per key and time (without `as_of`: per key, the last until the run's time), by time. Values that were
    filled themselves, that do not fit the column without a loss, or break its rules, are left out.

    Raises:
        SchemaError: at planning, when the table lacks a column, or has it in a type that does not fit.
    """
    stored = rows.collect_schema()
    wrong = list(misfits(stored, contract, name, one))
    if wrong:
        raise SchemaError("; ".join(wrong))
    dtype, keys = contract.columns[name].dtype, [own for own, _ in one.key]
    own = rows.filter(~is_filled(one.column)) if FILLED in stored else rows
    value = pl.col(one.column).cast(dtype, strict=False)
    kept = value.cast(stored[one.column], strict=False) == pl.col(one.column)
    told = own.filter(kept.fill_null(value=False)).select(
        *(pl.col(theirs).cast(contract.columns[mine].dtype, strict=False).alias(mine) for mine, theirs in one.key),
        value.alias(FOUND),
        (_time(pl.col(one.at), stored[one.at]) if one.at else pl.lit(None, dtype=TIME)).alias(AT),
    )
    rules = [total(rule.holds).alias(str(n)) for n, rule in enumerate(own_rules(contract, name))]
    good = told.drop_nulls([*keys, FOUND])
    if rules:
        renamed = good.with_columns(pl.col(FOUND).alias(name))
        good = renamed.filter(pl.all_horizontal(rules)).drop(name)
    if one.at is None:
        return good.unique([*keys, FOUND])
    good = good.drop_nulls(AT).sort(AT, *(() if dtype.is_nested() else (FOUND,)))
    if one.as_of is not None:
        return good.unique([*keys, AT], keep="last", maintain_order=True)
    return good.filter(pl.col(AT) <= pl.lit(run_time())).unique(keys, keep="last", maintain_order=True)


def require_one_each(known: pl.DataFrame, name: str, one: LastKnown) -> None:
    """Refuse a table that has several values for a key, and no time that says which is the last.

    Raises:
        SchemaError: naming how many keys have several.
    """
    if one.at is None:
        several = known.group_by([own for own, _ in one.key]).len().filter(pl.col("len") > 1).height
        if several:
            what = f"fallback of '{name}': '{one.of}' has more than one {one.column} for {several:,} of its keys"
            raise SchemaError(f"{what}; say which is the last: at='updated_at'")


def empty_frame(contract: Contract, name: str, one: LastKnown) -> pl.DataFrame:
    """What is known when there is no table yet."""
    keys = {own: contract.columns[own].dtype for own, _ in one.key}
    return pl.DataFrame(schema={**keys, FOUND: contract.columns[name].dtype, AT: TIME})


def misfits(stored: pl.Schema, contract: Contract, name: str, one: LastKnown) -> Iterator[str]:
    """Say which columns that a look-up names a table does not have, or in a type that does not fit."""
    where = f"fallback of '{name}'"
    for column in dict.fromkeys([one.column, *(theirs for _, theirs in one.key), *([one.at] if one.at else [])]):
        if column not in stored:
            yield f"{where}: '{one.of}' has no column '{column}'; {did_you_mean(column, stored)}"
    pairs = [(name, one.column), *one.key]
    for own, theirs in pairs:
        if theirs in stored and not _fits(stored[theirs], contract.columns[own].dtype, is_key=own != name):
            what = f"{theirs} of '{one.of}' is {stored[theirs]}, but {own} is {contract.columns[own].dtype}"
            yield f"{where}: {what}; look up a column of the same type"
    if one.at is not None and one.at in stored and not isinstance(stored[one.at], pl.Date | pl.Datetime):
        yield f"{where}: at='{one.at}' of '{one.of}' is {stored[one.at]}; name a column of times or dates"


def find(asked: pl.DataFrame, one: LastKnown, known: pl.DataFrame, number: int, now: datetime) -> pl.DataFrame:
    """Ask for the values of rows: adds the value found, and the number of the fallback, or below zero why not.

    `now`: the time of the run, which the threads of a plan are not told.
    """
    keys = [own for own, _ in one.key]
    if one.as_of is None:
        moment = pl.lit(now).dt.cast_time_unit("us")
        met = asked.join(known, on=keys, how="left", maintain_order="left").with_columns(moment.alias(MOMENT))
    else:
        timed = asked.with_columns(_time(pl.col(one.as_of), asked.schema[one.as_of]).alias(MOMENT))
        dated = timed.filter(pl.col(MOMENT).is_not_null()).sort(MOMENT)
        met = dated.join_asof(known, left_on=MOMENT, right_on=AT, by=keys, coalesce=False, check_sortedness=False)
        undated = timed.filter(pl.col(MOMENT).is_null())
        met = pl.concat([met, undated.with_columns(_none(known, name) for name in (FOUND, AT))], how="diagonal")
    said = [(-number, pl.col(FOUND).is_null())]
    if one.max_age is not None:
        said.append((STALE - number, pl.col(MOMENT) - pl.col(AT) > one.max_age))
    answers = [pl.when(is_so).then(pl.lit(answer, dtype=pl.Int8)) for answer, is_so in said]
    return met.with_columns(pl.coalesce(*answers, pl.lit(number, dtype=pl.Int8)).alias(ANSWER))


def _none(known: pl.DataFrame, name: str) -> pl.Expr:
    return pl.lit(None, dtype=known.schema[name]).alias(name)


def _time(moment: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A time or date as a moment of UTC; one without a zone is taken as UTC."""
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return moment.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    return moment.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _fits(stored: pl.DataType, declared: pl.DataType, *, is_key: bool) -> bool:
    if stored == declared:
        return True
    if stored.is_integer() and declared.is_integer():
        return True
    if not is_key and stored.is_numeric() and declared.is_numeric():
        return True
    if isinstance(stored, pl.Datetime) and isinstance(declared, pl.Datetime):
        return (stored.time_zone is None) == (declared.time_zone is None)
    return isinstance(stored, _WORDS) and isinstance(declared, _WORDS)
