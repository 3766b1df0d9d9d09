"""A schema that is written in YAML and read again demands the same; canonical text comes back as it is."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

import importlib
import inspect
from decimal import Decimal
from fractions import Fraction
from functools import partial

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.boundary.custom import python_check, sql_check
from framework.boundary.yaml_schema import read_yaml_schema, write_yaml_schema
from framework.boundary.yaml_schema.model import as_model
from framework.errors import DefinitionError
from tests.boundary.parity.kinds import KINDS, NESTED, TWINS, declared_type, tables
from tests.boundary.yaml_schema import checks_of_models as own
from tests.boundary.yaml_schema.telling import demands, read

MODULES = ("schemas.retail", "schemas.marketing", "schemas.features")
MODELS = [
    pytest.param(model, id=f"{module}.{name}")
    for module in MODULES
    for name, model in vars(importlib.import_module(module)).items()
    if inspect.isclass(model) and issubclass(model, pa.DataFrameModel) and model.__module__ == module
]
pytestmark = [
    pytest.mark.drawn(2),
    pytest.mark.filterwarnings("ignore:.* support is not guaranteed"),
]  # Pandera's, of Int128
EVERY_KIND = {**KINDS, **NESTED, **{name: kind for name, (kind, *_) in TWINS.items()}}


def hold(schema):
    """Write, read, and hold everything against everything."""
    text = write_yaml_schema(schema)
    found = read(text)
    assert demands(found) == demands(schema)
    assert demands(as_model(found)) == demands(schema)
    assert write_yaml_schema(found) == text
    assert write_yaml_schema(as_model(found)) == text
    return text


@pytest.mark.parametrize("model", MODELS)
def test_every_schema_of_the_repository_comes_back(model):
    hold(model)


@pytest.mark.parametrize("name", [*KINDS, *TWINS])
@given(data=st.data())
@settings(max_examples=4)
def test_built_in_checks_of_every_type_come_back(name, data):
    schema, _ = data.draw(tables(EVERY_KIND[name]))
    hold(schema)


@pytest.mark.parametrize("name", [*EVERY_KIND])
def test_columns_of_every_type_come_back_with_defaults(name):
    kind = EVERY_KIND[name]
    usable = [value for value in kind.values if value == value]  # noqa: PLR0124 - NaN is no default
    for value in usable:
        hold(pa.DataFrameSchema({"a": pa.Column(declared_type(kind), default=value)}))


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["own", "gt 0"]),
        "error": st.sampled_from(["must be so", "greater_than(0)", "a: b", "two\nlines"]),
        "raise_warning": st.booleans(),
        "ignore_na": st.booleans(),
        "title": st.just("A title"),
        "description": st.sampled_from(["Why.", "Two\n\nparts."]),
    },
)
CHECKS = [
    pa.Check.gt, pa.Check.ge, pa.Check.lt, pa.Check.le, pa.Check.eq, pa.Check.ne,
]  # fmt: skip


@given(
    values=st.lists(st.tuples(st.sampled_from(CHECKS), st.sampled_from([0, 0.5, Decimal("0.50"), Decimal(2)]), OPTIONS), max_size=4),
    column=st.fixed_dictionaries(
        {},
        optional={
            "nullable": st.booleans(),
            "required": st.booleans(),
            "unique": st.booleans(),
            "coerce": st.booleans(),
            "title": st.sampled_from(["", "A label"]),
            "description": st.sampled_from(["", "net: of tax", "true"]),
            "default": st.sampled_from([1, Decimal("0.50"), Decimal(1)]),
        },
    ),
    whole=st.fixed_dictionaries(
        {},
        optional={
            "strict": st.sampled_from([True, False, "filter"]),
            "ordered": st.booleans(),
            "unique": st.sampled_from(["a", ["a"], ["b", "a"]]),
            "add_missing_columns": st.booleans(),
            "coerce": st.booleans(),
            "title": st.just("t"),
            "description": st.sampled_from(["One row.", "Two\nlines: here"]),
            "metadata": st.just({"owner": "sales", "tags": ["a", 1, None, 0.5, {"b": True}]}),
        },
    ),
    name=st.sampled_from(["Sale", "a b", "true", None]),
)  # fmt: skip
@settings(max_examples=25)
def test_options_of_checks_columns_and_schemas_come_back(values, column, whole, name):
    made = [check(value, **options) for check, value, options in values]
    columns = {"a": pa.Column(pl.Decimal(9, 2), made, **column), "b": pa.Column(str, made_texts())}
    schema = pa.DataFrameSchema(columns, name=name, **whole)
    found = read(hold(schema))
    for was, now in zip(schema.columns["a"].checks, found.columns["a"].checks, strict=True):
        assert (now.title, now.description) == (was.title, was.description)
    for part in ("nullable", "required", "unique", "coerce"):
        assert getattr(found.columns["a"], part) == getattr(schema.columns["a"], part)
    assert (found.columns["a"].title or "", found.columns["a"].description or "") == (
        column.get("title", ""),
        column.get("description", ""),
    )
    settings_of = ("strict", "ordered", "add_missing_columns", "coerce", "title", "description", "metadata")
    assert [getattr(found, part) for part in settings_of] == [getattr(schema, part) for part in settings_of]


def made_texts():
    return [
        pa.Check.str_matches("^a"),
        pa.Check.isin({"b", "a"}),
        pa.Check.notin(("NO", "1", "~")),
        pa.Check.str_length(exact_value=2),
    ]


@pytest.mark.parametrize(
    "metadata",
    [
        {"formats": ("%d.%m.%Y", "%Y-%m-%d"), "null_tokens": {"n/a", "-"}},
        {"formats": "%d.%m.%Y", "sensitive": True, "owner": "x"},
        {"null_tokens": [], "sensitive": False},
    ],
)
def test_how_a_date_is_read_comes_back(metadata):
    hold(pa.DataFrameSchema({"a": pa.Column(pl.Date, metadata=metadata)}))


@pytest.mark.parametrize(
    "metadata",
    [
        {"units": {"kg": 1, "g": "0.001"}, "nan": "null"},
        {"units": {"kg": 1, "g": 0.001, "lb": Fraction(1, 3), "oz": Decimal("0.028")}},
        {"units": ["kg", ""], "decimal_comma": True, "thousands": ".", "currency": ("EUR", "€"), "lossy": "round"},
        {"percent": "points", "type": "free", "ge": 5},
    ],
)
def test_how_a_number_is_read_comes_back(metadata):
    text = hold(pa.DataFrameSchema({"a": pa.Column(pl.Float64, metadata=metadata)}))
    free = {key: value for key, value in metadata.items() if key in {"type", "ge"}}
    assert {key: read(text).columns["a"].metadata.get(key) for key in free} == free


def test_checks_by_reference_come_back():
    text = hold(own.Tiny)
    assert "python: tests.boundary.yaml_schema.checks_of_models:Tiny.small" in text
    schema = pa.DataFrameSchema(
        {
            "x": pa.Column(int, [pa.Check(own.small), pa.Check(own.within, low=0, high=2, name="range")]),
            "y": pa.Column(int, [pa.Check(own.is_even, element_wise=True, raise_warning=True), pa.Check.gt(0)]),
        }
    )
    assert hold(schema) == (
        "schema: schema\n"
        "columns:\n"
        "  x: int\n"
        "  y:\n"
        "    type: int\n"
        "    checks:\n"
        "      - python: tests.boundary.yaml_schema.checks_of_models:is_even\n"
        "        element_wise: true\n"
        "        severity: warning\n"
        "      - gt: 0\n"
        "rules:\n"
        "  - column: x\n"
        "    python: tests.boundary.yaml_schema.checks_of_models:small\n"
        "  - name: range\n"
        "    column: x\n"
        "    python: tests.boundary.yaml_schema.checks_of_models:within\n"
        "    arguments: {low: 0, high: 2}\n"
    )


def test_several_checks_of_a_kind_and_checks_of_rows_come_back():
    two = [pa.Check.str_matches("^a"), pa.Check.str_matches("b$", raise_warning=True)]
    text = hold(pa.DataFrameSchema({"a": pa.Column(str, two)}, checks=[pa.Check.ne("x", name="no x")], name="Twice"))
    assert text == (
        "schema: Twice\n"
        "columns:\n"
        "  a:\n"
        "    type: str\n"
        "    checks:\n"
        "      - str_matches: ^a\n"
        "      - str_matches: {value: b$, severity: warning}\n"
        "rules:\n"
        "  - ne: {value: x, name: no x}\n"
    )


def test_values_that_are_shown_as_they_were_given_are_told_in_the_same_words():
    text = hold(pa.DataFrameSchema({"a": pa.Column(int, pa.Check.isin(range(3)))}))
    assert "isin: {value: [0, 1, 2], message: 'must be one of range(0, 3)'}" in text


CANONICAL = """\
schema: Sale
title: Sales
description: One row per sale line as a store reports it.
strict: filter
ordered: true
unique: [id, sold_at]
metadata: {owner: finance}
columns:
  id:
    type: str
    unique: true
    str_matches: TXN[0-9]{3,}$
    str_length: [4, 20]
  unit_price:
    type: decimal(12, 4)
    description: net of tax
    default: 0
    decimal_comma: true
    ge: 0
    lt: {value: 0.5, as: float, severity: warning, owner: finance}
  sold_at:
    type: datetime[us, UTC]
    required: false
    formats: '%Y-%m-%d %H:%M:%S'
    zone: Europe/Berlin
    in_range:
      min_value: 2000-01-01 00:00:00+00:00
      max_value: 2100-01-01 00:00:00+00:00
      include_max: false
      message: must be of this century
  day:
    type: date
    ge: 2000-01-01
    isin: [2024-01-01, 2024-01-02]
  tags: list[str]
