"""A pipeline whose source is described by a JSON Schema, run on real files."""

from __future__ import annotations

import json

import pytest

from framework import Pipeline, json_files, table
from framework.boundary.json_schema import read_json_schema
from framework.errors import DefinitionError
from framework.lake import open_table
from framework.run.compiled import verify
from framework.run.fingerprints import fingerprint
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Order",
    "type": "object",
    "$defs": {
        "line": {
            "type": "object",
            "properties": {
                "sku": {"type": "string", "pattern": r"^[A-Z]\d+$"},
                "units": {"type": "integer", "minimum": 1},
            },
            "required": ["sku", "units"],
        }
    },
    "properties": {
        "id": {"type": "string", "pattern": r"^O\d+$"},
        "total": {"type": "number", "multipleOf": 0.01, "minimum": 0},
        "placed_at": {"type": "string", "format": "date-time"},
        "channel": {"enum": ["web", "shop"], "default": "web"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "minItems": 1},
        "note": {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]},
    },
    "required": ["id", "total", "placed_at", "lines"],
}
MOMENT = "2024-05-01T12:00:00+02:00"
LINES = [{"sku": "A1", "units": 2}]
GOOD = {"id": "O1", "total": 15.10, "placed_at": MOMENT, "lines": LINES, "note": None}
RECORDS = [
    GOOD,
    {**GOOD, "id": "X2", "total": -0.01, "channel": "phone"},
    {**GOOD, "id": "O3", "total": 1.005, "placed_at": "2024-05-01", "note": "too long"},
    {**GOOD, "id": "O4", "channel": "shop", "total": 7},
    {**GOOD, "id": "O5", "lines": [{"sku": "a1", "units": 0}, {"sku": "B2"}]},
    {**GOOD, "id": "O6", "lines": []},
]


@pytest.fixture
def space(tmp_path):
    (tmp_path / "raw").mkdir()
    lines = "".join(json.dumps(record) + "\n" for record in RECORDS)
    (tmp_path / "raw" / "orders.ndjson").write_text(lines)
    return Workspace(StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / "lake")))


def pipeline(document=ORDER, **options) -> Pipeline:
    source = json_files("*.ndjson", schema=read_json_schema(document, name="Order"), **options)
    return Pipeline("t.orders", sources={"orders": source}, outputs=[table("t/orders", of="orders", mode="append")])


def test_records_that_break_their_schema_are_quarantined_with_every_reason(space):
    run_in(pipeline(), space, RunRequest())
    rows = open_table(space.lake, "t/orders").scan().sort("id").collect().to_dicts()
    held = open_table(space.lake, "_quarantine/t.orders").scan().collect()
    assert [(row["id"], str(row["total"]), row["placed_at"].isoformat(), row["channel"]) for row in rows] == [
        ("O1", "15.10", "2024-05-01T10:00:00+00:00", "web"),
        ("O4", "7.00", "2024-05-01T10:00:00+00:00", "shop"),
    ]
    assert rows[0]["lines"] == LINES
    assert dict(held.sort("line").select("line", "reasons").iter_rows()) == {
        2: [r"id: must match ^O\d+$", "total: must be >= 0", "channel: must be one of ['web', 'shop']"],
        3: [
            "total: must be a number with at most 16 digits before the point and 2 after it",
            "placed_at: must be a time like 2024-12-31T23:59:59Z",
            "note: must have at most 5 characters",
        ],
        5: [
            r"lines: sku of every item must match ^[A-Z]\d+$",
            "lines: units of every item must not be empty",
            "lines: units of every item must be >= 1",
        ],
        6: ["lines: must have at least 1 item"],
    }


def test_a_budget_names_a_rule_within_a_column(space):
    assert verify(pipeline(budget={"lines.item_units_minimum": 0, "*": 10})) == []
    with pytest.raises(DefinitionError, match="item_units_minimun"):
        run_in(pipeline(budget={"lines.item_units_minimun": 0}), space, RunRequest())


def test_a_changed_document_is_another_pipeline():
    looser = {**ORDER, "properties": {**ORDER["properties"], "total": {"type": "number", "multipleOf": 0.01}}}
    assert fingerprint(pipeline()) == fingerprint(pipeline())
    assert fingerprint(pipeline()) != fingerprint(pipeline(looser))
