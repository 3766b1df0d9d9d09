"""What a written document looks like, and that nothing of a schema is lost in it without a word."""

# ruff: noqa: TC002 - Pandera reads the annotations of checks

from __future__ import annotations

import importlib
import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import jsonschema_rs
import pandera.polars as pa
import polars as pl
import pytest
from pandera.api.polars.types import PolarsData

import framework
from framework.boundary import compile_contract
from framework.boundary.json_schema import read_json_schema, write_json_schema
from framework.errors import DefinitionError, Problem
from tests.boundary.json_schema.judging import boundary_says, reasons_for, validator_says

BERLIN = ZoneInfo("Europe/Berlin")


class Sale(pa.DataFrameModel):
    """One row per sale.

    More about it.
    """

    sale_id: str = pa.Field(str_matches=r"S\d+$", unique=True, title="Number", metadata={"owner": "sales"})
    price: Annotated[pl.Decimal, 12, 4] = pa.Field(ge=0, lt=1000, description="net of tax")
    units: pl.Int16 = pa.Field(gt=0, default=1)
    day: pl.Date = pa.Field(ge=date(2000, 1, 1), nullable=True)
    sold_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(nullable=True, default=datetime(2024, 5, 1, tzinfo=UTC))
    tags: Annotated[pl.List, pl.String]
    email: str = pa.Field(nullable=True, str_contains="@", metadata={"sensitive": True, "deprecated": True})

    @pa.check("price", error="must be round", raise_warning=True)
    def is_round(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805 - Pandera's way
        return data.lazyframe.select(pl.col(data.key) % 1 == 0)

    @pa.check("units")
    def few_in_all(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805 - Pandera's way
        return data.lazyframe.select(pl.col(data.key).sum() < 10**6)

    @pa.dataframe_check(error="day: must be the day of sold_at")
    def same_day(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805 - Pandera's way
        return data.lazyframe.select(pl.col("day") == pl.col("sold_at").dt.date())

    class Config:
        strict = True
        ordered = True
        unique = ("day", "units")


def test_a_schema_is_written_with_all_that_json_schema_can_say_and_the_rest_by_name():
    assert write_json_schema(Sale) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sale",
        "description": "One row per sale.\n\nMore about it.",
        "type": "object",
        "properties": {
            "sale_id": {
                "title": "Number",
                "type": "string",
                "pattern": r"^S[\p{Nd}]+$",
                "x-sluice-metadata": {"owner": "sales"},
            },
            "price": {
                "description": "net of tax",
                "type": "number",
                "multipleOf": 0.0001,
                "minimum": 0,
                "exclusiveMaximum": 1000,
                "x-sluice-rules": [{"name": "is_round", "message": "must be round", "severity": "warning"}],
            },
            "units": {
                "type": ["integer", "null"],
                "minimum": -32768,
                "maximum": 32767,
                "exclusiveMinimum": 0,
                "default": 1,
                "x-sluice-rules": [{"name": "few_in_all", "message": "breaks rule few_in_all", "over": "batch"}],
            },
            "day": {
                "type": ["string", "null"],
                "format": "date",
                "x-sluice-rules": [{"name": "greater_than_or_equal_to", "message": "must be >= 2000-01-01"}],
            },
            "sold_at": {
                "type": ["string", "null"],
                "format": "date-time",
                "pattern": r"T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:[.][0-9]{1,6}0*)?Z$",
                "default": "2024-05-01T00:00:00Z",
            },
            "tags": {"type": "array", "items": {"type": ["string", "null"]}},
            "email": {
                "type": ["string", "null"],
                "pattern": "@",
                "deprecated": True,
                "x-sluice-metadata": {"sensitive": True},
            },
        },
        "required": ["sale_id", "price", "day", "tags", "email"],
        "additionalProperties": False,
        "x-sluice-unique": [["sale_id"], ["day", "units"]],
        "x-sluice-ordered": True,
        "x-sluice-rules": [{"name": "same_day", "message": "day: must be the day of sold_at"}],
    }


def test_the_public_name_writes_a_schema():
    assert framework.json_schema(Sale) == write_json_schema(Sale)


@pytest.mark.parametrize("domain", ["retail", "marketing", "features"])
def test_every_schema_of_the_repository_is_written_and_can_be_read_again(domain):
    module = importlib.import_module(f"schemas.{domain}")
    models = [m for m in vars(module).values() if isinstance(m, type) and issubclass(m, pa.DataFrameModel)]
    assert models
    for model in models:
        document = json.loads(json.dumps(write_json_schema(model)))
        assert jsonschema_rs.meta.is_valid(document)
        again = compile_contract(read_json_schema(document, name=model.__name__))
        assert list(again.columns) == list(compile_contract(model).columns)


@pytest.mark.parametrize(
    ("dtype", "default", "written", "metadata"),
    [
        (pl.Date, date(2024, 5, 1), "2024-05-01", None),
        (pl.Date, date(2024, 5, 1), "01.05.2024", {"formats": "%d.%m.%Y"}),
        (pl.Datetime("us", "Europe/Berlin"), datetime(2024, 5, 1, 2, tzinfo=BERLIN), "2024-05-01T00:00:00Z", None),
        (pl.Datetime("ms"), datetime(2024, 5, 1, 12, 0, 0, 500_000), "2024-05-01T12:00:00.500Z", None),  # noqa: DTZ001
        (pl.Time, time(9, 30), "09:30:00", None),
        (pl.Duration("us"), timedelta(days=1, seconds=1.5), "P1DT1.5S", None),
        (pl.Decimal(9, 2), Decimal("1.50"), 1.5, None),
        (pl.Boolean, False, False, None),
        (pl.String, "a", "a", None),
    ],
)
def test_a_default_is_written_as_it_would_be_read(dtype, default, written, metadata):
    schema = pa.DataFrameSchema({"a": pa.Column(dtype, default=default, metadata=metadata)}, name="M")
    document = write_json_schema(schema)
    assert document["properties"]["a"]["default"] == written
    assert document["required"] == []
    assert boundary_says(schema, [{"a": written}]) == validator_says(document, [{"a": written}]) == [True]


def test_a_default_that_is_read_fills_the_column():
    said = {"type": "string", "format": "date-time", "default": "2024-05-01T02:00:00+02:00"}
    schema = read_json_schema({"properties": {"a": said, "b": {"type": "integer", "default": 7}}}, name="M")
    assert schema.columns["a"].default == datetime(2024, 5, 1, tzinfo=UTC)
    assert schema.columns["b"].default == 7
    kept = read_json_schema({"properties": {"b": {"type": "integer", "default": 7}}, "required": ["b"]}, name="M")
    assert kept.columns["b"].default is None
    assert boundary_says(kept, [{}]) == [False]
    assert write_json_schema(kept)["properties"]["b"]["default"] == 7


def test_bytes_without_an_encoding_have_no_form_in_json():
    with pytest.raises(DefinitionError) as caught:
        write_json_schema(pa.DataFrameSchema({"a": pa.Column(pl.Binary), "b": pa.Column(pl.Binary)}, name="M"))
    told = "bytes have no form in JSON; declare `encoding` in the column's metadata"
    assert caught.value.problems == (Problem("M.a", told), Problem("M.b", told))


def test_notes_stay_with_what_they_are_on():
    inner = {"type": "string", "description": "five digits", "examples": ["12345"], "default": "00000"}
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Orders",
        "description": "One row per order.",
        "$comment": "by hand",
        "type": "object",
        "properties": {
            "to": {
                "title": "Where to",
                "type": "object",
                "properties": {"zip": inner, "no": {"type": ["integer", "null"]}},
                "required": ["zip", "no"],
                "readOnly": True,
            },
            "all": {"type": "array", "items": {"type": "integer", "title": "One", "minimum": 3}},
        },
        "required": ["to", "all"],
        "additionalProperties": True,
        "x-owner": {"ignored": True},
    }
    written = write_json_schema(read_json_schema(document, name="orders"))
    expected = {key: value for key, value in document.items() if key != "x-owner"}
    expected["properties"]["to"]["required"] = ["zip"]  # a key that is absent is null
    assert written == expected


@pytest.mark.parametrize("count", [3, 300])
def test_a_key_that_is_not_described_refuses_a_record_of_a_closed_schema(count):
    schema = read_json_schema({"properties": {"a": {"type": "integer"}}, "additionalProperties": False}, name="record")
    records = [{"a": 1, "b": 2} if number % 3 == 1 else {"a": number} for number in range(count)]
    refused = [number for number in range(count) if number % 3 == 1]
    assert reasons_for(schema, records) == {number: ["unknown keys b"] for number in refused}


def test_a_limit_that_json_has_no_number_for_is_named():
    limit = Decimal("0.10000000000000000001")
    column = pa.Column(pl.Decimal(38, 20), pa.Check.ge(limit))
    said = write_json_schema(pa.DataFrameSchema({"a": column}, name="M"))["properties"]["a"]
    rules = [{"name": "greater_than_or_equal_to", "message": f"must be >= {limit}"}]
    assert said == {"type": "number", "multipleOf": 1e-20, "x-sluice-rules": rules}


def test_the_tighter_of_several_limits_is_written():
    checks = [pa.Check.ge(2), pa.Check.ge(-1), pa.Check.le(5), pa.Check.le(9), pa.Check.isin([3, 4]), pa.Check.ne(4)]
    said = write_json_schema(pa.DataFrameSchema({"a": pa.Column(pl.UInt8, checks)}, name="M"))["properties"]["a"]
    assert said == {"type": "integer", "minimum": 2, "maximum": 5, "enum": [3, 4], "not": {"enum": [4]}}
