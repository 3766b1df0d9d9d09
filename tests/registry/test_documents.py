"""Documents: their form, their identity, and what becomes of those that cannot be read."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings

from framework.errors import ConfigurationError
from framework.registry import Column, Constraint, Document, Registry, UnknownTypeError, find_changes, types, values
from framework.storage import StorageLocation
from tests.registry.schemas import documents

TYPES = [
    pl.Int8(), pl.UInt64(), pl.Int128(), pl.Float32(), pl.Decimal(10, 2), pl.Decimal(38, 0), pl.String(), pl.Binary(),
    pl.Boolean(), pl.Date(), pl.Time(), pl.Datetime("ms"), pl.Datetime("us", "UTC"), pl.Duration("ns"),
    pl.Categorical(), pl.Enum(["a", "b"]), pl.List(pl.Int64), pl.Array(pl.Float32, 3),
    pl.Struct({"a": pl.List(pl.Date), "b": pl.Struct({"c": pl.String})}),
]  # fmt: skip
VALUES = [
    None, True, 3, 1.5, float("inf"), "x", b"\x00\xff", Decimal("1.50"), date(2024, 2, 29), time(1, 2, 3, 4),
    datetime(2024, 1, 2, 3, 4, 5, 6, UTC), timedelta(days=-1, microseconds=3), [1, "a", None],
    {"a": [date(2024, 1, 1)]},
]  # fmt: skip


def document(*columns: Column, **options) -> Document:
    return Document("shop/orders", columns or (Column("id", pl.Int64(), nullable=False),), **options)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_a_type_comes_back_from_json(dtype):
    assert types.decode(json.loads(json.dumps(types.encode(dtype)))) == dtype


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_from_json(value):
    back = values.decode(json.loads(json.dumps(values.encode(value))))
    assert (back, type(back)) == (value, type(value))


@pytest.mark.parametrize("wrong", ["Int7", {"list": "Int7"}, {"map": []}, {"a": 1, "b": 2}, 3, None, {"decimal": 3}])
def test_a_type_that_is_not_known_is_refused(wrong):
    with pytest.raises(UnknownTypeError):
        types.decode(wrong)
    with pytest.raises(UnknownTypeError, match="no table can hold the type Null"):
        types.encode(pl.Null())


@settings(max_examples=50)
@given(documents())
def test_a_document_comes_back_from_json_and_its_text_is_stable(made):
    back = Document.from_json(made.to_json(), "here")
    assert back == made
    assert (back.fingerprint, back.to_json()) == (made.fingerprint, made.to_json())


def test_the_fingerprint_tells_what_is_said_and_nothing_else():
    rule = Constraint("gt", "id", "must be > 0", "greater_than", {"min_value": 0})
    plain = document(constraints=(rule,))
    same = [
        document(constraints=(replace(rule, message="above zero", name="positive"),)),
        replace(plain, origin={"polars": "9"}),
    ]
    others = [
        document(constraints=(replace(rule, values={"min_value": 1}),)),
        document(constraints=(replace(rule, severity="warning"),)),
        document(Column("id", pl.Int64()), constraints=(rule,)),
        replace(plain, key=("id",)),
        replace(plain, partition_by=("id",)),
        replace(plain, table="other"),
    ]
    assert {one.fingerprint for one in same} == {plain.fingerprint}
    assert len({one.fingerprint for one in [plain, *others]}) == 7
    assert plain.fingerprint == "d6ed7562c8829a43"  # on every machine and in every version


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", r"x\.json is no document of a schema \(JSONDecodeError"),
        (b'{"schema_version": 1}', r"x\.json is no document of a schema \(KeyError: 'table'\)"),
        (b"[]", r"x\.json is no document of a schema \(TypeError"),
        (
            b'{"schema_version": 2, "whatever": 1}',
            "its schema_version is 2, this one knows up to 1; nothing was changed",
        ),
        (document().to_json().replace(b"Int64", b"Int65"), "no document of a schema .*type 'Int65' is not known"),
        (document().to_json().replace(b"Int64", b"Int32"), "changed by hand: its fingerprint is"),
    ],
)
def test_a_document_that_cannot_be_read_is_named_with_what_to_do(content, words):
    with pytest.raises(ConfigurationError, match=words):
        Document.from_json(content, "x.json")


def test_a_newer_document_on_the_way_stops_a_registration(tmp_path):
    registry = Registry(StorageLocation(str(tmp_path)))
    newer = document().to_json().replace(b'"schema_version": 1', b'"schema_version": 2')
    registry.lake.create(registry.path("shop/orders", 1), newer)
    with pytest.raises(ConfigurationError, match="newer Sluice"):
        registry.register(document(), after=0)
    assert [p.read_bytes() for p in tmp_path.rglob("*.json")] == [newer]


def test_equal_documents_get_one_number_and_others_the_next(tmp_path):
    registry = Registry(StorageLocation(str(tmp_path)))
    wider = document(Column("id", pl.Int64()))
    assert [registry.register(one, after=0) for one in (document(), wider, document(), wider)] == [1, 2, 1, 2]
    assert registry.register(document(), after=1) == 3, "a schema that comes back is a new version"
    assert [one.fingerprint for one in registry.versions("shop/orders").values()] == [
        document().fingerprint,
        wider.fingerprint,
        document().fingerprint,
    ]


def test_processes_that_register_at_once_agree(tmp_path):
    registry, together = Registry(StorageLocation(str(tmp_path))), threading.Barrier(8)
    made = [document(), document(Column("id", pl.Int64()))] * 4
    found: dict[int, int] = {}

    def register(number):
        together.wait()
        found[number] = registry.register(made[number], after=0)

    racers = [threading.Thread(target=register, args=(number,)) for number in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(registry.versions("shop/orders")) == 2
    for number, version in found.items():
        assert registry.require("shop/orders", version) == made[number]


def test_a_document_that_is_gone_is_named(tmp_path):
    registry = Registry(StorageLocation(str(tmp_path)))
    with pytest.raises(ConfigurationError, match=r"_sluice/_schemas/shop/orders/000004\.json is gone"):
        registry.require("shop/orders", 4)


def test_rules_of_no_known_kind_are_told_by_their_words_where_another_polars_wrote_them():
    def made(expression, version, message="must be even"):
        rule = Constraint("even", "id", message, expression=expression)
        return document(constraints=(rule,), origin={"polars": version})

    assert [str(c) for c in find_changes(made("x", "2.1"), made("y", "2.1"))] == [
        "id: constraint changed (was 'must be even', is 'must be even')"
    ]
    assert find_changes(made("x", "2.1"), made("y", "2.2")) == []
    assert len(find_changes(made("x", "2.1"), made("y", "2.2", "must be odd"))) == 1


WORDS = [
    (Column("b", pl.Int8()), "b: column added (Int8, may be null)", True, True),
    (Column("b", pl.Int8(), nullable=False), "b: column added (Int8, required)", False, True),
    (Column("b", pl.Int8(), default=3), "b: column added (Int8, default 3)", True, True),
    (Column("b", pl.Int8(), default=3, sensitive=True), "b: column added (Int8, default hidden)", True, True),
]


@pytest.mark.parametrize(("column", "words", "backward", "forward"), WORDS)
def test_an_added_column_says_what_stands_for_it(column, words, backward, forward):
    (change,) = find_changes(document(), document(*document().columns, column))
    assert (str(change), change.backward, change.forward) == (words, backward, forward)


def test_values_of_sensitive_columns_are_not_in_the_words():
    def made(value, default):
        rule = Constraint("eq", "id", kind="equal_to", values={"value": value})
        return document(Column("id", pl.Int64(), True, default, sensitive=True), constraints=(rule,))

    assert [str(c) for c in find_changes(made(4711, 4711), made(4712, 4712))] == [
        "id: default changed",
        "id: constraint changed",
    ]


KEYS = [((), ("id",), False, True), (("id",), ("id", "b"), True, False), (("id",), ("b",), False, False)]


@pytest.mark.parametrize(("old", "new", "backward", "forward"), KEYS)
def test_a_key_may_only_get_longer(old, new, backward, forward):
    columns = (Column("id", pl.Int64()), Column("b", pl.Int64()))
    (change,) = find_changes(document(*columns, key=old), document(*columns, key=new))
    assert (change.kind, change.backward, change.forward) == ("key changed", backward, forward)


def test_a_rule_that_only_warns_or_is_said_of_a_batch_is_no_constraint_of_rows():
    for severity in ("warning", "batch"):
        rule = Constraint("gt", "id", "must be > 0", "greater_than", {"min_value": 0}, severity=severity)
        assert find_changes(document(), document(constraints=(rule,))) == []


def test_a_column_that_is_still_there_was_not_renamed():
    old = document(Column("id", pl.Int64()))
    new = document(Column("id", pl.Int64()), Column("number", pl.Int64(), aliases=("id",)))
    assert [str(change) for change in find_changes(old, new)] == ["number: column added (Int64, may be null)"]


def test_an_added_column_whose_rules_refuse_what_stands_for_it_is_not_backward():
    unique = Constraint("unique", "b", "must be unique", expression="u", passes_missing=False)
    new = document(*document().columns, Column("b", pl.Int8()), constraints=(unique,))
    (change,) = find_changes(document(), new)
    assert str(change) == "b: column added (Int8, may be null, which breaks 'must be unique')"
    assert (change.backward, change.forward) == (False, True)
    (dropped,) = find_changes(new, document())
    assert (dropped.kind, dropped.backward, dropped.forward) == ("column dropped", True, False)
