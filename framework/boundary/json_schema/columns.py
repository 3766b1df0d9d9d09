"""A node as a Pandera column: its type, what may be null, its checks, what fills it."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import pandera.polars as pa
import polars as pl

from framework.boundary.json_schema.constraints import ITEM, constraints
from framework.boundary.json_schema.node import SAID, as_json, decimal, is_number, places_of
from framework.boundary.json_schema.types import readings_of, type_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandera.api.polars.types import PolarsData

    from framework.boundary.json_schema.constraints import Constraint
    from framework.boundary.json_schema.node import Node, Refuse

UNNAMEABLE = re.compile(r"^$|^\*$|^\^.*\$$|[.]", re.DOTALL)

_BUILT_IN: dict[str, Callable[[Any], pa.Check]] = {
    "minimum": pa.Check.greater_than_or_equal_to,
    "exclusiveMinimum": pa.Check.greater_than,
    "maximum": pa.Check.less_than_or_equal_to,
    "exclusiveMaximum": pa.Check.less_than,
    "minLength": lambda limit: pa.Check.str_length(min_value=limit),
    "maxLength": lambda limit: pa.Check.str_length(max_value=limit),
    "enum": pa.Check.isin,
    "not": pa.Check.notin,
    "pattern": pa.Check.str_contains,
}


def columns_of(record: Node, refuse: Refuse) -> dict[str, pa.Column]:
    """Give the columns of a record; those that cannot be had are left out, which has been said then."""
    found = {}
    for name, node in record.properties.items():
        if UNNAMEABLE.search(name):
            refuse(node.pointer, f"'{name}' cannot be the name of a column", "no dots, no *, no ^...$")
        column = _column(name, node, refuse, is_required=name in record.required)
        if column is not None:
            found[name] = column
    return found


def _column(name: str, node: Node, refuse: Refuse, *, is_required: bool) -> pa.Column | None:
    dtype = type_of(node, refuse)
    if dtype is None:
        return None
    rules = [_check(rule, dtype) for rule in constraints(node, pl.col(name), dtype, refuse)]
    default = None if is_required or node.default is None else _default(node, dtype, refuse)
    notes = {key: note for key, note in node.notes.items() if key not in {"title", "description"}}
    if default is None and node.default is not None:
        notes["default"] = node.default
    within = _notes_within(node)
    with warnings.catch_warnings():
        # NOTE: Pandera (0.35) warns of types that it does not know by name, such as Int128; the plan knows them.
        warnings.filterwarnings("ignore", message=".* support is not guaranteed", category=UserWarning)
        return pa.Column(
            pl.Int128 if dtype == pl.Int128 else dtype,
            checks=rules,
            nullable=node.is_nullable or not is_required,
            required=is_required,
            default=default,
            title=_text(node.notes.get("title")),
            description=_text(node.notes.get("description")),
            metadata={**readings_of(node, refuse), **notes, **({SAID: within} if within else {})} or None,
        )


def _text(note: Any) -> str | None:
    return None if note is None else str(note)


def _check(rule: Constraint, dtype: pl.DataType) -> pa.Check:
    """A built-in check where there is one that means the same, so that it is known by its name."""
    is_known = not rule.path and rule.keyword in {*_BUILT_IN, "format"} and rule.argument is not None
    if not is_known or (rule.keyword == "pattern" and not _is_plain(rule)):
        return _own_check(rule)
    made = _BUILT_IN["pattern" if rule.keyword == "format" else rule.keyword](rule.argument)
    if rule.keyword == "format" or (isinstance(dtype, pl.Decimal) and rule.keyword in {"enum", "not"}):
        made.error = rule.words
    return made


def _is_plain(rule: Constraint) -> bool:
    """Whether Pandera takes a pattern as it is written: it has Python compile it, although Polars matches it."""
    if rule.argument != rule.said["pattern"]:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(rule.argument)
    except (re.error, Warning):
        return False
    return True


def _own_check(rule: Constraint) -> pa.Check:
    steps = ["item" if step == ITEM else step for step in rule.path]
    keyword = "not_null" if rule.keyword in {"required", "not"} else re.sub("([A-Z])", r"_\1", rule.keyword).lower()

    def holds(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(rule.holds)

    name = "_".join([*steps, keyword])
    return pa.Check(holds, name=name, error=rule.message, statistics={SAID: rule.said})


def _default(node: Node, dtype: pl.DataType, refuse: Refuse) -> Any:
    """The value that fills a column where there is none, in its type; None: there is none to fill it with."""
    if dtype.is_nested():
        return None
    try:
        return _as(node.default, dtype)
    except (TypeError, ValueError) as error:
        told = "it cannot be read as one" if dtype.is_temporal() else f"it is no {node.kinds[0]}"
        refuse(node.place("default"), f"the default {as_json(node.default)} is no {dtype}: {told}", str(error))
        return None


def _as(value: Any, dtype: pl.DataType) -> Any:
    """A JSON value in a type.

    Raises:
        TypeError: when it is of another JSON type.
        ValueError: when it cannot be that, or would not be the same.
    """
    if dtype in {pl.String, pl.Boolean}:
        return _expect(value, str if dtype == pl.String else bool)
    if dtype.is_temporal():
        return _time(_expect(value, str), dtype)
    if not is_number(value):
        raise TypeError("give a number")
    if isinstance(dtype, pl.Decimal):
        if places_of(decimal(value)) > dtype.scale:
            raise ValueError(f"give at most {dtype.scale} decimal places")
        return decimal(value)
    if dtype.is_integer() and value != int(value):
        raise ValueError("give a whole number")
    return int(value) if dtype.is_integer() else float(value)


def _expect(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"give {'a text' if kind is str else 'true or false'}")
    return value


def _time(text: str, dtype: pl.DataType) -> Any:
    if dtype == pl.Date:
        return date.fromisoformat(text)
    if dtype == pl.Time:
        return time.fromisoformat(text).replace(tzinfo=None)
    if isinstance(dtype, pl.Datetime):
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if dtype.time_zone else found
    raise ValueError("a duration is filled in a step")


def _notes_within(node: Node) -> dict[str, Any]:
    """The notes on what is within a column, as a schema has them: a type has no place for them."""
    found: dict[str, Any] = {}
    said = {name: notes for name, child in node.properties.items() if (notes := _notes_on(child))}
    if said:
        found["properties"] = said
    if node.items is not None:
        items = _notes_on(node.items)
        found.update({"items": items} if items else {})
    return found


def _notes_on(node: Node) -> dict[str, Any]:
    default = {} if node.default is None else {"default": node.default}
    return {**node.notes, **default, **_notes_within(node)}