rules:
  - name: price_follows
    column: unit_price
    holds: unit_price < 100
    message: must be less than a hundred
  - name: many
    holds: |
      COUNT(*) >= 2
        AND AVG(unit_price) < 9.5
    severity: warning
    ignore_na: false
    owner: finance
    description: Fewer are a mistake.
"""


def test_canonical_text_comes_back_as_it_is():
    assert write_yaml_schema(read(CANONICAL)) == CANONICAL
    assert write_yaml_schema(as_model(read(CANONICAL))) == CANONICAL


def test_what_no_document_can_say_is_refused_by_name():
    def local(data):
        return data.lazyframe.select(pl.col(data.key) > 0)

    class Hidden(pa.DataFrameModel):
        x: int

        @pa.check("x")
        def kept(cls, data):  # noqa: N805
            return data.lazyframe.select(pl.col(data.key) > 0)

    checks = [
        pa.Check(lambda data: data.lazyframe.select(pl.col(data.key) > 0), name="one"),
        pa.Check(local, name="two"),
        pa.Check(partial(own.within, low=0, high=1), name="three"),
        pa.Check(own.within, low=0, high=Fraction(1), name="four"),
        pa.Check.eq(Fraction(1, 2)),
        Hidden.to_schema().columns["x"].checks[0],
    ]
    schema = pa.DataFrameSchema(
        {"x": pa.Column(pl.Float64, checks), "y": pa.Column(str, metadata={"of": Fraction(1), 5: 1})}, name="Odd"
    )
    with pytest.raises(DefinitionError) as caught:
        write_yaml_schema(schema)
    fix = "move it into a module, as a function or a method of a model, or say it in SQL"
    here = "test_what_no_document_can_say_is_refused_by_name.<locals>"
    assert [str(problem) for problem in caught.value.problems] == [
        f"Odd.x.one: cannot be written in YAML: it is a lambda, which has no name; {fix}",
        f"Odd.x.two: cannot be written in YAML: '{here}.local' is known only where it is defined; {fix}",
        f"Odd.x.three: cannot be written in YAML: it is a partial function; {fix}",
        "Odd.x.four: cannot be written in YAML: argument 'high' is a Fraction; give plain values",
        "Odd.x.equal_to: cannot be written in YAML: Fraction(1, 2) is a Fraction, for which there are no words; give a plain value",
        f"Odd.x.kept: cannot be written in YAML: '{here}.Hidden.kept' is known only where it is defined; {fix}",
        "Odd.y: cannot be written in YAML: metadata 'of' is no plain data (text, numbers, truth values, and lists and dicts of these)",
        "Odd.y: cannot be written in YAML: metadata 5 is no plain data (text, numbers, truth values, and lists and dicts of these)",
    ]  # fmt: skip


def test_what_cannot_be_compiled_is_refused_before_it_is_written():
    with pytest.raises(DefinitionError, match="a regex stands for columns that only the data tells"):
        write_yaml_schema(pa.DataFrameSchema({"^a": pa.Column(int, regex=True)}))


def test_a_function_that_was_replaced_is_refused(monkeypatch):
    schema = pa.DataFrameSchema({"x": pa.Column(int, pa.Check(own.small))})
    monkeypatch.setattr(own, "small", own.within)
    with pytest.raises(
        DefinitionError, match=r"'tests\.boundary\.yaml_schema\.checks_of_models:small' is another function"
    ):
        write_yaml_schema(schema)


def test_checks_made_of_sql_and_references_say_where_they_come_from():
    schema = pa.DataFrameSchema(
        {"x": pa.Column(int, pa.Check(python_check(f"{own.__name__}:small"), name="s"))},
        checks=pa.Check(sql_check("x < 5", "few"), name="few"),
    )
    text = hold(schema)
    assert f"  - name: s\n    column: x\n    python: {own.__name__}:small\n" in text
    assert "  - name: few\n    holds: x < 5\n" in text
    assert read_yaml_schema(text.encode(), "x.yaml").checks[0].name == "few"
