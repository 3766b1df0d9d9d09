"""The classes of changes against data: compatible is what every valid row can be read as, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from framework.registry import Column, Constraint, Document, find_changes, holds
from tests.registry.reading import UNREADABLE, as_type, breaks, rules_of
from tests.registry.schemas import EDGES, TYPES, candidates, changed, documents

if TYPE_CHECKING:
    from collections.abc import Iterator


def rows(document: Document) -> Iterator[dict[str, Any]]:
    """Valid rows: for every column each of its candidates, beside the first ones of the others."""
    values = {c.name: list(candidates(c, rules_of(document, c.name))) for c in document.columns}
    assume(all(values.values()))
    first = {name: found[0] for name, found in values.items()}
    yield first
    for name, found in values.items():
        yield from ({**first, name: value} for value in found)


def can_be_read(written: Document, asked: Document) -> bool:
    return all(not breaks(row, asked) for row in rows(written))


@settings(max_examples=200)
@given(st.data())
def test_one_change_is_compatible_just_when_every_valid_row_can_be_read(data):
    old = data.draw(documents())
    new = data.draw(changed(old))
    # A change of type is judged by the types, whatever rules leave of them.
    assume(not any(c.kind.startswith("type") and rules_of(old, c.where) for c in find_changes(old, new)))
    changes = find_changes(old, new)
    assert all(change.backward for change in changes) == can_be_read(old, new), changes
    # Who reads as the old schema knows no newer names.
    assert all(change.forward for change in changes) == can_be_read(new, old), changes


@pytest.mark.parametrize("beyond", [("greater_than", 2), ("less_than", 2)])
def test_rules_that_leave_no_value_leave_nothing_that_could_not_be_read(beyond):
    def document(*rules: tuple[str, int]) -> Document:
        names = {"greater_than": "min_value", "less_than": "max_value", "equal_to": "value"}
        constraints = [Constraint(kind, "a", kind=kind, values={names[kind]: value}) for kind, value in rules]
        return Document("t", (Column("a", pl.Int8()),), tuple(constraints))

    old, void = document(("equal_to", 1)), document(beyond, ("equal_to", 2))
    assert [(c.backward, c.forward) for c in find_changes(old, void)] == [(False, True)]


@settings(max_examples=100)
@given(documents(), documents())
def test_what_is_called_compatible_can_always_be_read_however_much_changed(old, new):
    changes = find_changes(old, new)
    if all(change.backward for change in changes):
        assert can_be_read(old, new), changes
    if all(change.forward for change in changes):
        assert can_be_read(new, old), changes


@settings(max_examples=100)
@given(documents(), documents())
def test_two_schemas_are_equal_just_when_nothing_changed_and_a_change_back_is_one_forward(old, new):
    changes, back = find_changes(old, new), find_changes(new, old)
    assert bool(changes) == (old.fingerprint != new.fingerprint) or set(old.by_name) == set(new.by_name)
    assert sorted((c.where, c.backward, c.forward) for c in changes) == sorted(
        (c.where, c.forward, c.backward) for c in back
    )


def test_a_type_holds_another_just_when_it_has_all_of_its_values():
    for wide in TYPES:
        for narrow in TYPES:
            values = [v for v in candidates(Column("a", narrow, nullable=False), []) if v is not None]
            has_all = all(as_type(value, wide) is not UNREADABLE for value in values)
            assert holds(wide, narrow) == has_all, (wide, narrow)


def test_every_type_has_values_to_be_judged_by():
    for dtype in TYPES:
        assert sum(1 for edge in EDGES if type(as_type(edge, dtype)) is type(edge)) >= 2, dtype
    assert as_type(2**24 + 1, pl.Float32()) is UNREADABLE
