"""A source's policy on nulls, worked into the contract that its rows are held against."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.source import ABSENT_POLICIES, EMPTY_POLICIES, NAN_POLICIES
from framework.errors import DefinitionError, Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from framework.boundary.contract import ColumnSpec, Contract
    from framework.core.source import Nulls


def with_nulls(contract: Contract, nulls: Nulls, *, source: str) -> Contract:
    """Give the contract of a source whose nulls are treated as it says; what a column itself declares wins.

    Raises:
        DefinitionError: naming every column that is not there, and every value that does not fit its column.
    """
    fill, refuse = dict(nulls.fill), _words(nulls.refuse)
    problems = list(_problems(contract, nulls, fill, refuse, f"source '{source}', nulls"))
    if problems:
        raise DefinitionError(problems)
    columns = {name: _governed(spec, nulls, fill, refuse) for name, spec in contract.columns.items()}
    return replace(contract, columns=columns)


def _governed(spec: ColumnSpec, nulls: Nulls, fill: Mapping[str, Any], refuse: tuple[str, ...]) -> ColumnSpec:
    reading = spec.reading
    if reading.null_tokens is None:
        reading = replace(reading, null_tokens=_words(nulls.tokens) or None)
    if reading.nan is None and nulls.nan != "keep":
        reading = replace(reading, nan=nulls.nan)
    if reading.empty is None and nulls.empty != "null":
        reading = replace(reading, empty=nulls.empty)
    if reading.absent is None and nulls.absent != "null":
        reading = replace(reading, absent=nulls.absent)
    return replace(
        spec,
        reading=reading,
        nullable=spec.nullable and spec.name not in refuse,
        default=spec.default if spec.default is not None else fill.get(spec.name),
    )


def _problems(
    contract: Contract, nulls: Nulls, fill: Mapping[str, Any], refuse: tuple[str, ...], where: str
) -> Iterator[Problem]:
    for option, known in (("nan", NAN_POLICIES), ("empty", EMPTY_POLICIES), ("absent", ABSENT_POLICIES)):
        if getattr(nulls, option) not in known:
            yield Problem(where, f"{option} must be one of {', '.join(known)}, got {getattr(nulls, option)!r}")
    for option, names in (("fill", fill), ("refuse", refuse)):
        for name in names:
            if name not in contract.columns:
                yield Problem(
                    where,
                    f"{option} names '{name}', which {contract.name} does not have",
                    did_you_mean(name, contract.columns),
                )
    for name, value in fill.items():
        if name in contract.columns and not _fits(value, contract.columns[name].dtype):
            yield Problem(where, f"fill gives {name} {value!r}, which is no {contract.columns[name].dtype}")


def _fits(value: Any, dtype: pl.DataType) -> bool:
    try:
        return value is not None and pl.Series([value], dtype=dtype).null_count() == 0
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        return False


def _words(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
