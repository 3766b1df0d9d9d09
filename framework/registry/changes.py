"""What changed between two documents of a table, each change with its class and with who can still read what.

The definitions are those of schema registries (Confluent's, on Avro's rules of resolution), said of tables. To read
rows as another schema: columns are taken by name, or by a name they had before; surplus ones are left out; one that is
missing is null, or its default; a null where none may be is the default; types are only ever widened; and then every
row must hold under the reader's rules. A change is `backward` when all rows that were valid under the old document can
be read as the new one, and `forward` when all rows that will be valid under the new one can be read as the old.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from framework.registry.bounds import allowed, allows_nothing
from framework.registry.types import holds
from framework.registry.values import told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from framework.registry.bounds import Allowed
    from framework.registry.document import Column, Constraint, Document


@dataclass(frozen=True)
class Change:
    """One change: its class, the column (None: the rows), what it was and is, and who can still read what."""

    kind: str
    column: str | None
    words: str
    backward: bool
    forward: bool
    old_name: str | None = None

    @property
    def where(self) -> str:
        """The column, or that it is about the rows."""
        return self.column or "rows"

    def __str__(self) -> str:
        return f"{self.where}: {self.kind}" + (f" ({self.words})" if self.words else "")

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        return asdict(self)


STRUCTURAL = frozenset(
    {"column added", "column dropped", "column renamed", "type widened", "type narrowed", "type changed"}
)
"""The classes that change the columns of the table, not only what is said of them."""


def renamed(old: Document, new: Document) -> dict[str, str]:
    """The old names of columns that the new document calls otherwise, by their new name."""
    found: dict[str, str] = {}
    for column in new.columns:
        if column.name in old.by_name:
            continue
        for alias in column.aliases:
            if alias in old.by_name and alias not in new.by_name and alias not in found.values():
                found[column.name] = alias
                break
    return found


def find_changes(old: Document, new: Document) -> list[Change]:
    """Find what changed, by column in the order of the new document, then of the old one, then what is of the rows.

    Of an observed document, only names and types are known: the rest is taken to be as it is now.
    """
    if old.origin.get("polars") != new.origin.get("polars"):
        return find_changes(_by_words(old), _by_words(new))
    names = renamed(old, new)
    gone = [c for c in old.columns if c.name not in new.by_name and c.name not in names.values()]
    found: list[Change] = []
    for column in new.columns:
        before = old.by_name.get(names.get(column.name, column.name))
        if before is None:
            found.append(_added(column, new))
            continue
        found += _of_column(before, column, knows_nulls=not old.is_observed)
        if not old.is_observed:
            found += _of_constraints(old, new, before.name, column)
    found += [_dropped(column, old) for column in gone]
    if not old.is_observed:
        found += _of_rows(old, new, names)
    if old.partition_by != new.partition_by:
        words = f"was {_listed(old.partition_by)}, is {_listed(new.partition_by)}"
        found.append(Change("partitioning changed", None, words, backward=True, forward=True))
    return found


def _by_words(document: Document) -> Document:
    """A document whose rules are told by what they say, as what they compute is written otherwise in every Polars."""
    rules = tuple(rule if rule.kind else replace(rule, expression=rule.message) for rule in document.constraints)
    return replace(document, constraints=rules, origin={})


def _added(column: Column, new: Document) -> Change:
    rules = _rules(new, column.name)
    words = f"{column.dtype}, {_missing(column)}"
    if column.is_optional and not all(rule.passes_missing for rule in rules):
        broken = next(rule for rule in rules if not rule.passes_missing)
        words += f", which breaks '{broken.message or broken.name}'"
    is_readable = column.is_optional and all(rule.passes_missing for rule in rules)
    return Change("column added", column.name, words, backward=is_readable, forward=True)


def _dropped(column: Column, old: Document) -> Change:
    is_readable = column.is_optional and all(rule.passes_missing for rule in _rules(old, column.name))
    words = f"{column.dtype}, {_missing(column)}"
    return Change("column dropped", column.name, words, backward=True, forward=is_readable)


def _missing(column: Column) -> str:
    if column.default is not None:
        return f"default {'hidden' if column.sensitive else told(column.default)}"
    return "may be null" if column.nullable else "required"


def _of_column(old: Column, new: Column, *, knows_nulls: bool) -> Iterator[Change]:
    if old.name != new.name:
        # Who reads the old name finds nothing there any more.
        yield Change(
            "column renamed", new.name, f"was {old.name}", backward=True, forward=old.is_optional, old_name=old.name
        )
    if old.dtype != new.dtype:
        backward, forward = holds(new.dtype, old.dtype), holds(old.dtype, new.dtype)
        kind = "type widened" if backward else "type narrowed" if forward else "type changed"
        yield Change(kind, new.name, f"was {old.dtype}, is {new.dtype}", backward, forward)
    if not knows_nulls:
        return
    if old.nullable != new.nullable:
        if new.nullable:
            filled = "" if old.default is None else ", readers of before fill in their default"
            words, is_filled = f"may be null now{filled}", old.default is not None
            yield Change("nulls allowed", new.name, words, backward=True, forward=is_filled)
        else:
            filled = "" if new.default is None else f", nulls become {_missing(new)}"
            words, is_filled = f"must not be null now{filled}", new.default is not None
            yield Change("nulls refused", new.name, words, backward=is_filled, forward=True)
    if (old.default, type(old.default)) != (new.default, type(new.default)):
        words = "" if old.sensitive or new.sensitive else f"was {told(old.default)}, is {told(new.default)}"
        yield Change("default changed", new.name, words, backward=True, forward=True)
    if old.sensitive != new.sensitive:
        words = "is sensitive now" if new.sensitive else "is no longer sensitive"
        yield Change("sensitivity changed", new.name, words, backward=True, forward=True)


def _rules(document: Document, column: str | None) -> list[Constraint]:
    """The rules on a column that refuse rows; those that only warn refuse none."""
    return [rule for rule in document.constraints if rule.column == column and rule.severity == "error"]


def _of_constraints(old: Document, new: Document, old_name: str, column: Column) -> Iterator[Change]:
    is_whole = column.dtype.is_integer() and old.by_name[old_name].dtype.is_integer()
    rules = _rules(old, old_name), _rules(new, column.name)
    yield from _compared(*rules, column.name, is_whole=is_whole, hidden=column.sensitive)


def _of_rows(old: Document, new: Document, names: Mapping[str, str]) -> Iterator[Change]:
    yield from _compared(_rules(old, None), _rules(new, None), None)
    now_called = {was: name for name, was in names.items()}
    key = tuple(now_called.get(name, name) for name in old.key)
    if key != new.key:
        words = f"was {_listed(old.key)}, is {_listed(new.key)}"
        # One row per old key may be several per new one, and the other way round: only a key that got longer is safe.
        backward = not new.key or (bool(key) and set(key) <= set(new.key))
        forward = not key or (bool(new.key) and set(new.key) <= set(key))
        yield Change("key changed", None, words, backward, forward)


def _compared(
    old: list[Constraint], new: list[Constraint], column: str | None, *, is_whole: bool = False, hidden: bool = False
) -> Iterator[Change]:
    """Compare what the rules of a column allow, family by family."""
    before, after = allowed(old, is_whole=is_whole), allowed(new, is_whole=is_whole)
    was_said, is_said = allowed(old, is_whole=False), allowed(new, is_whole=False)
    is_void = allows_nothing(before.values()), allows_nothing(after.values())
    for family in dict.fromkeys([*before, *after]):
        was, now = before.get(family), after.get(family)
        backward, forward = is_void[0] or _within(was, now), is_void[1] or _within(now, was)
        if backward and forward:
            continue
        kind = "loosened" if backward else "tightened" if forward else "changed"
        words = "" if hidden else _told(was_said.get(family), is_said.get(family))
        yield Change(f"constraint {kind}", column, words, backward, forward)


def _within(inner: Allowed | None, outer: Allowed | None) -> bool:
    """Whether all that one allows is allowed by the other; None allows everything."""
    if outer is None or inner is None:
        return outer is None
    try:
        return inner.within(outer)  # type: ignore[arg-type] # of one family, so of one class
    except TypeError:  # a date against a time, say: values that cannot be compared
        return False


def _told(was: Allowed | None, now: Allowed | None) -> str:
    if was is None:
        return f"now {now}"
    return f"no longer {was}" if now is None else f"was {was}, is {now}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
