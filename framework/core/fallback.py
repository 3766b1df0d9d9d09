"""What stands in for a value that cannot be used: a default, or the last known value of the row's key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Literal

from framework.core.durations import read_duration, say_duration
from framework.errors import DefinitionError, Problem

Cause = Literal["null", "cast", "rule"]
CAUSES: tuple[Cause, ...] = ("null", "cast", "rule")
"""Why a value cannot be used: it is missing and must not be, it cannot be typed, or it breaks a rule on its column."""


@dataclass(frozen=True)
class Default:
    """One value for every cell; see `default`."""

    name: ClassVar[str] = "default"

    value: Any = field(hash=False)
    covers: tuple[Cause, ...] = CAUSES


@dataclass(frozen=True)
class LastKnown:
    """The value that a table knew last for a row's key; see `last_known`. `key`: own columns with the table's."""

    name: ClassVar[str] = "last_known"

    of: str
    column: str
    key: tuple[tuple[str, str], ...]
    at: str | None = None
    max_age: timedelta | None = None
    as_of: str | None = None
    covers: tuple[Cause, ...] = CAUSES

    @property
    def unknown(self) -> str:
        """What a row is told that finds no value."""
        moment = f" at the time of its {self.as_of}" if self.as_of else ""
        return f"'{self.of}' knows no {self.column} for its {self._keys}{moment}"

    @property
    def stale(self) -> str:
        """What a row is told whose value is too old."""
        limit = say_duration(self.max_age) if self.max_age is not None else "allowed"
        return f"the last {self.column} that '{self.of}' knows for its {self._keys} is older than {limit}"

    @property
    def _keys(self) -> str:
        return " and ".join(own for own, _ in self.key)


Failing = Literal["missing", "rejected", "budget", "unreachable"]
FAILINGS: tuple[Failing, ...] = ("missing", "rejected", "budget", "unreachable")
"""How a source may fail a run: it has no new file, all of them are refused, it is over its budget, or it cannot be
reached to list them.
"""
USUAL_FAILINGS: tuple[Failing, ...] = ("missing", "rejected", "budget")
"""Those for which an alternate stands in that does not say: what cannot be reached may be there in a moment."""


@dataclass(frozen=True)
class Alternate:
    """The source that stands in for one that fails a run; see `alternate`."""

    source: str
    when: tuple[Failing, ...] = USUAL_FAILINGS
    after: timedelta | None = None


Fallback = Default | LastKnown
Fallbacks = Mapping[str, Fallback | Sequence[Fallback]]
"""What an author writes: by column, one fallback or several, of which the first that has a value is taken."""


def default(value: Any, *, for_: Cause | Sequence[Cause] = CAUSES) -> Default:
    """Let one value stand in for every value of a column that cannot be used.

    Args:
        value: The value. It must be of the column's type, and break none of its rules.
        for_: Why values may be unusable: `null` (missing, and must not be), `cast` (cannot be typed), `rule` (breaks a
            rule that looks at this column alone). Default: all of them.

    >>> default(0, for_="null")
    Default(value=0, covers=('null',))
    """
    return Default(value, _causes(for_))


def last_known(
    *,
    of: str,
    column: str,
    key: str | Sequence[str] | Mapping[str, str],
    at: str | None = None,
    max_age: str | timedelta | None = None,
    as_of: str | None = None,
    for_: Cause | Sequence[Cause] = CAUSES,
) -> LastKnown:
    """Let the value that a table knew last for a row's key stand in for one that cannot be used.

    The table is read at the version that the run plan pins, so every attempt finds the same. A value that was itself
    filled is not known, nor is one that breaks the rules of the column that it would fill.

    Args:
        of: A source of the pipeline that is a table (`delta_table`), by its name; or any table of the lake, such as
            `retail/products`, also one that this pipeline writes. A table of the lake that is not there yet knows
            nothing.
        column: The table's column that holds the value.
        key: The columns that identify what the value is of, such as `"product_id"`, or
            `{"product_id": "id"}` where the table calls it otherwise.
        at: The table's column that says since when a value holds; times without a zone are UTC. Without it the table
            must have one value per key.
        max_age: How old the value may be, such as `"30d"`; needs `at`.
        as_of: The column of the source that says of which time the value must be: then the last one until that time
            counts, and its age is counted from there. Default: the time of the run.
        for_: See `default`.

    Raises:
        DefinitionError: when `max_age` is no length of time above zero.

    >>> last_known(of="retail/products", column="price", key="product_id", at="updated_at", max_age="30d").stale
    "the last price that 'retail/products' knows for its product_id is older than 30 days"
    """
    age = read_duration(max_age) if max_age is not None else None
    if max_age is not None and (age is None or age <= timedelta()):
        fix = "give a length of time above zero, such as '30d' or '12h'"
        raise DefinitionError([Problem("last_known", f"max_age={max_age!r} is no age", fix)])
    return LastKnown(of, column, _pairs(key), at, age, as_of, _causes(for_))


def alternate(
    source: str, *, when: Failing | Sequence[Failing] = USUAL_FAILINGS, after: str | timedelta | None = None
) -> Alternate:
    """Let another source of files stand in, for a run, for one that fails it.

    Args:
        source: The other source of the pipeline, by its name. No step may take it, and its rows have the same schema.
        when: `missing`: there is no new file, but the other source has one; `rejected`: all new files are refused as
            files; `budget`: too much of them is refused for the source's budget, or its `on_invalid="fail"`;
            `unreachable`: they cannot be listed, after all retries, or the source's circuit is open. Default: all but
            the last.
        after: For `missing`: how old the newest file must be, such as `"2d"`. Default: any.

    Raises:
        DefinitionError: when `after` is no length of time above zero, or `when` knows no such failing.

    >>> alternate("backup", when="missing", after="2d")
    Alternate(source='backup', when=('missing',), after=datetime.timedelta(days=2))
    """
    age = read_duration(after) if after is not None else None
    if after is not None and (age is None or age <= timedelta()):
        fix = "give a length of time above zero, such as '2d' or '12h'"
        raise DefinitionError([Problem("alternate", f"after={after!r} is no age", fix)])
    chosen: tuple[Failing, ...] = (when,) if isinstance(when, str) else tuple(when)
    unknown = [one for one in chosen if one not in FAILINGS]
    if unknown or not chosen:
        raise DefinitionError([Problem("alternate", f"when={when!r}", f"one or several of {', '.join(FAILINGS)}")])
    return Alternate(source, chosen, age)


def fallbacks_of(given: Fallbacks | None) -> dict[str, tuple[Fallback, ...]]:
    """Read the fallbacks of a source as its author wrote them."""
    found = (given or {}).items()
    return {name: (one,) if isinstance(one, Default | LastKnown) else tuple(one) for name, one in found}


def _pairs(key: str | Sequence[str] | Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if isinstance(key, str):
        return ((key, key),)
    return tuple(key.items()) if isinstance(key, Mapping) else tuple((name, name) for name in key)


def _causes(given: Cause | Sequence[Cause]) -> tuple[Cause, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
