"""What is written of a schema means to a validator what the schema means to a boundary, and read again as well."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pandera.polars as pa
import pytest
from hypothesis import given

from framework.boundary.json_schema import read_json_schema, write_json_schema
from tests.boundary.json_schema.judging import UNSHRUNK, boundary_says, read, validator_says
from tests.boundary.json_schema.models import KINDS, models


@UNSHRUNK
@given(models())
def test_a_validator_accepts_the_records_that_a_boundary_accepts(drawn):
    schema, records = drawn
    document = json.loads(json.dumps(write_json_schema(schema)))
    assert jsonschema_rs.meta.is_valid(document)
    accepted = boundary_says(schema, records)
    assert validator_says(document, records) == accepted
    again = read(document)
    if again is not None:
        assert boundary_says(again, records) == accepted
        assert validator_says(write_json_schema(again), records) == accepted


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_check_option_and_default_of_a_type_is_written_as_it_is_held(name):
    kind = KINDS[name]
    checked: list[dict[str, Any]] = [{"checks": [check]} for check in kind.checks if check.ignore_na]
    optioned = [{"metadata": one} for one in kind.metadata] + [{"default": one} for one in kind.defaults]
    columns = {
        f"c{number}": pa.Column(kind.dtype, nullable=True, required=False, **{"metadata": kind.needed, **options})
        for number, options in enumerate([{}, *checked, *optioned])
    }
    held(columns, [{column: value} for column in columns for value in (*kind.values, None)])


@pytest.mark.parametrize("name", sorted(KINDS))
def test_null_is_written_as_it_is_held(name):
    kind = KINDS[name]
    held({"a": pa.Column(kind.dtype, metadata=kind.needed)}, [{"a": value} for value in (*kind.values, None)])
    for check in kind.checks:
        if not check.ignore_na:
            held({"a": pa.Column(kind.dtype, check, nullable=True)}, [{"a": value} for value in (*kind.values, None)])


def held(columns: dict[str, pa.Column], records: list[Any]) -> None:
    schema = pa.DataFrameSchema(columns, name="Model")
    document = json.loads(json.dumps(write_json_schema(schema)))
    accepted = boundary_says(schema, records)
    assert differing(records, validator_says(document, records), accepted) == []
    assert differing(records, boundary_says(read_json_schema(document, name="Model"), records), accepted) == []


def differing(records: list[Any], given: list[bool], expected: list[bool]) -> list[Any]:
    return [(record, one) for record, one, other in zip(records, given, expected, strict=True) if one != other]
