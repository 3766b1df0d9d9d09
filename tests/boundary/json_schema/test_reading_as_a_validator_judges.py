"""A document that is read means what it means to a validator, and what is written of it again means the same."""

from __future__ import annotations

from hypothesis import given

from framework.boundary.json_schema import write_json_schema
from tests.boundary.json_schema.documents import documents
from tests.boundary.json_schema.judging import UNSHRUNK, boundary_says, read, validator_says


@UNSHRUNK
@given(documents())
def test_a_boundary_accepts_the_records_that_a_validator_accepts(drawn):
    document, records = drawn
    schema = read(document)
    if schema is not None:
        assert boundary_says(schema, records) == validator_says(document, records)
        assert validator_says(write_json_schema(schema), records) == validator_says(document, records)
