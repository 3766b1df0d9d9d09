"""Where a boundary and a validator differ on purpose; docs/reference/json-schema.md lists the same."""

from __future__ import annotations

from typing import Any

import pandera.polars as pa
import polars as pl
import pytest

from framework.boundary.json_schema import read_json_schema, write_json_schema
from tests.boundary.json_schema.judging import boundary_says, validator_says

INTEGER, NUMBER, TEXT = {"type": "integer"}, {"type": "number"}, {"type": "string"}
MOMENT, LENGTH = {"type": "string", "format": "date-time"}, {"type": "string", "format": "duration"}
CLOSED = {"type": "object", "properties": {"x": INTEGER}, "additionalProperties": False}


def verdicts(said: dict[str, Any], value: Any, *, is_required: bool = True) -> tuple[bool, bool]:
    """What the boundary and the validator say of a record with one property; `...` leaves it out."""
    document = {"type": "object", "properties": {"a": said}, "required": ["a"] if is_required else []}
    records = [{} if value is ... else {"a": value}]
    schema = read_json_schema(document, name="record")
    return boundary_says(schema, records)[0], validator_says(document, records)[0]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        pytest.param(INTEGER, "5", id="a number in a text"),
        pytest.param({"type": "boolean"}, "true", id="a truth in a text"),
        pytest.param(TEXT, 5, id="a number where a text is wanted"),
        pytest.param(TEXT, {"x": 1}, id="an object where a text is wanted"),
        pytest.param({"type": ["string", "null"]}, ..., id="no key where null may be"),
        pytest.param({"type": "array", "items": CLOSED}, [{"x": 1, "y": 2}], id="an unknown key within a column"),
        pytest.param(MOMENT, "2024-01-01T00:00:00+0100", id="an offset without its colon"),
        pytest.param(LENGTH, "PT0.5S", id="a fraction in a duration"),
        pytest.param(LENGTH, "26:30:00", id="a duration by the clock"),
        pytest.param({"type": "string", "format": "hostname"}, "xn--X", id="a host name in bad Punycode"),
        pytest.param({"type": "string", "format": "uri"}, "http://[@x", id="a URI that breaks finer rules"),
    ],
)
def test_a_boundary_accepts_what_a_validator_refuses(said, value):
    assert verdicts(said, value) == (True, False)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        pytest.param(INTEGER, 2**63, id="a whole number that Int64 cannot hold"),
        pytest.param({"type": "number", "multipleOf": 0.01}, 10**16, id="an amount with too many digits"),
        pytest.param(MOMENT, "2024-01-01T00:00:00.1234567Z", id="a finer fraction than microseconds"),
        pytest.param(MOMENT, "2016-12-31T23:59:60Z", id="a leap second"),
        pytest.param(MOMENT, "2024-01-01t00:00:00z", id="small letters in a moment"),
        pytest.param({"type": "string", "format": "time"}, "10:00:00+02:00", id="a time of day elsewhere than UTC"),
        pytest.param(LENGTH, "P1Y2M", id="years and months, which have no length"),
        pytest.param({"type": "string", "format": "email"}, '"a b"@c.de', id="a quoted e-mail address"),
    ],
)
def test_a_boundary_refuses_what_a_validator_accepts(said, value):
    assert verdicts(said, value) == (False, True)


def test_null_is_no_value_and_so_allowed_where_a_key_may_be_absent():
    assert verdicts(INTEGER, None, is_required=False) == (True, False)
    assert verdicts({**INTEGER, "minimum": 3, "default": 5}, None, is_required=False) == (True, False)


def test_a_dot_stands_for_no_line_end_of_ecma_and_a_boundary_of_words_knows_ascii_letters_only():
    assert verdicts({**TEXT, "pattern": "^.$"}, "\r") == (False, True)
    assert verdicts({**TEXT, "pattern": r"\ba"}, "éa") == (True, False)


def written(column: pa.Column, value: Any) -> tuple[bool, bool]:
    schema = pa.DataFrameSchema({"a": column}, name="Model")
    return boundary_says(schema, [{"a": value}])[0], validator_says(write_json_schema(schema), [{"a": value}])[0]


def test_a_written_schema_asks_for_one_spelling_where_a_boundary_takes_several():
    assert written(pa.Column(pl.Datetime("us", "UTC")), "2024-05-01 12:00:00") == (True, False)
    assert written(pa.Column(pl.Boolean), "yes") == (True, False)
    assert written(pa.Column(pl.Float64, nullable=True, metadata={"null_tokens": ["n/a"]}), "n/a") == (True, False)


def test_a_written_schema_knows_no_calendar_in_declared_layouts_and_no_text_of_numbers():
    assert written(pa.Column(pl.Date, metadata={"formats": "%d.%m.%Y"}), "30.02.2024") == (False, True)
    assert written(pa.Column(pl.Date, metadata={"formats": "%d %b %Y"}), "x") == (False, True)
    assert written(pa.Column(pl.Float64, metadata={"decimal_comma": True}), "x") == (False, True)


def test_a_whole_number_with_a_point_is_one_to_json_schema_only():
    assert written(pa.Column(pl.Int64), 7.0) == (False, True)
    assert verdicts(INTEGER, 7.0) == (True, True)
